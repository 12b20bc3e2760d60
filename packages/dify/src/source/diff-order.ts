/** Ways gives what a node leads to, in order. */
export type Ways = (id: string) => readonly { readonly target: string }[];

/**
 * flowOrder puts nodes in the order of the flow: every node behind those that lead to it, as far as there is no circle,
 * the first way of a node before its second. What no start leads to comes last.
 */
export const flowOrder = (nodes: readonly string[], starts: readonly string[], ways: Ways): readonly string[] => {
  const seen = new Set<string>();
  const walk = (list: readonly string[]): readonly string[] => {
    const finished: string[] = [];
    // What is finished last comes first, so of several ways the last is walked first.
    for (const start of list.toReversed()) {
      if (seen.has(start)) continue;
      seen.add(start);
      const open = [{ id: start, left: ways(start).length }];
      for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
        top.left -= 1;
        const to = ways(top.id)[top.left]?.target;
        if (to === undefined) finished.push(open.pop()?.id ?? '');
        else if (!seen.has(to)) {
          seen.add(to);
          open.push({ id: to, left: ways(to).length });
        }
      }
    }
    return finished.toReversed();
  };
  const reached = walk(starts);
  return [...reached, ...walk(nodes)];
};
