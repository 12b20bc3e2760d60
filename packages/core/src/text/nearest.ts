const longestCompared = 64;

/** editDistance is the Damerau-Levenshtein distance of two words: insert, delete, replace, swap two neighbours. */
export const editDistance = (one: string, other: string): number => {
  const a = [...one];
  const b = [...other];
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [row, letter] of a.entries()) {
    const next = [row + 1];
    for (const [column, against] of b.entries()) {
      const replaced = (last[column] ?? 0) + (letter === against ? 0 : 1);
      let best = Math.min(replaced, (last[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1);
      if (row > 0 && column > 0 && letter === b[column - 1] && a[row - 1] === against) {
        best = Math.min(best, (beforeLast[column - 1] ?? 0) + 1);
      }
      next.push(best);
    }
    beforeLast = last;
    last = next;
  }
  return last[b.length] ?? 0;
};

const comparable = (word: string): string => word.toLowerCase().replaceAll('_', '-').slice(0, longestCompared);

/** nearest is the known name that a mistyped word most likely means; undefined when none is near enough. */
export const nearest = (word: string, known: Iterable<string>): string | undefined => {
  const wanted = comparable(word);
  // Numbers that are drawn or count time, as ids of nodes, look alike without being meant: of a node that was deleted, the next one is no slip.
  const isNumber = /^\d+$/.test(wanted);
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of known) {
    const distance = editDistance(wanted, comparable(name));
    const allowed = isNumber ? 1 : Math.max(1, Math.floor(Math.max(wanted.length, name.length) / 3));
    if (distance <= allowed && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { name, distance };
  }
  return best?.name;
};

/** didYouMean is `did you mean "x"?`, or the list of known names when none is near. */
export const didYouMean = (word: string, known: readonly string[]): string => {
  const name = nearest(word, known);
  if (name !== undefined) return `did you mean "${name}"?`;
  return known.length === 0 ? 'nothing is known here' : `known are ${known.join(', ')}`;
};
