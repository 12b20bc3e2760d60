import type { GraphEdge, SourceGraph } from '@sluice/core';
import { branchesOf } from './branches.ts';
import { graphEdges, graphNodes, hasGraph, type GraphNode } from './dsl.ts';
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

/** graphOf gives the flow of a chatflow or workflow, without notes and without edges that lead nowhere; undefined for other apps. */
export const graphOf = ({ mode, root }: DifySource): SourceGraph | undefined => {
  if (!hasGraph(mode)) return undefined;
  const graph = mappingOf(root['workflow'])['graph'];
  const byId = new Map(graphNodes(graph).filter((node) => !node.note && node.id !== '').map((node) => [node.id, node]));
  const edges = graphEdges(graph).flatMap(({ source, target, handle }): GraphEdge[] => {
    const from = byId.get(source);
    if (from === undefined || !byId.has(target)) return [];
    const label = branchLabel(from, handle);
    return [{ from: source, to: target, ...(label === undefined ? {} : { label }) }];
  });
  const nodes = [...byId.values()].map((node) => {
    const inside = containerOf(node);
    return { id: node.id, name: nameOf(node), kind: node.type, ...(byId.has(inside) && inside !== node.id ? { inside } : {}) };
  });
  return { nodes, edges };
};
