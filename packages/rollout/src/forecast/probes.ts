import type { RolloutPlan } from '../plan.ts';
import { binomial, type Draw, type Random } from './chance.ts';
import type { Circumstances } from './circumstances.ts';
import { tallyOf, type Tally } from './tally.ts';

/** Probes are the paired probes of a simulated rollout. */
export interface Probes extends Pick<Tally, 'clear' | 'enter' | 'reaches'> {
  /** ask sends the pairs of one look and gives how many they were: none when all are used, which is silence. */
  ask(random: Random): number;
  suffices(): boolean;
}

/** probesOf makes the paired probes of a plan, whose two answers fail independently of each other. */
export const probesOf = (plan: RolloutPlan, { probes, stable, candidate }: Circumstances): Probes => {
  const tally = tallyOf({ margin: plan.margins.errors, effect: null, clump: 1, minimum: plan.minimumAnswers });
  const most = probes ? plan.pairs : 0;
  const draws = new Map<number, readonly [Draw, Draw]>();
  const drawsOf = (pairs: number): readonly [Draw, Draw] => {
    const made = draws.get(pairs) ?? ([binomial(pairs, stable), binomial(pairs, candidate)] as const);
    draws.set(pairs, made);
    return made;
  };
  // Latencies and tokens are kept only of pairs in which both answered.
  const needsPairs = plan.watch.some((guard) => guard !== 'errors') ? plan.minimumAnswers / 2 : 0;
  let [asked, whole, silent] = [0, 0, true];
  return {
    enter: () => {
      tally.enter();
      [whole, silent] = [0, true];
    },
    clear: () => {
      tally.clear();
      [asked, whole, silent] = [0, 0, true];
    },
    ask: (random) => {
      const pairs = Math.min(plan.pairsPerWindow, most - asked);
      silent = pairs <= 0;
      if (silent) return 0;
      const [stableDraw, candidateDraw] = drawsOf(pairs);
      const [ofStable, ofCandidate] = [stableDraw(random), candidateDraw(random)];
      tally.add(pairs, pairs, ofStable, ofCandidate);
      asked += pairs;
      whole += Math.max(0, pairs - ofStable - ofCandidate);
      return pairs;
    },
    reaches: tally.reaches,
    suffices: () => !silent && tally.suffices() && whole >= needsPairs,
  };
};
