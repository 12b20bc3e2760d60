import { graphEdges, graphNodes, type GraphEdge, type GraphNode, type Mode } from '../dsl.ts';
import { isTrigger } from '../node-types.ts';
import { textOf, type Mapping } from '../shape.ts';
import type { Path } from './report.ts';

/** graphPath leads to the graph. */
export const graphPath = ['workflow', 'graph'] as const;

/** nodePath leads to a node. */
export const nodePath = (node: GraphNode): Path => [...graphPath, 'nodes', node.index];

/** dataPath leads to a node's `data`. */
export const dataPath = (node: GraphNode): Path => [...nodePath(node), 'data'];

/** isContainer says whether nodes of a type have nodes inside. */
export const isContainer = (type: string): boolean => type === 'iteration' || type === 'loop';

/** Graph is a graph with what the rules ask of it, worked out once. */
export interface Graph {
  readonly mode: Mode;
  /** nodes are all nodes but notes. */
  readonly nodes: readonly GraphNode[];
  readonly byId: ReadonlyMap<string, GraphNode>;
  readonly edges: readonly GraphEdge[];
  readonly outgoing: ReadonlyMap<string, readonly GraphEdge[]>;
  /** container gives the id of the iteration or loop that a node lies in. */
  container(node: GraphNode): string | undefined;
  /** reached are the ids of the nodes that a run can come to. */
  readonly reached: ReadonlySet<string>;
}

/** containerOf reads a node's container: `parentId`, which old files lack, or the id in its data. */
const containerOf = (node: GraphNode): string | undefined =>
  [node.parent, node.data['iteration_id'], node.data['loop_id']].map(textOf).find((id) => id !== '');

const grouped = (edges: readonly GraphEdge[]): ReadonlyMap<string, readonly GraphEdge[]> => {
  const groups = new Map<string, GraphEdge[]>();
  for (const edge of edges) {
    const group = groups.get(edge.source);
    if (group === undefined) groups.set(edge.source, [edge]);
    else group.push(edge);
  }
  return groups;
};

/** reachedFrom follows edges, and goes into containers by their start. */
const reachedFrom = (nodes: readonly GraphNode[], outgoing: Graph['outgoing'], byId: Graph['byId']): ReadonlySet<string> => {
  const seen = new Set<string>();
  const open = nodes.filter((node) => node.type === 'start' || isTrigger(node.type)).map((node) => node.id);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    for (const edge of outgoing.get(id) ?? []) open.push(edge.target);
    const inner = byId.get(id)?.data['start_node_id'];
    if (typeof inner === 'string') open.push(inner);
  }
  return seen;
};

/** readGraph reads a `graph` section. */
export const readGraph = (mode: Mode, graph: Mapping): Graph => {
  const nodes = graphNodes(graph).filter((node) => !node.note);
  const edges = graphEdges(graph);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const outgoing = grouped(edges);
  return { mode, nodes, byId, edges, outgoing, container: containerOf, reached: reachedFrom(nodes, outgoing, byId) };
};
