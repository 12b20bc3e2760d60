import { nearest, type Severity } from '@sluice/core';
import { branchesOf } from './branches.ts';
import { checkConditions } from './check-conditions.ts';
import { checkContainers } from './check-containers.ts';
import { graphEdges, graphNodes, type GraphEdge, type GraphNode, type Mode } from './dsl.ts';
import { isTrigger, nodeTypes } from './node-types.ts';
import { referencesOf } from './references.ts';
import type { Mapping } from './shape.ts';

/** Report adds a finding at a key path of the file. */
export type Report = (
  rule: string,
  severity: Severity,
  message: string,
  path: readonly (string | number)[],
  hint?: string,
) => void;

const graphPath = ['workflow', 'graph'] as const;

const nodePath = (node: GraphNode): readonly (string | number)[] => [...graphPath, 'nodes', node.index];

const checkIds = (nodes: readonly GraphNode[], report: Report): void => {
  const seen = new Map<string, GraphNode>();
  for (const node of nodes) {
    if (node.id === '') {
      report('node-id-missing', 'error', `Node ${node.index + 1} has no id.`, nodePath(node));
      continue;
    }
    const first = seen.get(node.id);
    if (first !== undefined) {
      report('node-id-duplicate', 'error', `Nodes "${first.title}" and "${node.title}" have the same id ${node.id}.`, [...nodePath(node), 'id']);
    }
    seen.set(node.id, node);
  }
};

const checkTypes = (mode: Mode, nodes: readonly GraphNode[], report: Report): void => {
  for (const node of nodes) {
    const path = [...nodePath(node), 'data', 'type'];
    if (node.type === '') {
      report('node-type-missing', 'error', `Node "${node.title}" has no type.`, path);
    } else if (!nodeTypes.has(node.type)) {
      const near = nearest(node.type, [...nodeTypes]);
      report('node-type-unknown', 'warning', `Node "${node.title}" has the type ${node.type}, which no known Dify has.`, path, near === undefined ? undefined : `Did you mean ${near}?`);
    } else if (mode === 'advanced-chat' && node.type === 'end') {
      report('end-in-chatflow', 'error', `Node "${node.title}" is an end node; a chatflow ends in answer nodes.`, path);
    } else if (mode === 'workflow' && node.type === 'answer') {
      report('answer-in-workflow', 'error', `Node "${node.title}" is an answer node; a workflow ends in end nodes.`, path);
    } else if (mode === 'advanced-chat' && isTrigger(node.type)) {
      report('trigger-in-chatflow', 'error', `Node "${node.title}" is a trigger; only workflows have triggers.`, path);
    }
  }
};

const checkStart = (nodes: readonly GraphNode[], report: Report): void => {
  const starts = nodes.filter((node) => node.type === 'start');
  const triggers = nodes.filter((node) => isTrigger(node.type));
  const path = [...graphPath, 'nodes'];
  if (starts.length === 0 && triggers.length === 0) {
    report('start-missing', 'error', 'The graph has no start node, so it cannot run.', path);
  } else if (starts.length > 1) {
    const second = starts[1];
    report('start-several', 'error', `The graph has ${starts.length} start nodes; it may have one.`, second === undefined ? path : nodePath(second));
  } else if (starts.length === 1 && triggers.length > 0) {
    report('start-and-trigger', 'error', 'The graph has a start node and a trigger; the server refuses both together.', path);
  }
};

const checkEdges = (nodes: readonly GraphNode[], edges: readonly GraphEdge[], report: Report): void => {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const edge of edges) {
    const path = [...graphPath, 'edges', edge.index];
    const missing = [edge.source, edge.target].find((id) => !byId.has(id));
    if (missing !== undefined) {
      report('edge-endpoint-missing', 'error', `An edge runs from ${edge.source} to ${edge.target}, but there is no node ${missing}.`, path);
      continue;
    }
    const source = byId.get(edge.source);
    const branches = source === undefined ? undefined : branchesOf(source);
    if (source !== undefined && branches !== undefined && !branches.has(edge.handle)) {
      report('branch-handle-unknown', 'warning', `An edge leaves node "${source.title}" by the branch ${edge.handle}, which that node does not have, so it is never taken.`, path);
    }
  }
};

/** reachable gives the ids of the nodes that a run can come to: along edges, and into containers. */
const reachable = (nodes: readonly GraphNode[], edges: readonly GraphEdge[]): ReadonlySet<string> => {
  const next = new Map<string, string[]>();
  for (const edge of edges) next.set(edge.source, [...(next.get(edge.source) ?? []), edge.target]);
  for (const node of nodes) {
    const start: unknown = node.data['start_node_id'];
    if (typeof start === 'string') next.set(node.id, [...(next.get(node.id) ?? []), start]);
  }
  const seen = new Set<string>();
  const open = nodes.filter((node) => node.type === 'start' || isTrigger(node.type)).map((node) => node.id);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    open.push(...(next.get(id) ?? []));
  }
  return seen;
};

const checkReferences = (nodes: readonly GraphNode[], runs: ReadonlySet<string>, report: Report): void => {
  const ids = new Set(nodes.map((node) => node.id));
  for (const node of nodes) {
    for (const reference of referencesOf(node).filter((item) => !ids.has(item.node))) {
      const dead = !runs.has(node.id);
      const what = `Node "${node.title}" uses ${reference.node}.${reference.name}, but there is no node ${reference.node}`;
      report(
        'reference-missing',
        dead ? 'warning' : 'error',
        dead ? `${what}; the node itself is never reached.` : `${what}.`,
        [...nodePath(node), 'data', ...reference.path],
      );
    }
  }
};

/** checkGraph reports what is wrong with the shape of a graph. */
export const checkGraph = (mode: Mode, graph: Mapping, report: Report): void => {
  const nodes = graphNodes(graph).filter((node) => !node.note);
  const edges = graphEdges(graph);
  if (nodes.length === 0) {
    report('nodes-missing', 'error', 'The graph has no nodes.', [...graphPath, 'nodes']);
    return;
  }
  checkIds(nodes, report);
  checkTypes(mode, nodes, report);
  checkStart(nodes, report);
  checkEdges(nodes, edges, report);
  const runs = reachable(nodes, edges);
  checkReferences(nodes, runs, report);
  checkContainers(nodes, runs, nodePath, report);
  checkConditions(nodes, nodePath, report);
};
