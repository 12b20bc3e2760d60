import type { RolloutPlan } from '../plan.ts';
import type { Circumstances } from './circumstances.ts';
import { fateOf } from './forecast.ts';

const wanted = 0.9;
const runs = 400;
const precision = 1.07;

/** smallestCaught is the smallest share of failing answers that the plan aborts in 90 of 100 rollouts; undefined when it catches none so often. */
export const smallestCaught = (plan: RolloutPlan, circumstances: Circumstances): number | undefined => {
  const catches = (candidate: number): boolean => fateOf(plan, { ...circumstances, candidate }, { runs }).abort >= wanted;
  if (!catches(1)) return undefined;
  let [missed, caught] = [circumstances.stable, 1];
  while (caught > missed * precision) {
    const between = Math.sqrt(missed * caught);
    if (catches(between)) caught = between;
    else missed = between;
  }
  return caught;
};
