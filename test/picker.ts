/** Pick draws from a list, always the same way for a seed; undefined from an empty one. */
export type Pick = <T>(list: readonly T[]) => T | undefined;

/** picker makes a Pick: a linear congruence is random enough to choose places. */
export const picker = (seed: number): Pick => {
  let state = (seed * 2654435761) >>> 0;
  return (list) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return list[Math.floor((state / 2 ** 32) * list.length)];
  };
};
