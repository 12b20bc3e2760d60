import type * as z from 'zod/mini';

type Issue = z.core.$ZodIssue;

/** Complaint is one thing that a value does not fulfil, in words that follow the value's name: "must be a list, got text". */
export interface Complaint {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** unknownKey is set when the last part of the path is a key that nobody knows. */
  readonly unknownKey?: string;
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  null: 'nothing',
};

/** typeWord says what kind of value something is, and nothing of the value itself, which may be a secret. */
export const typeWord = (value: unknown): string => {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'boolean') return String(value);
  return typeWords[Array.isArray(value) ? 'array' : typeof value] ?? typeof value;
};

const either = (choices: readonly string[]): string =>
  choices.length < 2 ? choices.join('') : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1) ?? ''}`;

const expectations = (issue: Issue): readonly string[] => {
  if (issue.code === 'invalid_type') return [typeWords[issue.expected] ?? issue.expected];
  if (issue.code === 'invalid_value') return issue.values.map(String);
  if (issue.code === 'invalid_union') return issue.errors.flatMap((branch) => branch.flatMap(expectations));
  return [];
};

const bounds = (issue: { readonly origin: string; readonly inclusive?: boolean | undefined }, limit: string, side: 'least' | 'most'): string => {
  if (issue.origin === 'array') return `must have at ${side} ${limit} ${limit === '1' ? 'entry' : 'entries'}`;
  if (issue.origin === 'string') {
    return side === 'least' && limit === '1' ? 'must not be empty' : `must have at ${side} ${limit} characters`;
  }
  if (issue.inclusive === false) return `must be ${side === 'least' ? 'more' : 'less'} than ${limit}`;
  return `must be at ${side} ${limit}`;
};

/** issueWords makes zod's error map; `got` writes the value that was found, as far as it may be shown. */
export const issueWords =
  (got: (value: unknown) => string): z.core.$ZodErrorMap =>
  (issue) => {
    const found = `, got ${got(issue.input)}`;
    if (issue.input === undefined && issue.code !== 'unrecognized_keys') return 'is missing';
    switch (issue.code) {
      case 'invalid_type':
        return `must be ${typeWords[issue.expected] ?? issue.expected}${found}`;
      case 'invalid_value':
        return `must be ${either(issue.values.map(String))}${found}`;
      case 'invalid_union':
        return `must be ${either([...new Set(issue.errors.flatMap((branch) => branch.flatMap(expectations)))])}${found}`;
      case 'too_small':
        return `${bounds(issue, String(issue.minimum), 'least')}${issue.origin === 'array' || issue.origin === 'string' ? '' : found}`;
      case 'too_big':
        return `${bounds(issue, String(issue.maximum), 'most')}${issue.origin === 'array' || issue.origin === 'string' ? '' : found}`;
      case 'invalid_format':
        return `must be ${issue.format === 'regex' ? `of the form ${issue.pattern ?? ''}` : `a valid ${issue.format}`}${found}`;
      case 'not_multiple_of':
        return `must be a multiple of ${issue.divisor}${found}`;
      // These never stand alone: complaintsOf writes them, or the schema says it itself.
      case 'custom':
      case 'invalid_element':
      case 'invalid_key':
      case 'unrecognized_keys':
        return 'is not valid';
    }
  };

/** isOfOtherType tells that a branch of a union is meant for another kind of value altogether. */
const isOfOtherType = (branch: readonly Issue[]): boolean =>
  branch.some(
    (issue) =>
      issue.path.length === 0 &&
      (issue.code === 'invalid_type' ||
        issue.code === 'invalid_value' ||
        (issue.code === 'invalid_union' && issue.errors.every(isOfOtherType))),
  );

const keyPart = (part: PropertyKey): string | number => (typeof part === 'symbol' ? String(part) : part);

/**
 * complaintsOf flattens zod's issues. Of a union it takes the branch that is meant for this type of value and has the
 * fewest complaints; when there is none, the union's own message names what would be allowed.
 */
export const complaintsOf = (issues: readonly Issue[], under: readonly (string | number)[] = []): readonly Complaint[] =>
  issues.flatMap((issue): readonly Complaint[] => {
    const path = [...under, ...issue.path.map(keyPart)];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...path, key], message: `the key "${key}" is unknown`, unknownKey: key }));
    }
    if (issue.code === 'invalid_key') return [{ path, message: `as a name ${issue.issues.map((one) => one.message).join(', ')}` }];
    if (issue.code === 'invalid_union') {
      const [best] = issue.errors.filter((branch) => !isOfOtherType(branch)).toSorted((one, other) => one.length - other.length);
      if (best !== undefined) return complaintsOf(best, path);
    }
    return [{ path, message: issue.message }];
  });
