import { clause, endedBy, failed, type Json, type Outcome, type Split, type StepContext, type StepEnding, type Target, type Traffic } from '@sluice/core';
import { backToStable, isOfPlan, looksToPromote, lookToPromote, readRolloutState, reserving, soFar, type RolloutPlan, type RolloutState, type WeightedPlan } from '@sluice/rollout';
import { portsOf, withEvidence } from './canary-judge.ts';
import type { Policy } from './canary-plan.ts';
import { stillWaits } from './canary-waiting.ts';
import { changeRecord, historyEntry, recordOf, withHistory } from './record.ts';

/** Go is the leave to promote, with what it rests on. */
export interface Go {
  readonly said: string;
  /** enough is false where nothing was judged, or too little was seen. */
  readonly verdict: 'promote' | 'inconclusive' | '';
  readonly evidence?: Json;
}

/** Refusal is why a canary is not promoted; users stay where `ending` says. */
export interface Refusal {
  readonly ending: StepEnding;
}

/** OnPromotion is what a promotion is judged by. */
export interface OnPromotion {
  readonly plan: Outcome<RolloutPlan> | undefined;
  readonly policy: Policy;
}

const tried = 'judge a canary before its promotion';

const unjudged: Go = { said: 'nothing was judged, because its share was set by hand', verdict: '' };

interface Canary {
  readonly state: RolloutState;
  readonly plan: WeightedPlan;
}

/** canaryIn is the recorded canary of these versions, with its plan; undefined where the share was set by hand. */
const canaryIn = async (context: StepContext, target: Target, from: Split, given: OnPromotion['plan']): Promise<Outcome<Canary | undefined>> => {
  const record = await recordOf(context, target);
  if (!record.ok) return record;
  const permission = stillWaits(record.value, { stable: from.stable, candidate: from.candidate ?? '' });
  if (!permission.ok) return permission;
  if (permission.value === undefined) return { ok: true, value: undefined };
  const state = readRolloutState(record.value.rollout);
  if (given?.ok === false) return given;
  const plan = given?.value;
  if (state !== undefined && plan?.kind === 'weighted' && isOfPlan(plan, state)) return { ok: true, value: { state, plan } };
  return failed({
    category: 'evidence',
    reason: `the canary was begun under another plan than sluice.yml has now, so its evidence is not judged; it stays at ${from.weight} %`,
    tried,
    hint: 'Promote from the commit that began it, or end it with mode abort. Mode set takes it into your own hands: nothing is judged from then on.',
  });
};

/** goBack gives everybody stable after a guard has aborted. */
const goBack = async (context: StepContext, target: Target, traffic: Traffic, from: Split, reason: string, evidence: Json): Promise<StepEnding> => {
  const candidate = from.candidate ?? '';
  const outputs = { verdict: 'abort', stable: from.stable, candidate };
  const back = await backToStable(traffic, { stable: from.stable, candidate }, from, from.weight);
  if (!back.ok) return endedBy(back.problem, { outputs, evidence });
  const linger = back.value.linger === undefined ? '' : `; ${clause(back.value.linger)}`;
  const said = `not promoted: ${clause(reason)}; everybody gets ${from.stable} again, read back${linger}`;
  const written = await changeRecord(context, target, ({ rollout: _left, ...record }) => withHistory(record, historyEntry(context, { id: candidate, name: candidate }, 'failed', said)));
  if (!written.ok) context.host.warn(`the abort was not recorded: ${clause(written.problem.reason)}`);
  return { category: 'gate', reason: said, hint: `Look at ${candidate} at ${target.address}, correct the application and release again.`, outputs: { ...outputs, weights: '0', observed: back.value.split.stable }, evidence };
};

const stays = (from: Split, category: StepEnding['category'], verdict: string, reason: string, hint: string, evidence: Json): Refusal => ({
  ending: {
    category,
    reason: `not promoted: ${clause(reason)}; the canary stays at ${from.weight} %`,
    hint,
    outputs: { verdict, stable: from.stable, candidate: from.candidate ?? '', weights: '', weight: String(from.weight), observed: `${from.stable},${from.candidate ?? ''}=${from.weight}%`, next: verdict === 'abort' ? 'abort' : 'promote, abort, status' },
    evidence,
  },
});

/**
 * beforePromotion judges what was seen since the canary was started, with one more look: a guard that crosses its
 * boundary takes the users back to stable, and too little evidence leaves them where they are. Only a share that was set
 * by hand is promoted without a judgement.
 */
export const beforePromotion = async (context: StepContext, target: Target, traffic: Traffic, from: Split, { plan, policy }: OnPromotion): Promise<Go | Refusal> => {
  const found = await canaryIn(context, target, from, plan);
  if (!found.ok) return { ending: endedBy(found.problem, { outputs: { stable: from.stable, candidate: from.candidate ?? '', weight: String(from.weight) } }) };
  if (found.value === undefined) return unjudged;
  const canary = found.value;
  const ahead = await changeRecord(context, target, (record) => ({ ...record, rollout: reserving(canary.plan, canary.state, looksToPromote) }));
  if (!ahead.ok) return { ending: endedBy(ahead.problem) };
  const looked = await withEvidence(context, target, canary.state, canary.plan, (sources) =>
    lookToPromote(canary.plan, canary.state, portsOf(context, target, sources, () => Promise.resolve({ ok: true, value: undefined }))),
    canary.state.asked,
  );
  if (!looked.ok) return { ending: endedBy(looked.problem, { outputs: { stable: from.stable, candidate: from.candidate ?? '', weight: String(from.weight), next: 'promote, abort, status' } }) };
  const { state } = looked.value;
  const counted = await changeRecord(context, target, (record) => ({ ...record, rollout: state }));
  if (!counted.ok) return { ending: endedBy(counted.problem) };
  const { verdict, reason, evidence, lack, against } = soFar(canary.plan, state);
  if (verdict === 'abort') {
    if (policy.decide === 'act') return { ending: await goBack(context, target, traffic, from, reason, evidence) };
    return stays(from, 'gate', 'abort', reason, 'Nobody was moved, as canary.decide is advise. Run canary with mode abort.', evidence);
  }
  if (context.signal.aborted && lack !== undefined) return stays(from, context.cancelled() ? 'cancelled' : 'evidence', 'stopped', reason, 'Run promote again, or abort.', evidence);
  if (lack === undefined) return { said: reason, verdict: 'promote', evidence };
  if (policy.onInconclusive === 'promote' && against === undefined) {
    context.host.warn(`promoted without enough evidence: ${lack.text}`);
    return { said: `without enough evidence, because canary.on-inconclusive is promote: ${lack.text}`, verdict: 'inconclusive', evidence };
  }
  const hint = 'Wait for more answers and promote again, or end it with mode abort. To give it to everybody unjudged, take it into your own hands with mode set first.';
  return stays(from, 'evidence', 'inconclusive', `there is not enough evidence: ${lack.text}${against === undefined || lack.text.includes(against) ? '' : `; ${against}`}`, hint, evidence);
};
