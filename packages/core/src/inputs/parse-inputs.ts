import * as z from 'zod/mini';
import { done, failed, type Outcome } from '../outcome.ts';
import type { Problem } from '../problem.ts';
import { complaintsOf, issueWords } from '../schema/issues.ts';
import { looksLikeSecretName, wordsOf } from '../secrets/secret-names.ts';
import type { AnyStep } from '../step.ts';
import { nearest } from '../text/nearest.ts';
import { oneLine } from '../text/one-line.ts';

/** InputValues are inputs as they come, by their names; an empty text means absent. */
export interface InputValues {
  /** flags are from the command line and win. */
  readonly flags: Readonly<Record<string, string>>;
  /** json is the text of SLUICE_INPUTS, one JSON object. */
  readonly json?: string;
  /** secretVariables are the environment variables that hold the secrets of the platforms in question, to name the right one in a refusal. */
  readonly secretVariables?: readonly string[];
}

/** ParsedInputs are a step's inputs, or everything that is wrong with them. */
export interface ParsedInputs {
  readonly inputs: Outcome<Readonly<Record<string, unknown>>>;
  /** secretsSeen are values that came in by mistake; mask them before anything is written. */
  readonly secretsSeen: readonly string[];
  /** config is the input of that name, which says what the refusal of another one is about. */
  readonly config?: string;
}

const refused = (reason: string, hint: string): Problem => ({ category: 'input', reason, tried: 'read the inputs', hint });

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    // What is wrong is said by the caller: the parser's own message shows the text, which may hold a secret.
    return undefined;
  }
};

const shown = (value: unknown): string => (value === undefined || value === null ? 'nothing' : `"${oneLine(String(value), 40)}"`);

/** Edge is the inputs after merging, as texts, with what could not be read. */
interface Edge {
  readonly texts: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

const textOf = (value: unknown): string | undefined => {
  if (value === null) return '';
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
};

const merge = ({ flags, json }: InputValues): Edge => {
  const parsed = json === undefined || json.trim() === '' ? {} : parseJson(json);
  if (!isRecord(parsed)) {
    return { texts: new Map(), problems: [refused('SLUICE_INPUTS is not one JSON object', 'Give the inputs as {"name": "value"}.')] };
  }
  const texts = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [name, value] of [...Object.entries(parsed), ...Object.entries(flags)]) {
    const text = textOf(value);
    if (text === undefined) problems.push(refused(`input "${oneLine(name, 60)}": must be text, got a list or a mapping`, 'Give it as text.'));
    else if (text !== '') texts.set(name, text);
  }
  return { texts, problems };
};

/** meantVariables are those that an input of this name may mean: with all of its words, else with its last one, else of a near name, else all. */
const meantVariables = (name: string, variables: readonly string[]): readonly string[] => {
  const words = wordsOf(name);
  const near = nearest(name, variables);
  const choices = [
    variables.filter((variable) => words.every((word) => wordsOf(variable).includes(word))),
    variables.filter((variable) => wordsOf(variable).at(-1) === words.at(-1)),
    near === undefined ? [] : [near],
  ];
  return choices.find((choice) => choice.length > 0) ?? variables;
};

const secretProblem = (name: string, variables: readonly string[]): Problem => {
  const [first, ...others] = meantVariables(name, variables);
  const named = others.length === 0 ? `the environment variable ${first}` : `one of the environment variables ${[first, ...others].join(', ')}`;
  return refused(
    `input "${oneLine(name, 60)}": secrets are not taken as inputs`,
    `Store the value as a secret of the CI and hand it over as ${first === undefined ? 'an environment variable' : named}.`,
  );
};

const unknownProblem = (name: string, known: readonly string[]): Problem => {
  const near = nearest(name, known);
  return refused(`input "${oneLine(name, 60)}": is unknown${near === undefined ? '' : `; did you mean "${near}"?`}`, `Known are ${known.join(', ')}.`);
};

/**
 * parseInputs reads a step's inputs strictly: flags win over SLUICE_INPUTS, an empty text means absent, and everything
 * that is wrong is reported at once as one `input` problem. An input that promises a secret is refused, and its value
 * given back for masking.
 */
export const parseInputs = (step: AnyStep, values: InputValues): ParsedInputs => {
  const { texts, problems } = merge(values);
  const known = Object.keys(step.inputs.shape);
  const unknown = [...texts.keys()].filter((name) => !known.includes(name));
  const secrets = unknown.filter(looksLikeSecretName);
  const given = Object.fromEntries([...texts].filter(([name]) => known.includes(name)));
  const parsed = step.inputs.safeParse(given, { error: issueWords(shown) });
  const complaints = parsed.success ? [] : complaintsOf(parsed.error.issues);
  const all = [
    ...problems,
    ...secrets.map((name) => secretProblem(name, values.secretVariables ?? [])),
    ...unknown.filter((name) => !secrets.includes(name)).map((name) => unknownProblem(name, known)),
    ...complaints.map(({ path, message }) => {
      const [name] = path;
      const value = name === undefined ? undefined : texts.get(String(name));
      const found = value === undefined || message.includes(', got ') ? '' : `, got ${shown(value)}`;
      return refused(name === undefined ? `the inputs ${message}` : `input "${String(name)}": ${message}${found}`, `See the documentation of ${step.name} for what it takes.`);
    }),
  ];
  const [first, ...others] = all;
  const secretsSeen = secrets.map((name) => texts.get(name)).filter((value) => value !== undefined);
  const config = texts.get('config');
  const seen = { secretsSeen, ...(config === undefined ? {} : { config }) };
  if (first !== undefined) return { inputs: failed(others.length === 0 ? first : { ...first, others }), ...seen };
  if (!parsed.success) throw new z.core.$ZodError(parsed.error.issues);
  return { inputs: done(parsed.data), ...seen };
};
