import type { GraphEdge, GraphNode, SourceGraph } from '@sluice/core';

/** Fate is what became of a part of a flow between two revisions. */
export type Fate = 'added' | 'removed' | 'changed' | 'kept';

/** FlowNode is a node of either revision and what became of it. */
export interface FlowNode extends Omit<GraphNode, 'inside'> {
  readonly inside?: string | undefined;
  readonly fate: Fate;
}

/** FlowEdge is an edge of either revision and what became of it. */
export interface FlowEdge extends Omit<GraphEdge, 'label'> {
  readonly label?: string | undefined;
  readonly fate: Exclude<Fate, 'changed'>;
}

/** ChangedFlow is the part of a flow that changed, with what lies next to it. */
export interface ChangedFlow {
  readonly nodes: readonly FlowNode[];
  readonly edges: readonly FlowEdge[];
  /** more is how many changed nodes were left out. */
  readonly more: number;
}

/** Revisions are the two flows of one application; one is absent where the application has none there. */
export interface Revisions {
  readonly before?: SourceGraph | undefined;
  readonly after?: SourceGraph | undefined;
  /** changed are the ids of nodes that changed. */
  readonly changed: ReadonlySet<string>;
}

const emptyGraph: SourceGraph = { nodes: [], edges: [] };

const edgeKey = ({ from, to, label = '' }: GraphEdge): string => JSON.stringify([from, to, label]);

const nodesOf = ({ before = emptyGraph, after = emptyGraph, changed }: Revisions): readonly FlowNode[] => {
  const old = new Set(before.nodes.map(({ id }) => id));
  const now = new Set(after.nodes.map(({ id }) => id));
  return [
    ...after.nodes.map((node): FlowNode => ({ ...node, fate: !old.has(node.id) ? 'added' : changed.has(node.id) ? 'changed' : 'kept' })),
    ...before.nodes.filter(({ id }) => !now.has(id)).map((node): FlowNode => ({ ...node, fate: 'removed' })),
  ];
};

const edgesOf = ({ before = emptyGraph, after = emptyGraph }: Revisions): readonly FlowEdge[] => {
  const old = new Set(before.edges.map(edgeKey));
  const now = new Set(after.edges.map(edgeKey));
  return [
    ...after.edges.map((edge): FlowEdge => ({ ...edge, fate: old.has(edgeKey(edge)) ? 'kept' : 'added' })),
    ...before.edges.filter((edge) => !now.has(edgeKey(edge))).map((edge): FlowEdge => ({ ...edge, fate: 'removed' })),
  ];
};

/** ranked are the ids to show, the most telling first: what changed, the ends of edges that changed, and what lies next to it. */
const ranked = (nodes: readonly FlowNode[], edges: readonly FlowEdge[]): readonly string[] => {
  const changed = new Set(nodes.filter(({ fate }) => fate !== 'kept').map(({ id }) => id));
  const rewired = edges.filter(({ fate }) => fate !== 'kept').flatMap(({ from, to }) => [from, to]);
  const beside = edges.filter(({ from, to }) => changed.has(from) || changed.has(to)).flatMap(({ from, to }) => [from, to]);
  return [...new Set([...changed, ...rewired, ...beside])];
};

/** containersOf are the ids of what holds a node, from the inside; a node that holds itself is held by nothing. */
const containersOf = (id: string, byId: ReadonlyMap<string, FlowNode>): ReadonlySet<string> => {
  const found = new Set<string>();
  for (let inside = byId.get(id)?.inside; inside !== undefined && inside !== id && byId.has(inside) && !found.has(inside); inside = byId.get(inside)?.inside) found.add(inside);
  return found;
};

/** changedFlow finds what to draw of two revisions, `most` nodes at most, in the order of the newer one; undefined where nothing of the flow changed. */
export const changedFlow = (revisions: Revisions, most: number): ChangedFlow | undefined => {
  const [nodes, edges] = [nodesOf(revisions), edgesOf(revisions)];
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const wanted = ranked(nodes, edges);
  const shown = new Set<string>();
  for (const id of wanted) {
    const added = [id, ...containersOf(id, byId)].filter((one) => !shown.has(one));
    if (shown.size + added.length <= most) for (const one of added) shown.add(one);
  }
  if (shown.size === 0) return undefined;
  return {
    nodes: nodes.filter(({ id }) => shown.has(id)),
    edges: edges.filter(({ from, to }) => shown.has(from) && shown.has(to)),
    more: nodes.filter(({ id, fate }) => fate !== 'kept' && !shown.has(id)).length,
  };
};
