import { clause, done, type EnvironmentConfig, type Outcome, type Platform, type SecretReader, type Source, type StepContext } from '@sluice/core';

/** namesOnly stands for secrets by their names: both sides would get the same ones. */
const namesOnly: SecretReader = { read: (name) => done(`(${name})`), find: () => undefined };

/** withoutSecrets leaves out variables whose values are secrets. */
const withoutSecrets = ({ variables, ...environment }: EnvironmentConfig): EnvironmentConfig => ({
  ...environment,
  ...(variables === undefined ? {} : { variables: Object.fromEntries(Object.entries(variables).filter(([, value]) => typeof value !== 'object')) }),
});

/** Both are the sources of one application; one is absent where the application is new or gone. */
export interface Both {
  readonly before?: Source | undefined;
  readonly after?: Source | undefined;
}

/** overlaidBoth puts one environment's values into both sources, secrets by name alone; where they do not fit one of them, both stay as they lie there, which is said. */
export const overlaidBoth = ({ host }: StepContext, platform: Platform, environment: EnvironmentConfig, both: Both): Both => {
  const filled = (source: Source | undefined): Outcome<Source | undefined> => (source === undefined ? done(undefined) : platform.overlay(source, withoutSecrets(environment), namesOnly));
  const [before, after] = [filled(both.before), filled(both.after)];
  if (before.ok && after.ok) return { before: before.value, after: after.value };
  const problem = before.ok ? after : before;
  if (!problem.ok) host.warn(`the values of the environment do not fit one of the sides, so both are compared as they lie there: ${clause(problem.problem.reason)}`);
  return both;
};
