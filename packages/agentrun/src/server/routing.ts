import { done, failed, type Outcome, type Split } from '@sluice/core';
import { platformVersion, versionId, type Routing, type VersionWeight } from './wire.ts';

const strange = (reason: string, { targetVersion, weights }: Routing): Outcome<never> =>
  failed({
    category: 'platform',
    reason,
    where: `targetVersion ${targetVersion === '' ? '(none)' : targetVersion}, ${weights.map(({ version, weight }) => `${version}: ${weight}`).join(', ') || 'no weights'}`,
    hint: 'Set the endpoint in the AgentRun console to one version for everybody, then run the step again.',
  });

/** The platform keeps single precision, so the last digits of what it shows mean nothing. */
const perCent = (weight: number): number => Math.round(weight * 1e6) / 1e4;

/** taking are the extra versions that get anybody. */
const taking = ({ targetVersion, weights }: Routing): readonly VersionWeight[] =>
  weights.filter(({ version, weight }) => weight !== 0 && version !== targetVersion);

/**
 * splitOf reads an endpoint's routing: `targetVersion` is the main version and gets 1 − Σ weights, as with aliases of
 * Function Compute and in the component 1.0.12. Other forms that clients of AgentRun write are refused, not guessed.
 */
export const splitOf = (routing: Routing): Outcome<Split> => {
  const { targetVersion, weights } = routing;
  if (weights.some(({ weight }) => !(weight >= 0 && weight <= 1))) return strange('the endpoint has a weight that is not between 0 and 1', routing);
  const [extra, second] = taking(routing);
  if (targetVersion === '') return strange('the endpoint has no target version', routing);
  if (second !== undefined) return strange('the endpoint splits users between more than two versions', routing);
  const stable = versionId(targetVersion);
  return done(extra === undefined ? { stable, weight: 0 } : { stable, candidate: versionId(extra.version), weight: perCent(extra.weight) });
};

/** routingOf is the routing to send for a split. */
export const routingOf = ({ stable, candidate, weight }: Split): Routing => ({
  targetVersion: platformVersion(stable),
  weights: candidate === undefined || weight === 0 ? [] : [{ version: platformVersion(candidate), weight: weight / 100 }],
});

/** zeroes is the explicit form of "no weights", for a server that keeps old weights when it gets an empty list. */
export const zeroes = ({ weights }: Routing): readonly VersionWeight[] => weights.map(({ version }) => ({ version, weight: 0 }));

/** wantedFault is the sentence that refuses a split that AgentRun cannot hold, undefined when it can. */
export const wantedFault = ({ stable, candidate, weight }: Split): string | undefined => {
  if (!/^\d+$/.test(stable)) return 'users can be routed to a published version only, which has a number';
  if (!(weight >= 0 && weight <= 100)) return 'a weight is between 0 and 100 per cent';
  if (candidate === undefined) return weight === 0 ? undefined : 'a weight needs a candidate';
  if (weight > 0 && !/^\d+$/.test(candidate)) return 'a candidate for users must be a published version, which has a number';
  return candidate === stable && weight > 0 ? 'stable version and candidate are the same' : undefined;
};

/** splitText writes a split for people. */
export const splitText = ({ stable, candidate, weight }: Split): string => {
  if (stable === '') return 'nobody is routed yet';
  return candidate === undefined || weight === 0 ? `everybody on version ${stable}` : `${weight} % on version ${candidate}, the others on version ${stable}`;
};
