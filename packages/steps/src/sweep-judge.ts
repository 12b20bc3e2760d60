import { clause, done, failed, type Outcome, type StepContext, type Target } from '@sluice/core';
import { decide, isOfPlan, looksToPromote, readRolloutState, reserving, type RolloutPlan, type RolloutState } from '@sluice/rollout';
import { canaryPlanOf, openEvidence, policyOf } from './canary-plan.ts';
import type { OpenCanary } from './sweep-find.ts';

/** Judged is what a sweep makes of a canary that nobody watches: `abort` lowers its weight to nothing, and nothing else changes it. */
export interface Judged {
  readonly abort: boolean;
  readonly reason: string;
  /** open is the canary as it is recorded by now. */
  readonly open: OpenCanary;
  /** state is what is recorded where the canary stays open. */
  readonly state?: RolloutState;
}

/** reserved records the pairs before they are asked: whoever comes after a sweep that died must not ask them again. */
const reserved = async (context: StepContext, open: OpenCanary, plan: RolloutPlan, state: RolloutState): Promise<Outcome<OpenCanary>> => {
  if (context.dryRun) return done(open);
  const record = { ...open.record, rollout: reserving(plan, state) };
  const written = await context.state.write(record, open.revision);
  return written.ok ? done({ ...open, record, revision: written.value }) : written;
};

const look = async (context: StepContext, target: Target, plan: RolloutPlan, state: RolloutState, open: OpenCanary): Promise<Outcome<Judged>> => {
  // So many paired probes are left that a promotion can still look before it moves anybody.
  const keep = Math.min(Math.floor(plan.pairs / 2), looksToPromote * plan.pairsPerWindow);
  // A dry run records nothing, so it asks nothing either.
  const asked = context.dryRun ? plan.pairs : state.asked;
  const counted = asked < plan.pairs - keep ? await reserved(context, open, plan, state) : done(open);
  if (!counted.ok) return counted;
  const sources = await openEvidence(context, target, state, plan, asked, keep);
  if (!sources.ok) return sources;
  const to = context.clock.now();
  const seen = await Promise.all(sources.value.map((source) => source.observe(state.sources[source.name]?.until ?? to, to, context.signal)));
  for (const source of sources.value) {
    const closed = await source.close();
    if (!closed.ok) context.host.warn(`${source.name}: ${clause(closed.problem.reason)}`);
  }
  const decision = decide(plan, state, seen, to);
  // Whoever promotes is to read this state: a verdict to raise or promote is theirs alone.
  if (decision.verdict === 'abort' && policyOf(context).decide === 'advise') {
    return failed({
      category: 'gate',
      reason: `advice: abort; ${clause(decision.reason)}; nobody was moved, because canary.decide is advise`,
      hint: `Run canary with mode abort now. Until then its share of the users gets ${state.candidate}.`,
    });
  }
  return done({ abort: decision.verdict === 'abort', reason: decision.reason, open: counted.value, ...(decision.verdict === 'abort' ? {} : { state: decision.state }) });
};

/**
 * judgeUnwatched looks once at the evidence of a canary under an unattended lease, with the plan of sluice.yml; what was
 * gathered under another plan is not judged, and is said. It moves nobody itself.
 */
export const judgeUnwatched = async (context: StepContext, target: Target, open: OpenCanary): Promise<Outcome<Judged>> => {
  const state = readRolloutState(open.record.rollout);
  const plan = canaryPlanOf(context, target);
  if (plan?.ok === false) return plan;
  if (state === undefined || plan === undefined || !isOfPlan(plan.value, state)) {
    return failed({
      category: 'evidence',
      reason: 'the open canary was begun under another plan than sluice.yml has now, so nobody judges it',
      tried: 'judge a canary that nobody watches',
      hint: 'Run sweep from the commit that began it, or end it with canary and mode promote or abort. When its time is over, the next sweep gives everybody the stable version.',
    });
  }
  return look(context, target, plan.value, state, open);
};
