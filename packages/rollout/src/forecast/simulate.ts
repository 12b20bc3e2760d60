import type { PairedPlan, RolloutPlan, WeightedPlan } from '../plan.ts';
import { neededEvidence } from '../reading.ts';
import type { Random } from './chance.ts';
import { sourcesOf, type Circumstances } from './circumstances.ts';
import { probesOf } from './probes.ts';
import { usersOf } from './users.ts';

/** Simulated is how one simulated rollout ended. */
export interface Simulated {
  readonly verdict: 'promote' | 'abort' | 'inconclusive';
  /** atMs is how long it took, in milliseconds. */
  readonly atMs: number;
  /** exposed is how many requests the candidate answers on average in a rollout with these weights for these times. */
  readonly exposed: number;
  readonly pairs: number;
}

/** Simulator simulates one rollout. */
export type Simulator = (random: Random) => Simulated;

const weightedSimulator = (plan: WeightedPlan, circumstances: Circumstances): Simulator => {
  const users = usersOf(plan, circumstances);
  const probes = probesOf(plan, circumstances);
  const { bakeMs, tickMs, deadlineMs, weights } = plan;
  const watched = plan.watch.includes('errors');
  const logNeeded = Math.log(neededEvidence(plan, sourcesOf(circumstances)));
  const logRelief = Math.log(sourcesOf(circumstances) / plan.miss);
  const perMs = circumstances.traffic / 1000;

  return (random) => {
    users.clear();
    probes.clear();
    let [now, pairs, exposed] = [0, 0, 0];
    const ended = (verdict: Simulated['verdict']): Simulated => ({ verdict, atMs: now, exposed, pairs });
    for (const [stage, weight] of weights.entries()) {
      users.enter();
      probes.enter();
      const since = now;
      const left = weights.length - 1 - stage;
      for (let until = now; ; ) {
        const looked = now;
        const remaining = since + bakeMs - now;
        now += remaining > 0 ? Math.min(tickMs, remaining) : tickMs;
        users.count(stage, now - until, random);
        until = now;
        const asked = probes.ask(random);
        pairs += asked.pairs;
        now += asked.tookMs;
        exposed += (now - looked) * perMs * (weight / 100);

        if (watched && (users.reaches(logNeeded) || probes.reaches(logNeeded))) return ended('abort');
        const bake = plan.earlyBakeMs !== null && users.relieves(logRelief) ? plan.earlyBakeMs : bakeMs;
        const leans = watched && (users.reaches(logNeeded / 2) || probes.reaches(logNeeded / 2));
        const enough = !leans && (users.suffices() || probes.suffices());
        if (now - since >= bake && enough) {
          if (left === 0) return ended('promote');
          if (left * bake > deadlineMs - now) return ended('inconclusive');
          break;
        }
        if (now >= deadlineMs) return ended('inconclusive');
      }
    }
    return ended('inconclusive');
  };
};

const pairedSimulator = (plan: PairedPlan, circumstances: Circumstances): Simulator => {
  const probes = probesOf(plan, circumstances);
  const watched = plan.watch.includes('errors');
  const logNeeded = Math.log(neededEvidence(plan, 1));
  return (random) => {
    probes.clear();
    let [now, pairs] = [0, 0];
    const ended = (verdict: Simulated['verdict']): Simulated => ({ verdict, atMs: now, exposed: 0, pairs });
    for (;;) {
      const asked = probes.ask(random, plan.deadlineMs - now);
      pairs += asked.pairs;
      now += asked.tookMs;
      if (watched && probes.reaches(logNeeded)) return ended('abort');
      if (!probes.spent() && now < plan.deadlineMs) continue;
      const leans = watched && probes.reaches(logNeeded / 2);
      return ended(!leans && probes.suffices() ? 'promote' : 'inconclusive');
    }
  };
};

/**
 * simulatorOf makes a simulator of a plan that goes by the rule of `decide`, on counts of errors alone: latencies and
 * tokens are taken to show nothing, no window to be lost, and the users to come evenly.
 */
export const simulatorOf = (plan: RolloutPlan, circumstances: Circumstances): Simulator =>
  plan.kind === 'weighted' ? weightedSimulator(plan, circumstances) : pairedSimulator(plan, circumstances);
