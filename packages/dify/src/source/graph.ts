import type { GraphEdge, SourceGraph } from '@sluice/core';
import { branchesOf } from './branches.ts';
import { renamesOf } from './diff-renames.ts';
import { safely } from './diff-shown.ts';
import { graphEdges, graphNodes, hasGraph, type GraphEdge as GraphEdgeOfFile, type GraphNode } from './dsl.ts';
import { mappingOf, textOf } from './shape.ts';
import type { DifySource } from './source.ts';

/** containerOf is the id of the iteration or loop that a node lies in; old files have it in the node's `data` alone. */
const containerOf = ({ parent, data }: GraphNode): string => [parent, data['iteration_id'], data['loop_id']].map(textOf).find((id) => id !== '') ?? '';

/** branchLabel names the branch that an edge leaves a node by, in words of the editor; undefined where there is one way only. */
export const branchLabel = (node: GraphNode, handle: string): string | undefined => {
  if (handle === 'fail-branch') return 'on failure';
  if (handle === 'success-branch') return 'on success';
  if (handle === '__timeout') return 'on timeout';
  const named = branchesOf(node)?.named.get(handle);
  if (named !== undefined) return named;
  if (handle !== 'source') return handle;
  return node.data['error_strategy'] === 'fail-branch' ? 'on success' : undefined;
};

/** nameOf is a node's title; the start of a container has none of its own. */
const nameOf = ({ data, title, type }: GraphNode): string => (type.endsWith('-start') && textOf(data['title']) === '' ? 'start' : title);

/** Newer is how a newer source calls the nodes and branches of an older one that are the same there. */
interface Newer {
  id(id: string): string;
  /** label is what an edge is called there; undefined where the newer source does not have it. */
  label(edge: GraphEdgeOfFile): string | undefined;
}

const itself: Newer = { id: (id) => id, label: () => undefined };

const newerOf = (source: DifySource, newer: DifySource | undefined): Newer => {
  if (newer === undefined || !hasGraph(newer.mode)) return itself;
  const { nodes, branches } = renamesOf(source.content, newer.content);
  const graph = mappingOf(newer.root['workflow'])['graph'];
  const byId = new Map(graphNodes(graph).map((node) => [node.id, node]));
  const edges = new Set(newer.content.edges);
  const id = (one: string): string => nodes.get(one) ?? one;
  const label = ({ source: from, handle, target }: GraphEdgeOfFile): string | undefined => {
    const [node, now] = [byId.get(id(from)), branches.get(id(from))?.get(handle) ?? handle];
    return node !== undefined && edges.has(`${id(from)} ${now} ${id(target)}`) ? branchLabel(node, now) : undefined;
  };
  return { id, label };
};

/** graphOf gives the flow of a chatflow or workflow, without notes and without edges that lead nowhere; undefined for other apps. */
export const graphOf = (source: DifySource, newer?: DifySource): SourceGraph | undefined => {
  if (!hasGraph(source.mode)) return undefined;
  const graph = mappingOf(source.root['workflow'])['graph'];
  const { id: ids, label: labelNow } = newerOf(source, newer);
  const byId = new Map(graphNodes(graph).filter((node) => !node.note && node.id !== '').map((node) => [node.id, node]));
  const edges = graphEdges(graph).flatMap((edge): GraphEdge[] => {
    const from = byId.get(edge.source);
    if (from === undefined || !byId.has(edge.target)) return [];
    const label = labelNow(edge) ?? branchLabel(from, edge.handle);
    return [{ from: ids(edge.source), to: ids(edge.target), ...(label === undefined ? {} : { label: safely(label) }) }];
  });
  const nodes = [...byId.values()].map((node) => {
    const inside = containerOf(node);
    return { id: ids(node.id), name: safely(nameOf(node)), kind: node.type, ...(byId.has(inside) && inside !== node.id ? { inside: ids(inside) } : {}) };
  });
  return { nodes, edges };
};
