import { done, failed, type HealthConfig, type Outcome, type QuestionConfig, type Source, type SourceInput } from '@sluice/core';
import { checkExpectation, type Expectation } from './expectation.ts';
import { missingInputs, typedInputs, type Inputs } from './inputs.ts';

/** Probe is one question of a health check or a paired probe, checked, without the user that asks it. */
export interface Probe {
  /** name is for people: `"ping"`, `inputs order, topic`. */
  readonly name: string;
  readonly query?: string;
  readonly inputs: Inputs;
  readonly expectation: Expectation;
}

const greeting = 'hello';

const exampleOf = (input: SourceInput): string => {
  switch (input.type) {
    case 'number':
      return '1';
    case 'boolean':
      return 'true';
    case 'choice':
      return JSON.stringify(input.choices?.[0] ?? '');
    case 'file':
      return '"https://…"';
    case 'files':
      return '["https://…"]';
    case 'json':
      return `'{}'`;
    case 'text':
      return '"…"';
  }
};

const key = (name: string): string => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : JSON.stringify(name));

/** inputsYaml is the YAML, in one line, that gives the missing inputs a value. */
const inputsYaml = (inputs: readonly SourceInput[]): string =>
  `inputs: { ${inputs.map((input) => `${key(input.name)}: ${exampleOf(input)}`).join(', ')} }`;

const hintFor = (source: Source, missing: readonly SourceInput[], index: number, health: HealthConfig | undefined): string => {
  const yaml = inputsYaml(missing);
  if (health?.ask !== undefined) return `Add to health.ask[${index}]: ${yaml}`;
  const ask = `ask: [{ ${speaks(source) ? `query: ${greeting}, ` : ''}${yaml} }]`;
  return health === undefined ? `Add to sluice.yml: health: { ${ask} }` : `Add to health in sluice.yml: ${ask}`;
};

/** speaks is true for applications that take a message; a workflow takes inputs alone. */
const speaks = (source: Source): boolean => source.kind !== 'workflow';

const probeName = (query: string | undefined, inputs: Inputs): string => {
  if (query !== undefined) return JSON.stringify(query.length > 60 ? `${[...query].slice(0, 60).join('')}…` : query);
  const names = Object.keys(inputs);
  return names.length === 0 ? 'a run without inputs' : `inputs ${names.join(', ')}`;
};

/** messageInput is the input of a completion app that takes the user's message (Dify calls it `query`). */
const messageInput = (source: Source, query: string | undefined): QuestionConfig['inputs'] => {
  const takes = source.kind === 'completion' && source.inputs.some((input) => input.name === 'query' && input.type === 'text');
  return takes && query !== undefined ? { query } : {};
};

const probeOf = (
  source: Source,
  config: QuestionConfig,
  index: number,
  health: HealthConfig | undefined,
  placeholders: Inputs,
): Outcome<Probe> => {
  const where = health?.ask === undefined ? 'health' : `health.ask[${index}]`;
  if (!speaks(source) && config.query !== undefined) {
    return failed({
      category: 'input',
      reason: `${source.title} is a workflow and takes no query`,
      where,
      hint: 'Put the values into inputs.',
    });
  }
  const query = speaks(source) ? (config.query ?? greeting) : undefined;
  const given = { ...messageInput(source, query), ...config.inputs };
  const missing = missingInputs(source, given, placeholders);
  if (missing.length > 0) {
    return failed({
      category: 'input',
      reason: `${source.title} cannot be asked: it requires ${missing.map((input) => input.name).join(', ')}, and no value is known`,
      where,
      hint: hintFor(source, missing, index, health),
    });
  }
  const expectation = checkExpectation(config.expect ?? {}, where);
  if (!expectation.ok) return expectation;
  const inputs = typedInputs(source, given, placeholders, where);
  if (!inputs.ok) return inputs;
  return done({
    name: probeName(query, inputs.value),
    ...(query === undefined ? {} : { query }),
    inputs: inputs.value,
    expectation: expectation.value,
  });
};

/**
 * questionsFor gives the questions of a health check: those of `health.ask`, else "hello" for applications that take a
 * message and a run with the source's own defaults for a workflow. A required input without a value is an `input` problem
 * with the YAML to add, all problems at once. `placeholders` fills required inputs in a rehearsal.
 */
export const questionsFor = (source: Source, health?: HealthConfig, placeholders: Inputs = {}): Outcome<readonly Probe[]> => {
  const results = (health?.ask ?? [{}]).map((config, index) => probeOf(source, config, index, health, placeholders));
  const [first, ...others] = results.flatMap((result) => (result.ok ? [] : [result.problem]));
  if (first !== undefined) return failed({ ...first, others: [...(first.others ?? []), ...others] });
  return done(results.flatMap((result) => (result.ok ? [result.value] : [])));
};
