/** Part is one element of a pattern: a letter, `*` (any text without a slash) or `**` (any text). */
type Part = string;

const partsOf = (pattern: string): readonly Part[] => pattern.match(/\*\*+|\*|[^*]/gsu) ?? [];

const isStar = (part: Part | undefined): boolean => part?.startsWith('*') === true;

/** withSkipped adds the positions that are reached by letting stars stand for nothing. */
const withSkipped = (parts: readonly Part[], positions: Iterable<number>): Set<number> => {
  const reached = new Set<number>();
  for (const position of positions) {
    let at = position;
    reached.add(at);
    while (isStar(parts[at])) reached.add((at += 1));
  }
  return reached;
};

/**
 * matchesPattern tells whether a branch name fits a pattern in which `*` stands for any text without a slash and `**`
 * for any text. It takes time in proportion to both lengths, whatever the pattern.
 */
export const matchesPattern = (pattern: string, branch: string): boolean => {
  const parts = partsOf(pattern);
  let positions = withSkipped(parts, [0]);
  for (const letter of branch) {
    const next = [...positions].flatMap((position) => {
      const part = parts[position];
      if (part === undefined) return [];
      if (isStar(part)) return part.length > 1 || letter !== '/' ? [position] : [];
      return part === letter ? [position + 1] : [];
    });
    positions = withSkipped(parts, next);
  }
  return positions.has(parts.length);
};

/** isPattern tells a pattern from a plain branch name. */
export const isPattern = (branch: string): boolean => branch.includes('*');
