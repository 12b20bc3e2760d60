import type { CST } from 'yaml';

const below = (token: CST.Token): readonly CST.Token[] => {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value];
  if (!('items' in token)) return [];
  return token.items.flatMap((item) => [item.key, item.value].filter((one) => one !== undefined && one !== null));
};

/**
 * tooDeepAt is the offset of the first token that is nested deeper than `depth` levels, or undefined. It needs no
 * stack: the library composes values recursively, and Node ends the process when its stack is exhausted in the wrong place.
 */
export const tooDeepAt = (tokens: readonly CST.Token[], depth: number): number | undefined => {
  let level = tokens;
  for (let reached = 0; level.length > 0; reached += 1) {
    const [first] = level;
    if (reached > depth && first !== undefined) return first.offset;
    level = level.flatMap(below);
  }
  return undefined;
};
