import { didYouMean, done, failed, type Outcome, type Problem, type Question, type QuestionConfig, type Source, type SourceInput } from '@sluice/core';
import { remoteFile } from './remote-file.ts';

/** Inputs are the values that one question gives to an application. */
export type Inputs = Question['inputs'];

type Given = NonNullable<QuestionConfig['inputs']>;
type GivenValue = Given[string];

/** TypedInput is a value of the input's type, or what is wrong with the one that was given. */
type TypedInput = { readonly value: Inputs[string] } | { readonly wrong: string };

const numberOf = (given: GivenValue): TypedInput =>
  (typeof given === 'number' || (typeof given === 'string' && given.trim() !== '')) && Number.isFinite(Number(given))
    ? { value: Number(given) }
    : { wrong: 'must be a number' };

const booleanOf = (given: GivenValue): TypedInput =>
  String(given) === 'true' || String(given) === 'false' ? { value: String(given) === 'true' } : { wrong: 'must be true or false' };

const textOf = (given: GivenValue, input: SourceInput): TypedInput => {
  if (typeof given === 'object') return { wrong: 'must be one text' };
  const value = String(given);
  const longest = input.maximumLength;
  if (longest !== undefined && longest > 0 && [...value].length > longest) return { wrong: `must have at most ${longest} characters` };
  return { value };
};

const choiceOf = (given: GivenValue, input: SourceInput): TypedInput => {
  const choices = input.choices ?? [];
  return choices.includes(String(given)) ? { value: String(given) } : { wrong: `must be one of ${choices.join(', ')}` };
};

const isAddress = (given: unknown): given is string => typeof given === 'string' && /^https?:\/\//.test(given) && URL.canParse(given);

const jsonOf = (given: GivenValue): TypedInput => {
  const wrong = { wrong: 'must be a JSON object in quotes' };
  if (typeof given !== 'string') return wrong;
  try {
    const parsed: unknown = JSON.parse(given);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { value: parsed } : wrong;
  } catch {
    // What is not JSON is the user's mistake and is said as such.
    return wrong;
  }
};

const typed = (given: GivenValue, input: SourceInput): TypedInput => {
  switch (input.type) {
    case 'text':
      return textOf(given, input);
    case 'number':
      return numberOf(given);
    case 'boolean':
      return booleanOf(given);
    case 'choice':
      return choiceOf(given, input);
    case 'file':
      return isAddress(given) ? { value: remoteFile(given) } : { wrong: 'must be the web address of a file' };
    case 'files': {
      const all = typeof given === 'object' ? given : [given];
      return all.every(isAddress) ? { value: all.map(remoteFile) } : { wrong: 'must be a list of web addresses of files' };
    }
    case 'json':
      return jsonOf(given);
  }
};

const sampleText = (input: SourceInput): string => [...`sample ${input.name}`].slice(0, input.maximumLength || undefined).join('');

const sampleFile = remoteFile('https://files.example.com/sample.txt');

const sample = (input: SourceInput): Inputs[string] => {
  switch (input.type) {
    case 'text':
      return sampleText(input);
    case 'number':
      return 1;
    case 'boolean':
      return true;
    case 'choice':
      return input.choices?.[0] ?? '';
    case 'file':
      return sampleFile;
    case 'files':
      return [sampleFile];
    case 'json':
      return {};
  }
};

/**
 * fillRequiredInputs gives every required input a placeholder of its type, and every choice its first value, because
 * choices decide which way a run takes; for rehearsals, where no real model reads them.
 */
export const fillRequiredInputs = (source: Source): Inputs =>
  Object.fromEntries(
    source.inputs.filter((input) => input.required || input.type === 'choice').map((input) => [input.name, sample(input)]),
  );

/** missingInputs are the required inputs without a given value, an own default or a placeholder. */
export const missingInputs = (source: Source, given: Given, placeholders: Inputs): readonly SourceInput[] =>
  source.inputs.filter(
    ({ name, required, initial }) =>
      required && !Object.hasOwn(given, name) && (initial === undefined || initial === '') && !Object.hasOwn(placeholders, name),
  );

/**
 * typedInputs turns the values of a question into the types that the application expects, and adds the application's own
 * defaults and the placeholders to required inputs that have no value. An unknown or wrong value is an `input` problem.
 */
export const typedInputs = (source: Source, given: Given, placeholders: Inputs, where: string): Outcome<Inputs> => {
  const known = new Map(source.inputs.map((input) => [input.name, input]));
  const problems: Problem[] = Object.keys(given)
    .filter((name) => !known.has(name))
    .map((name) => ({
      category: 'input',
      reason: `${source.title} has no input "${name}"`,
      where,
      hint: known.size === 0 ? 'It has no inputs at all.' : `Inputs: ${didYouMean(name, [...known.keys()])}`,
    }));
  const values: Record<string, Inputs[string]> = {};
  for (const input of source.inputs) {
    const configured = Object.hasOwn(given, input.name) ? given[input.name] : input.required && input.initial !== '' ? input.initial : undefined;
    if (configured === undefined) {
      const placeholder = Object.hasOwn(placeholders, input.name) ? placeholders[input.name] : undefined;
      if (placeholder !== undefined) values[input.name] = placeholder;
      continue;
    }
    const result = typed(configured, input);
    if ('value' in result) values[input.name] = result.value;
    else problems.push({ category: 'input', reason: `the input "${input.name}" ${result.wrong}`, where });
  }
  const [first, ...others] = problems;
  return first === undefined ? done(values) : failed({ ...first, ...(others.length === 0 ? {} : { others }) });
};
