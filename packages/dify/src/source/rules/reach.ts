import type { GraphNode } from '../dsl.ts';
import { isTrigger } from '../node-types.ts';
import { graphPath, nodePath, type Graph } from './graph.ts';
import type { Report } from './report.ts';

const isStart = (node: GraphNode): boolean => node.type === 'start' || isTrigger(node.type);

/** checkEnds finds graphs whose runs can give no result. */
export const checkEnds = ({ mode, nodes, reached }: Graph, report: Report): void => {
  if (!nodes.some(isStart)) return;
  const type = mode === 'advanced-chat' ? 'answer' : 'end';
  const ends = nodes.filter((node) => node.type === type);
  if (ends.some((node) => reached.has(node.id))) return;
  const [first] = ends;
  const path = first === undefined ? [...graphPath, 'nodes'] : nodePath(first);
  const what = first === undefined ? `The graph has no ${type} node` : `No run can come to an ${type} node`;
  if (mode === 'advanced-chat') {
    report('answer-unreachable', 'error', `${what}, so the app answers nothing.`, path, 'Connect an answer node to what the start leads to.');
  } else {
    // A workflow that only acts needs no end node since triggers came (Dify 1.10); one that has some wants a result.
    report('end-unreachable', first === undefined ? 'warning' : 'error', `${what}, so a run gives no result.`, path, 'Connect an end node to what the start leads to.');
  }
};

/** checkUnreachable finds nodes that can never run; of a chain of them, the first. */
export const checkUnreachable = ({ nodes, byId, edges, container, reached }: Graph, report: Report): void => {
  if (!nodes.some(isStart)) return;
  const entered = new Set(edges.filter((edge) => byId.has(edge.source)).map((edge) => edge.target));
  for (const node of nodes) {
    const outer = container(node);
    const inside = outer !== undefined && byId.has(outer) && !reached.has(outer);
    if (node.id === '' || inside || reached.has(node.id) || entered.has(node.id)) continue;
    report('node-unreachable', 'warning', `Node "${node.title}" can never run: no way from the start leads to it.`, nodePath(node), 'Connect it or take it out.');
  }
};

const mostCycles = 10;

/** ordered gives the nodes that lie on no circle and behind none, in an order in which they can run. */
export const ordered = ({ nodes, byId, outgoing }: Graph): readonly string[] => {
  const waiting = new Map(nodes.map((node) => [node.id, 0]));
  for (const list of outgoing.values()) for (const { source, target } of list) if (byId.has(source)) waiting.set(target, (waiting.get(target) ?? 0) + 1);
  const ready = [...waiting].filter(([, count]) => count === 0).map(([id]) => id);
  for (let next = 0; next < ready.length; next += 1) {
    for (const { target } of outgoing.get(ready[next] ?? '') ?? []) {
      const left = (waiting.get(target) ?? 0) - 1;
      waiting.set(target, left);
      if (left === 0) ready.push(target);
    }
  }
  return ready;
};

/** trimmed takes out of `left` whatever leads to no circle, so that each node that stays has a next one. */
const trimmed = (left: ReadonlySet<string>, outgoing: Graph['outgoing']): ReadonlySet<string> => {
  const inside = new Set(left);
  const ways = new Map<string, number>();
  const behind = new Map<string, string[]>();
  for (const id of left) {
    const targets = (outgoing.get(id) ?? []).filter(({ target }) => left.has(target));
    ways.set(id, targets.length);
    for (const { target } of targets) {
      const list = behind.get(target);
      if (list === undefined) behind.set(target, [id]);
      else list.push(id);
    }
  }
  const ended = [...ways].filter(([, count]) => count === 0).map(([id]) => id);
  for (let next = 0; next < ended.length; next += 1) {
    const id = ended[next] ?? '';
    inside.delete(id);
    for (const before of behind.get(id) ?? []) {
      const count = (ways.get(before) ?? 0) - 1;
      ways.set(before, count);
      if (count === 0) ended.push(before);
    }
  }
  return inside;
};

const nextIn = (left: ReadonlySet<string>, outgoing: Graph['outgoing'], id: string) => outgoing.get(id)?.find(({ target }) => left.has(target));

/** circleIn walks until a node comes again. */
const circleIn = (left: ReadonlySet<string>, outgoing: Graph['outgoing']): readonly string[] => {
  const at = new Map<string, number>();
  for (let [id] = left; id !== undefined; id = nextIn(left, outgoing, id)?.target) {
    const before = at.get(id);
    if (before !== undefined) return [...at.keys()].slice(before);
    at.set(id, at.size);
  }
  return [];
};

/** checkCycles finds circles of edges. Nothing in Dify runs a node twice but iterations and loops, whose inside is no circle. */
export const checkCycles = (graph: Graph, report: Report): void => {
  const { nodes, byId, outgoing, reached } = graph;
  const forward = new Set(ordered(graph));
  let left = trimmed(new Set(nodes.map((node) => node.id).filter((id) => !forward.has(id))), outgoing);
  for (let found = 0; found < mostCycles && left.size > 0; found += 1) {
    const circle = circleIn(left, outgoing);
    const [first] = circle;
    const edge = nextIn(left, outgoing, circle.at(-1) ?? '');
    if (first === undefined || edge === undefined) return;
    const titles = [...circle.slice(0, 5), first].map((id) => `"${byId.get(id)?.title ?? id}"`);
    report('cycle', circle.some((id) => reached.has(id)) ? 'error' : 'warning', `Edges run in a circle: ${titles.join(' to ')}${circle.length > 5 ? `, ${circle.length} nodes in all` : ''}. No run comes past it.`, [...graphPath, 'edges', edge.index], 'Take an edge out, or put what repeats into a loop.');
    const gone = new Set(circle);
    left = trimmed(new Set([...left].filter((id) => !gone.has(id))), outgoing);
  }
};
