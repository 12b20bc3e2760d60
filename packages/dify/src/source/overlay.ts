import {
  done,
  failed,
  type EnvironmentConfig,
  type EnvironmentReference,
  type Outcome,
  type Problem,
  type SecretReader,
} from '@sluice/core';
import { environmentVariables, hasGraph } from './dsl.ts';
import { inputProblem, joined, suggestion, withNames, withTriggers } from './overlay-names.ts';
import { listOf, mappingOf, textOf } from './shape.ts';
import type { DifySource } from './source.ts';

type VariableValue = string | number | boolean | EnvironmentReference;

const readValue = (name: string, value: VariableValue, secrets: SecretReader): Outcome<string | number | boolean> =>
  typeof value === 'object' ? secrets.read(value.env, `the variable ${name} of the app`) : done(value);

/** typed gives a value the type that the variable has; undefined when a number is wanted and this is none. */
const typed = (type: string, value: string | number | boolean): string | number | undefined => {
  if (type !== 'number' && type !== 'integer' && type !== 'float') return String(value);
  const number = typeof value === 'boolean' || value === '' ? Number.NaN : Number(value);
  return Number.isFinite(number) ? number : undefined;
};

const withVariables = (
  source: DifySource,
  values: Readonly<Record<string, VariableValue>>,
  secrets: SecretReader,
): Outcome<DifySource> => {
  const known = environmentVariables(source.root['workflow']);
  const problems: Problem[] = [];
  const given = new Map<string, string | number>();
  for (const [name, reference] of Object.entries(values)) {
    const variable = known.find((one) => one.name === name);
    if (variable === undefined) {
      const names = known.map((one) => one.name);
      const hint = hasGraph(source.mode) ? suggestion(name, names) : `${source.mode} apps have no environment variables.`;
      problems.push(inputProblem(`variables names ${name}, which the app does not have`, source, hint));
      continue;
    }
    const value = readValue(name, reference, secrets);
    if (!value.ok) {
      problems.push(value.problem);
      continue;
    }
    const fitting = typed(variable.type, value.value);
    if (fitting === undefined) problems.push(inputProblem(`the variable ${name} is a number, but its value in the environment is none`, source));
    else given.set(name, fitting);
  }
  const problem = joined(problems);
  if (problem !== undefined) return failed(problem);
  if (given.size === 0) return done(source);
  const workflow = mappingOf(source.root['workflow']);
  const variables = listOf(workflow['environment_variables']).map((item) => {
    const variable = mappingOf(item);
    const value = given.get(textOf(variable['name']));
    return value === undefined ? item : { ...variable, value };
  });
  return done(source.with({ ...source.root, workflow: { ...workflow, environment_variables: variables } }));
};

/** Overlaid are the settings of an environment that an app is filled in with. */
export type Overlaid = Pick<EnvironmentConfig, 'datasets' | 'models' | 'tools' | 'triggers' | 'variables'>;

/**
 * overlay puts an environment's values into a source, in memory: `variables` by name, `datasets` by id, `tools` by id or
 * name, `models` by `name` or `provider/name`, `triggers` by title or id. A name that the app does not have is an `input`
 * problem. Values may be names in the target workspace, which the connection looks up.
 */
export const overlay = (source: DifySource, environment: Overlaid, secrets: SecretReader): Outcome<DifySource> => {
  const { datasets = {}, models = {}, tools = {}, triggers = {}, variables = {} } = environment;
  const steps: ((before: DifySource) => Outcome<DifySource>)[] = [
    (before) => withNames(before, 'datasets', datasets),
    (before) => withNames(before, 'models', models),
    (before) => withNames(before, 'tools', tools),
    (before) => withTriggers(before, triggers),
    (before) => withVariables(before, variables, secrets),
  ];
  return steps.reduce<Outcome<DifySource>>((before, step) => (before.ok ? step(before.value) : before), done(source));
};
