import { nearest } from '@sluice/core';
import { branchesOf } from '../branches.ts';
import type { GraphEdge, GraphNode } from '../dsl.ts';
import { graphPath, nodePath, type Graph } from './graph.ts';
import type { Report } from './report.ts';

const edgePath = (edge: GraphEdge) => [...graphPath, 'edges', edge.index];

const checkHandle = (edge: GraphEdge, source: GraphNode, reached: boolean, report: Report): void => {
  const branches = branchesOf(source);
  if (branches === undefined || branches.taken.has(edge.handle)) return;
  const known = [...branches.named.keys()];
  report(
    'branch-handle-unknown',
    reached ? 'error' : 'warning',
    `An edge leaves node "${source.title}" by the branch ${edge.handle}, which that node does not have, so it is never taken.`,
    edgePath(edge),
    known.length === 0 ? 'This node has one way out, named source.' : `The branches of this node are ${known.join(', ')}.`,
  );
};

/** checkEdges finds edges to or from nothing, by branches that are not there, and across the border of a container. */
export const checkEdges = ({ byId, edges, container, reached }: Graph, report: Report): void => {
  for (const edge of edges) {
    const [source, target] = [byId.get(edge.source), byId.get(edge.target)];
    if (source === undefined || target === undefined) {
      const missing = source === undefined ? edge.source : edge.target;
      const shown = (node: GraphNode | undefined, id: string): string => (node === undefined ? id : `"${node.title}"`);
      const near = nearest(missing, [...byId.keys()].slice(0, 200));
      report('edge-endpoint-missing', 'error', `An edge runs from ${shown(source, edge.source)} to ${shown(target, edge.target)}, but there is no node ${missing}.`, edgePath(edge), near === undefined ? 'Lead it to a node that is there, or take it out.' : `Did you mean ${near}, which is ${shown(byId.get(near), near)}?`);
      continue;
    }
    checkHandle(edge, source, reached.has(source.id), report);
    if (container(source) !== container(target)) {
      report('edge-crosses-container', 'error', `An edge runs from "${source.title}" to "${target.title}" across the border of an iteration or loop.`, edgePath(edge), 'Begin and end the edge on the same side, and connect the iteration or loop itself.');
    }
  }
};

/** checkBranches finds branches of a node that no edge leaves by: a run that takes one ends there without a word. */
export const checkBranches = ({ nodes, outgoing, reached }: Graph, report: Report): void => {
  for (const node of nodes) {
    const branches = branchesOf(node);
    if (branches === undefined || !reached.has(node.id)) continue;
    const wired = new Set((outgoing.get(node.id) ?? []).map((edge) => edge.handle));
    for (const [handle, label] of branches.named) {
      if (wired.has(handle)) continue;
      report('branch-unwired', 'warning', `The branch ${label} of node "${node.title}" leads nowhere.`, nodePath(node), 'Connect it, or a run that takes it ends without a result.');
    }
  }
};
