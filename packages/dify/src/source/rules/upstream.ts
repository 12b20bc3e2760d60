import type { Graph } from './graph.ts';
import { ordered } from './reach.ts';

/** mostBits bounds what the question may cost: 32 MB. */
const mostBits = 256 * 1024 * 1024;

/**
 * Upstream answers whether one node can have run before another one begins: along edges, and, for nodes inside of an
 * iteration or loop, before that; undefined where it cannot be known, as behind a circle.
 */
export type Upstream = (before: string, after: string) => boolean | undefined;

/** upstreamIn works out, for the nodes of `asked` alone, what runs before what; undefined when the graph is too large for it. */
export const upstreamIn = (graph: Graph, asked: Iterable<string>): Upstream | undefined => {
  const numbers = new Map([...asked].map((id, index) => [id, index]));
  const words = Math.ceil(numbers.size / 32);
  if (words * 32 * graph.nodes.length > mostBits) return undefined;
  const order = ordered(graph);
  const rows = new Map(order.map((id) => [id, new Uint32Array(words)]));
  for (const id of order) {
    const row = rows.get(id);
    const number = numbers.get(id);
    if (row === undefined) continue;
    for (const { target } of graph.outgoing.get(id) ?? []) {
      const next = rows.get(target);
      if (next === undefined) continue;
      for (let word = 0; word < words; word += 1) next[word] = (next[word] ?? 0) | (row[word] ?? 0);
      if (number !== undefined) next[number >>> 5] = (next[number >>> 5] ?? 0) | (1 << (number & 31));
    }
  }
  return (before, after) => {
    const number = numbers.get(before);
    const row = rows.get(after);
    if (number === undefined || row === undefined || !rows.has(before)) return undefined;
    return ((row[number >>> 5] ?? 0) & (1 << (number & 31))) !== 0;
  };
};
