import type { Config, EnvironmentConfig } from '@sluice/core';

/** Pair is one application on both sides. */
export interface Pair {
  /** environment is how the source is read: by its platform. */
  readonly environment: EnvironmentConfig;
  /** before and after are paths relative to the project's folder; one is absent where that side's sluice.yml has no such application. */
  readonly before?: string;
  readonly after?: string;
}

/** pathOf is the source of an environment. */
const pathOf = (config: Config, environment: EnvironmentConfig): string => environment.agentrun?.source ?? config.source;

const platformOf = ({ agentrun }: EnvironmentConfig): string => (agentrun === undefined ? 'dify' : 'agentrun');

const keyOf = ({ environment, before, after }: Pair): string => JSON.stringify([platformOf(environment), before, after]);

const own = (config: Config, name: string): EnvironmentConfig | undefined => (Object.hasOwn(config.environments, name) ? config.environments[name] : undefined);

/**
 * pairsOf finds the applications of two versions of sluice.yml, by their environments: each source once, however many
 * environments share it. `name` leaves one environment alone.
 */
export const pairsOf = (before: Config, after: Config, name?: string): readonly Pair[] => {
  const wanted = Object.entries(after.environments).filter(([one]) => name === undefined || one === name);
  const both = wanted.map(([one, environment]): Pair => {
    const old = own(before, one);
    const path = pathOf(after, environment);
    // An environment that is new may release what was there already.
    if (old === undefined) return { environment, before: path, after: path };
    return platformOf(old) === platformOf(environment) ? { environment, before: pathOf(before, old), after: path } : { environment, after: path };
  });
  const told = new Set(both.flatMap(({ before: path, environment }) => (path === undefined ? [] : [`${platformOf(environment)} ${path}`])));
  const gone = name !== undefined ? [] : Object.values(before.environments).flatMap((environment): Pair[] => {
    const path = pathOf(before, environment);
    return told.has(`${platformOf(environment)} ${path}`) ? [] : [{ environment, before: path }];
  });
  return [...new Map([...both, ...gone].map((pair) => [keyOf(pair), pair])).values()];
};
