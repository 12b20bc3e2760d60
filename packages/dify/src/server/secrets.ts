import { done, failed, type Outcome, type Problem } from '@sluice/core';
import { environmentVariables, hiddenSecret, type EnvironmentVariable } from '../source/dsl.ts';
import { listOf, mappingOf, textOf, type Mapping } from '../source/shape.ts';
import type { DifySource } from '../source/source.ts';

/** Kept is a source whose blank secrets keep what the server has stored. */
export interface Kept {
  readonly source: DifySource;
  /** given are the secret values that the import will set, by the variable's id. */
  readonly given: ReadonlyMap<string, string>;
}

const isBlank = (variable: EnvironmentVariable): boolean => variable.value === '' || variable.value === hiddenSecret;

/** blankSecrets is the problem of secrets that have a value neither in the environment nor on the server. */
export const blankSecrets = (source: DifySource, names: readonly string[]): Problem => ({
  category: 'input',
  reason: `the secret ${names.length === 1 ? 'variable' : 'variables'} ${names.join(', ')} would be blank: the app on the server has no value to keep`,
  where: source.path,
  hint: `Add to the environment in sluice.yml: variables: { ${names.map((name) => `${name}: { env: ${name} }`).join(', ')} }.`,
});

/**
 * keepSecrets prepares an import: a blank secret keeps the stored value of the target's secret with the same id, or else
 * of the same name (Dify 1.12.1, api/models/workflow.py). A secret with neither is a problem, since an import of an
 * export as it is blanks every secret.
 */
export const keepSecrets = (source: DifySource, stored: readonly EnvironmentVariable[]): Outcome<Kept> => {
  const workflow = mappingOf(source.root['workflow']);
  const secrets = stored.filter((one) => one.secret);
  const absent: string[] = [];
  const given = new Map<string, string>();
  const listed = listOf(workflow['environment_variables']);
  const variables = environmentVariables(workflow).map((variable, index) => {
    const written = mappingOf(listed[index]);
    if (!variable.secret) return written;
    const old = secrets.find((one) => one.id === variable.id) ?? secrets.find((one) => one.name === variable.name);
    if (!isBlank(variable)) {
      given.set(old?.id ?? variable.id, String(variable.value));
      return old === undefined ? written : { ...written, id: old.id };
    }
    if (old === undefined) absent.push(variable.name);
    return { ...written, ...(old === undefined ? {} : { id: old.id }), value: hiddenSecret };
  });
  if (absent.length > 0) return failed(blankSecrets(source, absent));
  return done({ source: source.with({ ...source.root, workflow: { ...workflow, environment_variables: variables } }), given });
};

/** givenSecrets are the secret values that the environment gives, by name. */
export const givenSecrets = (source: DifySource): ReadonlyMap<string, string> =>
  new Map(
    environmentVariables(source.root['workflow'])
      .filter((one) => one.secret && !isBlank(one))
      .map((one) => [one.name, String(one.value)]),
  );

/** Present is an old version's variables with the secrets of today. */
export interface Present {
  /** variables are those of the old version; a secret has a given value, or keeps the draft's. */
  readonly variables: readonly Mapping[];
  /** removed are the names of secrets that neither the draft has nor the environment gives. */
  readonly removed: readonly string[];
  /** over writes the present value into a variable of a draft that holds the old version with its own secrets. */
  over(variable: Mapping, stored: ReadonlyMap<string, string>): Mapping;
}

/** presentSecrets puts today's secrets into the variables of an old version; the draft's are found by id, else by name. */
export const presentSecrets = (old: { readonly environment_variables: readonly Mapping[] }, draft: readonly EnvironmentVariable[], given: ReadonlyMap<string, string>): Present => {
  const kept = (variable: Mapping): EnvironmentVariable | undefined =>
    draft.find((one) => one.secret && one.id === variable['id']) ?? draft.find((one) => one.secret && one.name === variable['name']);
  const isSecret = (variable: Mapping): boolean => variable['value_type'] === 'secret';
  const givenFor = (variable: Mapping): string | undefined => given.get(textOf(variable['name']));
  return {
    variables: old.environment_variables.map((variable) =>
      isSecret(variable) ? { ...variable, id: kept(variable)?.id ?? variable['id'], value: givenFor(variable) ?? hiddenSecret } : variable,
    ),
    removed: old.environment_variables
      .filter((variable) => isSecret(variable) && kept(variable) === undefined && givenFor(variable) === undefined)
      .map((variable) => textOf(variable['name'])),
    over: (variable, stored) =>
      isSecret(variable) ? { ...variable, value: givenFor(variable) ?? stored.get(kept(variable)?.id ?? '') ?? hiddenSecret } : variable,
  };
};
