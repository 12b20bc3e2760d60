import type { RolloutPlan } from '../plan.ts';
import { binomial, type Draw, type Random } from './chance.ts';
import type { Circumstances } from './circumstances.ts';
import { tallyOf, type Tally } from './tally.ts';

/** AskedPairs are the pairs of one look: how many were sent, and how long they took. */
export interface AskedPairs {
  readonly pairs: number;
  readonly tookMs: number;
}

/** Probes are the paired probes of a simulated rollout. */
export interface Probes extends Pick<Tally, 'clear' | 'enter' | 'reaches'> {
  /** ask sends the pairs of one look, which is cut off after `leftMs`; none when all are used. */
  ask(random: Random, leftMs?: number): AskedPairs;
  /** spent tells whether no pair is left. */
  spent(): boolean;
  suffices(): boolean;
}

const none: AskedPairs = { pairs: 0, tookMs: 0 };

/** probesOf makes the paired probes of a plan, whose two answers fail independently of each other; several are under way at once. */
export const probesOf = (plan: RolloutPlan, { probes, stable, candidate, answerMs }: Circumstances): Probes => {
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
  let [asked, whole] = [0, 0];
  const count = (pairs: number, random: Random): void => {
    const [stableDraw, candidateDraw] = drawsOf(pairs);
    const [ofStable, ofCandidate] = [stableDraw(random), candidateDraw(random)];
    tally.add(pairs, pairs, ofStable, ofCandidate);
    whole += Math.max(0, pairs - ofStable - ofCandidate);
  };
  return {
    enter: () => {
      tally.enter();
      whole = 0;
    },
    clear: () => {
      tally.clear();
      [asked, whole] = [0, 0];
    },
    ask: (random, leftMs = Number.POSITIVE_INFINITY) => {
      const wanted = Math.min(plan.pairsPerWindow, most - asked);
      if (wanted <= 0) return none;
      const rounds = Math.ceil(wanted / plan.pairsAtOnce);
      const inTime = Math.min(rounds, Math.floor(leftMs / answerMs));
      const complete = Math.min(wanted, inTime * plan.pairsAtOnce);
      // What is under way when the time is over was sent, and counts for nothing.
      const sent = Math.min(wanted, complete + (inTime < rounds ? plan.pairsAtOnce : 0));
      if (complete > 0) count(complete, random);
      asked += sent;
      return { pairs: sent, tookMs: inTime < rounds ? leftMs : rounds * answerMs };
    },
    spent: () => asked >= most,
    reaches: tally.reaches,
    suffices: () => tally.suffices() && whole >= needsPairs,
  };
};
