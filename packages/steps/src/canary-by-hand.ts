import { clause, done, endedBy, failed, perCent, type Observed, type Outcome, type Problem, type Split, type StepContext, type StepEnding, type Target, type Traffic, type Version } from '@sluice/core';
import type { Guard } from './lease.ts';
import type { Go, Refusal } from './canary-promote.ts';
import { changeRecord, historyEntry, withHistory } from './record.ts';

/** HandMode is what a person decides about an open canary. */
export type HandMode = 'set' | 'promote' | 'abort';

/** Hand is what was asked for. */
export interface Hand {
  readonly mode: HandMode;
  readonly weight?: string | undefined;
  readonly stable?: string | undefined;
  readonly candidate?: string | undefined;
  /** candidateOf finds the candidate where none is named and none is open; empty when there is none. */
  candidateOf(): Promise<Outcome<string>>;
  /** beforePromotion judges what was seen, and gives leave to promote or says why not. */
  beforePromotion(traffic: Traffic, from: Split): Promise<Go | Refusal>;
}

const tried = 'move users by hand';

const input = (reason: string, hint: string): Problem => ({ category: 'input', reason, tried, hint });

/** handFault is what is wrong with the inputs `mode` and `weight`; undefined when they fit. */
export const handFault = (mode: HandMode | 'auto' | 'start' | 'status', weight: string | undefined): Problem | undefined => {
  if (mode !== 'set' && mode !== 'start') return weight === undefined ? undefined : input(`the input weight is for the modes start and set, and the mode is ${mode}`, 'Give one of those modes with it, or leave it out.');
  if (weight === undefined) return mode === 'start' ? undefined : input('mode set needs the input weight', 'Give the share of the users, such as 10%.');
  const share = /%\s*$/.test(weight) ? perCent(weight) : undefined;
  if (share === undefined) return input(`the input weight is "${weight}", which is no percentage`, 'Write it with its sign, such as 10%: 0.1 could be a tenth or a thousandth.');
  return share > 0 && share < 100 ? undefined : input(`the input weight is ${weight}, and a share is above 0% and below 100%`, 'Mode promote gives everybody the candidate, mode abort nobody.');
};

/** Move is a step from what was read to what is wanted. */
interface Move {
  readonly from: Split;
  readonly to: Split;
  readonly candidate: string;
}

const splitText = ({ stable, candidate, weight }: Split): string => (candidate === undefined || weight === 0 ? stable : `${stable},${candidate}=${weight}%`);

const conflict = (reason: string): Outcome<never> => failed({ category: 'conflict', reason, tried, hint: 'Look at the split with info, and end the canary that is open with mode abort or promote.' });

/** moveOf is what is to be done about the split that was read; a text says why there is nothing to do. */
const moveOf = async ({ split: from, ready }: Observed, hand: Hand): Promise<Outcome<Move | string>> => {
  const { stable } = from;
  if (stable === '') return failed(input('users are on no version that could be the stable one', 'Run release first.'));
  const open = from.weight > 0 ? from.candidate : undefined;
  if (hand.stable !== undefined && hand.stable !== stable) return conflict(`the input stable is ${hand.stable}, and users get ${splitText(from)}`);
  if (open !== undefined && hand.candidate !== undefined && hand.candidate !== open) return conflict(`the input candidate is ${hand.candidate}, and a canary of ${open} is open at ${from.weight} %`);
  if (hand.mode === 'abort' && open === undefined && ready !== undefined) return done({ from, to: { stable, weight: 0 }, candidate: ready.candidate ?? ready.stable });
  if (hand.mode === 'abort') return done(open === undefined ? `no canary is open; everybody gets ${stable}` : { from, to: { stable, weight: 0 }, candidate: open });
  if (hand.mode === 'promote') {
    if (open !== undefined) return done({ from, to: { stable: open, weight: 0 }, candidate: open });
    return hand.candidate === stable ? done(`everybody gets ${stable} already`) : failed(input('no canary is open, so there is nothing to promote', 'Open one with mode set, or let mode auto judge the candidate.'));
  }
  const found = open === undefined ? await hand.candidateOf() : done(open);
  if (!found.ok) return found;
  const candidate = found.value;
  if (candidate === '' || candidate === stable) return failed(input(candidate === '' ? 'it is not known which version gets the share' : `everybody gets ${stable} already, so it cannot get a share`, 'Run publish-version before, hand its results folder on, or give the input candidate.'));
  const weight = perCent(hand.weight ?? '') ?? 0;
  return done(open === candidate && from.weight === weight && ready === undefined ? `${candidate} has ${weight} % already` : { from, to: { stable, candidate, weight }, candidate });
};

const words = { promote: 'promoted by hand', abort: 'aborted by hand' } as const;

const verdicts = { set: '', promote: 'promote', abort: 'abort' } as const;

const outputsOf = (mode: HandMode, { from, to, candidate }: Move, observed: Split): Readonly<Record<string, string>> => ({
  verdict: verdicts[mode],
  stable: from.stable,
  candidate,
  weights: mode === 'set' ? String(to.weight) : mode === 'promote' ? '100' : '0',
  weight: mode === 'set' ? String(to.weight) : mode === 'promote' ? '100' : '0',
  ...(mode === 'set' ? { next: 'promote, abort' } : {}),
  observed: splitText(observed),
});

/** remember takes the state of a judged rollout out of the record, whose evidence no longer fits, and writes what a person has decided. */
const remember = async (context: StepContext, target: Target, mode: HandMode, candidate: string, go: Go | undefined): Promise<void> => {
  const versions = mode === 'set' ? undefined : await target.versions?.();
  const version: Pick<Version, 'id' | 'name' | 'digest'> = (versions?.ok === true ? versions.value.find(({ id }) => id === candidate) : undefined) ?? { id: candidate, name: candidate };
  const written = await changeRecord(context, target, ({ rollout: _left, ...record }) => {
    if (mode === 'set') return record;
    const unsure = go?.verdict === 'inconclusive';
    const entry = historyEntry(context, version, mode === 'abort' ? 'failed' : unsure ? 'inconclusive' : 'passed', `${words[mode]}${go === undefined || go.verdict === '' ? '' : `: ${go.said}`}`);
    return withHistory(mode === 'promote' ? { ...record, stable: { version: version.id, digest: version.digest ?? '' } } : record, entry);
  });
  if (!written.ok) context.host.warn(`what was decided by hand was not recorded: ${clause(written.problem.reason)}`);
};

const doneText = (mode: HandMode, { to, candidate }: Move, { split, reach, linger }: Observed): string => {
  const what = mode === 'set' ? `${to.weight} % of the users get ${candidate}, the others ${to.stable}` : `everybody gets ${split.stable}`;
  return `${what}, read back from ${reach === 'serving' ? 'what answers users' : 'where it is configured'}${linger === undefined ? '' : `; ${clause(linger)}`}`;
};

/** carryOut sets the split and believes the reading alone. */
const carryOut = async (context: StepContext, target: Target, traffic: Traffic, hand: Hand): Promise<StepEnding> => {
  const read = await traffic.read();
  if (!read.ok) return endedBy(read.problem);
  const move = await moveOf(read.value, hand);
  if (!move.ok) return endedBy(move.problem);
  if (typeof move.value === 'string') return { category: 'skipped', reason: move.value, outputs: { stable: read.value.split.stable, observed: splitText(read.value.split) } };
  if (context.dryRun) return { category: 'passed', reason: `would go from ${splitText(move.value.from)} to ${splitText(move.value.to)}`, outputs: { stable: move.value.from.stable, candidate: move.value.candidate } };
  const go = hand.mode === 'promote' ? await hand.beforePromotion(traffic, move.value.from) : undefined;
  if (go !== undefined && 'ending' in go) return go.ending;
  const set = await traffic.set(move.value.from, move.value.to);
  if (!set.ok) return endedBy(set.problem, { outputs: { stable: move.value.from.stable, candidate: move.value.candidate } });
  await remember(context, target, hand.mode, move.value.candidate, go);
  const outputs = outputsOf(hand.mode, move.value, set.value.split);
  const text = doneText(hand.mode, move.value, set.value);
  if (go === undefined) return { category: 'passed', reason: text, outputs };
  return {
    category: 'passed',
    reason: `${text}; ${go.said}`,
    outputs: { ...outputs, ...(go.verdict === '' ? {} : { verdict: go.verdict }) },
    ...(go.evidence === undefined ? {} : { evidence: go.evidence }),
  };
};

/** byHand moves users as a person says: one check-then-set under the lease, read back. Only a promotion is judged before. */
export const byHand = async (context: StepContext, target: Target, hand: Hand, guard: Guard): Promise<StepEnding> => {
  const { traffic } = target;
  if (traffic === undefined) return endedBy(input(`mode ${hand.mode} needs a target that can split traffic, and this one cannot`, target.lacking.traffic ?? 'Use mode auto.'));
  const work = (): Promise<StepEnding> => carryOut(context, target, traffic, hand);
  if (context.dryRun) return work();
  const moved = await guard(context, target, work);
  return moved.ok ? moved.value : endedBy(moved.problem);
};
