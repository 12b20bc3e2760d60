import { done, failed, type Outcome, type Split } from '@sluice/core';
import { platformVersion, versionId, type Routing, type VersionWeight } from './wire.ts';

/** Scale is what the platform's weights mean; its documents disagree, so that sluice.yml can say it (agentrun.weights). */
export type Scale = 'ratio' | 'percent';

const wholes: Readonly<Record<Scale, number>> = { ratio: 1, percent: 100 };

/** beyond is a weight just past a scale: a server of that scale refuses it. */
export const beyond: Readonly<Record<Scale, number>> = { ratio: 2, percent: 200 };

/** otherScale is the line of sluice.yml to try when the server has another scale. */
export const otherScale = (scale: Scale): string =>
  scale === 'ratio' ? 'agentrun: { weights: percent }' : 'agentrun: { weights: ratio }';

const strange = (reason: string, { targetVersion, weights }: Routing, scale: Scale): Outcome<never> =>
  failed({
    category: 'platform',
    reason,
    where: `targetVersion ${targetVersion === '' ? '(none)' : targetVersion}, ${weights.map(({ version, weight }) => `${version}: ${weight}`).join(', ') || 'no weights'}`,
    hint: `Set the endpoint in the AgentRun console to one version for everybody, then run the step again. If these numbers are right, sluice.yml names the wrong scale: write ${otherScale(scale)}.`,
  });

/** The platform keeps single precision, so the last digits of what it shows mean nothing. */
const perCent = (weight: number): number => Math.round(weight * 1e6) / 1e4;

/** taking are the extra versions that get anybody. */
const taking = ({ targetVersion, weights }: Routing): readonly VersionWeight[] =>
  weights.filter(({ version, weight }) => weight !== 0 && version !== targetVersion);

const tooMany = 'the endpoint splits users between more than two versions';

/** ratioSplit: `targetVersion` is the main version and gets 1 − Σ weights, as with aliases of Function Compute and in the component 1.0.12. */
const ratioSplit = (routing: Routing): Outcome<Split> => {
  const { targetVersion } = routing;
  const [extra, second] = taking(routing);
  if (targetVersion === '') return strange('the endpoint has no target version', routing, 'ratio');
  if (second !== undefined) return strange(tooMany, routing, 'ratio');
  const stable = versionId(targetVersion);
  return done(extra === undefined ? { stable, weight: 0 } : { stable, candidate: versionId(extra.version), weight: perCent(extra.weight) });
};

/** percentSplit: every version is listed, the stable one first, and the weights make 100, as agentrun-cli writes them; without a list everybody gets `targetVersion`. */
const percentSplit = (routing: Routing): Outcome<Split> => {
  const { targetVersion } = routing;
  const listed = routing.weights.filter(({ weight }) => weight !== 0);
  const [first, second, third] = listed;
  if (first === undefined) return targetVersion === '' ? strange('the endpoint has no version', routing, 'percent') : done({ stable: versionId(targetVersion), weight: 0 });
  if (third !== undefined) return strange(tooMany, routing, 'percent');
  const sum = listed.reduce((total, { weight }) => total + weight, 0);
  if (Math.abs(sum - wholes.percent) > 1e-4) return strange('the weights of the endpoint do not make 100', routing, 'percent');
  const stable = versionId(first.version);
  return done(second === undefined ? { stable, weight: 0 } : { stable, candidate: versionId(second.version), weight: perCent(second.weight / wholes.percent) });
};

/** splitOf reads an endpoint's routing on the scale that sluice.yml names. Forms that do not fit it are refused, not guessed. */
export const splitOf = (routing: Routing, scale: Scale): Outcome<Split> => {
  if (routing.weights.some(({ weight }) => !(weight >= 0 && weight <= wholes[scale]))) return strange(`the endpoint has a weight that is not between 0 and ${wholes[scale]}`, routing, scale);
  return scale === 'ratio' ? ratioSplit(routing) : percentSplit(routing);
};

/** routingOf is the routing to send for a split. */
export const routingOf = ({ stable, candidate, weight }: Split, scale: Scale): Routing => {
  const given = candidate === undefined || weight === 0 ? undefined : platformVersion(candidate);
  if (scale === 'ratio') return { targetVersion: platformVersion(stable), weights: given === undefined ? [] : [{ version: given, weight: weight / 100 }] };
  const rest = given === undefined ? 100 : Math.round((100 - weight) * 1e4) / 1e4;
  return { targetVersion: '', weights: [{ version: platformVersion(stable), weight: rest }, ...(given === undefined ? [] : [{ version: given, weight }])] };
};

/** zeroes is the explicit form of "no weights", for a server that keeps old weights when it gets an empty list. */
export const zeroes = ({ weights }: Routing): readonly VersionWeight[] => weights.map(({ version }) => ({ version, weight: 0 }));

/** scaleFault refuses per cents that a server of shares would take for shares: 1 would be everybody. */
export const scaleFault = ({ weight }: Split, scale: Scale): string | undefined =>
  scale === 'percent' && [weight, 100 - weight].some((part) => part > 0 && part <= 1) ? 'with agentrun.weights percent, a share is above 1 % and below 99 %: a server that counts in shares would take 1 for everybody' : undefined;

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
