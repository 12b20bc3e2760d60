import { oneLine, type EnvironmentRecord } from '@sluice/core';

/** Who is in whose name a run writes. */
export interface Who {
  readonly actor: string;
  readonly runUrl: string;
  /** commit is the commit of the application that the run releases. */
  readonly commit: string;
}

const field = (value: unknown, name: string): unknown => (typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined);

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

const permissionText = (rollout: unknown): string | undefined => {
  const permission = field(rollout, 'permission');
  if (permission === undefined) return undefined;
  return `${String(field(permission, 'weight'))} % on ${String(field(permission, 'candidate'))}, the others on ${String(field(permission, 'stable'))}`;
};

const rolloutText = (before: unknown, after: unknown): string | undefined => {
  if (same(before, after)) return undefined;
  const [was, is] = [permissionText(before), permissionText(after)];
  if (is !== undefined && is !== was) return `canary may go to ${is}`;
  if (is !== undefined) return `canary has looked, ${is}`;
  return was === undefined ? 'canary recorded' : 'canary ended, nobody is split any more';
};

const leaseText = (before: EnvironmentRecord['lease'], after: EnvironmentRecord['lease']): string | undefined => {
  if (same(before, after)) return undefined;
  if (after === undefined) return 'lease given back';
  return before?.holder === after.holder ? 'lease renewed' : `lease taken by ${after.holder}`;
};

/** changesOf says in phrases what is different in a record, the weightiest first. */
export const changesOf = (before: EnvironmentRecord | undefined, after: EnvironmentRecord): readonly string[] => {
  const [newest] = after.history;
  const ended = newest !== undefined && !same(before?.history[0], newest) ? `${newest.version} ${newest.verdict}: ${newest.reason}` : undefined;
  const deployed = same(before?.candidate, after.candidate) ? undefined : after.candidate === undefined ? 'candidate is no longer one' : `candidate ${after.candidate.version}`;
  const stable = same(before?.stable, after.stable) ? undefined : `stable ${after.stable?.version ?? 'unknown'}`;
  const deploying = same(before?.deploying, after.deploying) ? undefined : 'about to deploy';
  const texts = [ended, rolloutText(before?.rollout, after.rollout), stable, deployed, deploying, leaseText(before?.lease, after.lease)];
  const found = texts.filter((text) => text !== undefined);
  return found.length === 0 ? ['written again'] : found;
};

/** messageOf is the message of the commit that stores a record: what changed, in whose name, and in which run. */
export const messageOf = (before: EnvironmentRecord | undefined, after: EnvironmentRecord, { actor, runUrl, commit }: Who): string => {
  const changes = changesOf(before, after).map((change) => oneLine(change, 300));
  const lines = [
    ['Application', after.application],
    ['Environment', after.environment],
    ['Actor', actor],
    ['Run', runUrl],
    ['Commit', commit],
  ] as const;
  return [
    oneLine(`${after.environment}: ${changes[0] ?? ''}`, 120),
    '',
    ...changes.map((change) => `- ${change}`),
    '',
    ...lines.filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${oneLine(value, 300)}`),
    '',
    // No CI has anything to do on this branch.
    '[skip ci]',
    '',
  ].join('\n');
};
