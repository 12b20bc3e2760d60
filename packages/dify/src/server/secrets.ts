import { done, failed, type Outcome, type Problem } from '@sluice/core';
import { environmentVariables, hiddenSecret, type EnvironmentVariable } from '../source/dsl.ts';
import { listOf, mappingOf } from '../source/shape.ts';
import type { DifySource } from '../source/source.ts';

/** Kept is a source whose blank secrets keep what the server has stored. */
export interface Kept {
  readonly source: DifySource;
  /** given are the secret values that the import will set, by the variable's id. */
  readonly given: ReadonlyMap<string, string>;
}

const isBlank = (variable: EnvironmentVariable): boolean => variable.value === '' || variable.value === hiddenSecret;

const missing = (source: DifySource, names: readonly string[]): Problem => ({
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
  if (absent.length > 0) return failed(missing(source, absent));
  return done({ source: source.with({ ...source.root, workflow: { ...workflow, environment_variables: variables } }), given });
};
