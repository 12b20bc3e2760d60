import {
  didYouMean,
  done,
  failed,
  type EnvironmentConfig,
  type EnvironmentReference,
  type Outcome,
  type Problem,
  type SecretReader,
} from '@sluice/core';
import { environmentVariables, hasGraph } from './dsl.ts';
import { isMapping, listOf, mapMappings, mappingOf, textOf, type Mapping } from './shape.ts';
import type { DifySource } from './source.ts';

type VariableValue = string | number | boolean | EnvironmentReference;

const input = (reason: string, source: DifySource, hint?: string): Problem => ({
  category: 'input',
  reason,
  where: source.path,
  ...(hint === undefined ? {} : { hint }),
});

const joined = (problems: readonly Problem[]): Problem | undefined => {
  const [first, ...others] = problems;
  return first === undefined ? undefined : others.length === 0 ? first : { ...first, others };
};

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
      const hint = hasGraph(source.mode) ? didYouMean(name, names) : `${source.mode} apps have no environment variables.`;
      problems.push(input(`variables names ${name}, which the app does not have.`, source, hint));
      continue;
    }
    const value = readValue(name, reference, secrets);
    if (!value.ok) {
      problems.push(value.problem);
      continue;
    }
    const fitting = typed(variable.type, value.value);
    if (fitting === undefined) problems.push(input(`the variable ${name} is a number, but its value in the environment is none`, source));
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

/** Rewrite rewrites one object of the file and notes which names of the mapping it has used. */
type Rewrite = (mapping: Mapping, used: Set<string>) => Mapping;

const rewritten = (
  source: DifySource,
  setting: string,
  names: Readonly<Record<string, string>>,
  rewrite: Rewrite,
): Outcome<DifySource> => {
  const used = new Set<string>();
  const root = mapMappings(source.root, (mapping) => rewrite(mapping, used));
  const problem = joined(
    Object.keys(names)
      .filter((name) => !used.has(name))
      .map((name) => input(`${setting} names ${name}, which the app does not use`, source)),
  );
  if (problem !== undefined) return failed(problem);
  return done(source.with(mappingOf(root)));
};

const datasetRewrite =
  (names: Readonly<Record<string, string>>): Rewrite =>
  (mapping, used) => {
    const swap = (id: unknown): unknown => {
      const other = typeof id === 'string' ? names[id] : undefined;
      if (typeof id !== 'string' || other === undefined) return id;
      used.add(id);
      return other;
    };
    const ids = mapping['dataset_ids'];
    if (Array.isArray(ids)) return { ...mapping, dataset_ids: ids.map(swap) };
    const dataset = mapping['dataset'];
    return isMapping(dataset) ? { ...mapping, dataset: { ...dataset, id: swap(dataset['id']) } } : mapping;
  };

/** modelName splits `org/plugin/provider/name`, the form with a provider of Dify >= 1.0; anything else is a name alone. */
const modelName = (text: string): { readonly provider?: string; readonly name: string } => {
  const parts = text.split('/');
  return parts.length < 4 ? { name: text } : { provider: parts.slice(0, 3).join('/'), name: parts.slice(3).join('/') };
};

const modelRewrite =
  (names: Readonly<Record<string, string>>): Rewrite =>
  (mapping, used) => {
    const { provider, name } = mapping;
    if (typeof provider !== 'string' || typeof name !== 'string') return mapping;
    const key = [`${provider}/${name}`, name].find((one) => names[one] !== undefined);
    if (key === undefined) return mapping;
    used.add(key);
    return { ...mapping, ...modelName(names[key] ?? name) };
  };

const toolRewrite =
  (names: Readonly<Record<string, string>>): Rewrite =>
  (mapping, used) => {
    const id = mapping['provider_id'];
    const other = typeof id === 'string' ? names[id] : undefined;
    if (typeof id !== 'string' || other === undefined) return mapping;
    used.add(id);
    return { ...mapping, provider_id: other };
  };

/**
 * overlay puts an environment's values into a source, in memory: `variables` by name, `datasets` and `tools` by id,
 * `models` by `name` or `provider/name`. A name that the app does not have is an `input` problem.
 */
export const overlay = (source: DifySource, environment: EnvironmentConfig, secrets: SecretReader): Outcome<DifySource> => {
  const { datasets = {}, models = {}, tools = {} } = environment;
  const steps: ((before: DifySource) => Outcome<DifySource>)[] = [
    (before) => rewritten(before, 'datasets', datasets, datasetRewrite(datasets)),
    (before) => rewritten(before, 'models', models, modelRewrite(models)),
    (before) => rewritten(before, 'tools', tools, toolRewrite(tools)),
    (before) => withVariables(before, environment.variables ?? {}, secrets),
  ];
  return steps.reduce<Outcome<DifySource>>((before, step) => (before.ok ? step(before.value) : before), done(source));
};
