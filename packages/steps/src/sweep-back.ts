import { clause, done, endedBy, failed, sameSplit, type Observed, type Outcome, type Split, type StepContext, type StepEnding, type Target, type Traffic } from '@sluice/core';
import { backToStable, isOurs, splitText } from '@sluice/rollout';
import type { OpenCanary, Permission } from './sweep-find.ts';
import { changeRecord, historyEntry, withHistory } from './record.ts';

const leaseMs = 180_000;

const tried = 'give the users of an abandoned canary the stable version';

const outputsOf = ({ stable, candidate, weight }: Permission, observed: Split | undefined, swept: boolean): Readonly<Record<string, string>> => ({
  swept: String(swept),
  stable,
  candidate,
  weight: String(weight),
  observed: observed === undefined ? '' : `${observed.stable}${observed.candidate === undefined || observed.weight === 0 ? '' : `,${observed.candidate}=${observed.weight}%`}`,
});

/** seize takes the lease of a run that has let it run out, if nobody else has changed the record since it was read; undefined when somebody has. */
const seize = async (context: StepContext, { record, revision }: OpenCanary): Promise<Outcome<string | undefined>> => {
  const { runId, actor } = context.host.context;
  const holder = `sweep${runId === '' ? '' : ` of run ${runId}`}${actor === '' ? '' : ` by ${actor}`}, since ${new Date(context.clock.now()).toISOString()}`;
  const written = await context.state.write({ ...record, lease: { holder, until: context.clock.now() + leaseMs } }, revision);
  if (written.ok) return done(holder);
  return written.problem.category === 'conflict' ? done(undefined) : written;
};

/** Ended is what became of the traffic. */
interface Ended {
  readonly observed: Observed;
  /** lowered is false when nobody was split any more. */
  readonly lowered: boolean;
  readonly said: string;
}

/** lower gives everybody the stable version, if the split is that canary's; it raises nothing, and leaves a foreign split alone. */
const lower = async (traffic: Traffic, permission: Permission): Promise<Outcome<Ended>> => {
  const read = await traffic.read();
  if (!read.ok) return read;
  const { split } = read.value;
  const { stable, candidate } = permission;
  if (sameSplit(split, { stable: candidate, weight: 0 })) {
    return done({ observed: read.value, lowered: false, said: `everybody gets ${candidate} already, as after a promotion; nothing was lowered` });
  }
  if (!isOurs(split, permission)) {
    return failed({
      category: 'conflict',
      reason: `the split is not the one of the abandoned canary of ${candidate} against ${stable}: it is ${splitText(split)}`,
      tried,
      hint: `The split was left as it is, and so was the record. If it is not meant, run canary with mode abort, or rollback. When it is right, the next release that ends takes this canary out of the record.`,
    });
  }
  const still = `everybody gets ${stable} already, read back`;
  if (split.weight === 0 && read.value.ready === undefined) return done({ observed: read.value, lowered: false, said: still });
  const back = await backToStable(traffic, permission, split, Math.max(split.weight, permission.weight));
  if (!back.ok) return back;
  if (split.weight === 0) return done({ observed: back.value, lowered: false, said: `${still}; a share that was written and not loaded was taken out again` });
  const linger = back.value.linger === undefined ? '' : `; ${clause(back.value.linger)}`;
  return done({ observed: back.value, lowered: true, said: `everybody gets ${stable} again instead of ${split.weight} % on ${candidate}, read back${linger}` });
};

/** release writes how it ended and gives the lease back, in one write; a canary that could not be ended stays in the record. */
const release = (context: StepContext, target: Target, holder: string, permission: Permission, why: string, ended: Ended | undefined): Promise<Outcome<void>> =>
  changeRecord(context, target, ({ lease, rollout, ...record }) => {
    const kept = lease === undefined || lease.holder === holder ? record : { ...record, lease };
    if (ended === undefined) return rollout === undefined ? kept : { ...kept, rollout };
    const entry = historyEntry(context, { id: permission.candidate, name: permission.candidate }, 'inconclusive', `${why}; ${ended.said}`);
    return ended.lowered ? withHistory(kept, entry) : kept;
  });

/** doorsText warns of doors that no split governs. */
const doorsText = async (target: Target): Promise<string> => {
  const inspected = await target.inspect();
  const other = inspected.ok ? inspected.value.ungoverned : undefined;
  return other === undefined ? '' : `Doors outside the split still serve ${other.id}: run rollback.`;
};

/** sweepBack takes the lease over, gives the traffic back, reads it back, and then records it. `why` says what was wrong. */
export const sweepBack = async (context: StepContext, target: Target, open: OpenCanary, why: string): Promise<StepEnding> => {
  const { permission } = open;
  const { traffic } = target;
  const outputs = outputsOf(permission, undefined, false);
  if (traffic === undefined) {
    return endedBy({ category: 'conflict', reason: `the record says that up to ${permission.weight} % of the users may be on ${permission.candidate}, and this target splits no traffic now`, tried, where: target.address, ...(target.lacking.traffic === undefined ? {} : { hint: target.lacking.traffic }) }, { outputs });
  }
  if (context.dryRun) return { category: 'passed', reason: `${why}; would give everybody ${permission.stable}`, outputs };
  const holder = await seize(context, open);
  if (!holder.ok) return endedBy(holder.problem, { outputs });
  if (holder.value === undefined) return { category: 'skipped', reason: 'another run took the lease a moment ago; nothing was changed', outputs };
  const ended = await lower(traffic, permission);
  const written = await release(context, target, holder.value, permission, why, ended.ok ? ended.value : undefined);
  if (!ended.ok) {
    if (!written.ok) context.host.warn(`the lease was not given back and runs out by itself: ${clause(written.problem.reason)}`);
    return endedBy({ where: target.address, ...ended.problem }, { outputs });
  }
  const seen = outputsOf(permission, ended.value.observed.split, ended.value.lowered);
  if (!written.ok) return endedBy({ ...written.problem, reason: `${ended.value.said}, but that was not recorded: ${clause(written.problem.reason)}` }, { outputs: seen });
  const doors = await doorsText(target);
  return { category: 'passed', reason: `${why}; ${ended.value.said}`, ...(doors === '' ? {} : { hint: doors }), outputs: seen, evidence: { permission: { ...permission }, observed: { ...ended.value.observed.split } } };
};
