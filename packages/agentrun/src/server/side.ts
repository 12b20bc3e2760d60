import { clause, failed, type Outcome } from '@sluice/core';
import type { AgentRunContext } from './context.ts';
import type { Endpoint } from './wire.ts';

const longestName = 64;
/** longestUseMs is longer than any run needs a side endpoint; one that is older was left behind by a run that was killed. */
const longestUseMs = 2 * 60 * 60_000;
const begins = 'Serves one version while Sluice checks it';

/** sideEndpointName names an endpoint that Sluice makes beside the users' one, at most 64 characters long. */
export const sideEndpointName = (users: string, suffix: string): string => `sluice-${users.slice(0, longestName - 'sluice-'.length - suffix.length)}${suffix}`;

/** sideDescription marks an endpoint as one that Sluice made, and since when. */
export const sideDescription = (at: number): string => `${begins}, since ${new Date(at).toISOString()}.`;

/** isSide says whether Sluice made an endpoint for a check: by its description, not only by its name, which a person may have given, too. */
export const isSide = ({ name, description }: Endpoint): boolean => name.startsWith('sluice-') && description.startsWith(begins);

/** foreignSide refuses to use or delete an endpoint that carries our name and was not made by us. */
export const foreignSide = ({ name }: Endpoint): Outcome<never> =>
  failed({ category: 'conflict', reason: `there is an endpoint "${name}" that Sluice did not make`, tried: 'open an endpoint for a check', hint: 'Rename or delete it in the AgentRun console: Sluice needs that name, and deletes nothing that others made.' });

/** isLeftOver says that a side endpoint is older than any run that could still use it. */
export const isLeftOver = (endpoint: Endpoint, now: number): boolean => {
  const since = Date.parse(/, since (\S+)\.$/.exec(endpoint.description)?.[1] ?? '');
  return isSide(endpoint) && endpoint.status !== 'DELETING' && now - since > longestUseMs;
};

/** sweep removes the side endpoints that killed runs have left; what cannot be removed is said and waits for the next run. */
export const sweep = async ({ api, clock, log }: AgentRunContext, runtimeId: string, users: string): Promise<void> => {
  const listed = await api.listEndpoints(runtimeId);
  if (!listed.ok) return;
  for (const endpoint of listed.value.filter((one) => one.name !== users && isLeftOver(one, clock.now()))) {
    const gone = await api.deleteEndpoint(runtimeId, endpoint.id);
    log(gone.ok ? `removed endpoint "${endpoint.name}", which a run that was killed had left` : `endpoint "${endpoint.name}" of a killed run stays: ${clause(gone.problem.reason)}`);
  }
};
