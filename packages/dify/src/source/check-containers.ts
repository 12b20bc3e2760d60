import type { GraphNode } from './dsl.ts';
import type { Report } from './check-graph.ts';

const entries: Readonly<Record<string, string>> = { iteration: 'iteration-start', loop: 'loop-start' };

/**
 * checkContainers reports iterations and loops that begin with an ordinary node, as files of DSL 0.1.0 do. Dify 1.12.1
 * refuses to run them: "[INVALID_ROOT] Root node … must declare execution type 'root'" (core/workflow/graph/validation.py).
 */
export const checkContainers = (
  nodes: readonly GraphNode[],
  reached: ReadonlySet<string>,
  pathOf: (node: GraphNode) => readonly (string | number)[],
  report: Report,
): void => {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) {
    const entry = entries[node.type];
    const start = byId.get(String(node.data['start_node_id'] ?? ''));
    if (entry === undefined || start === undefined || start.type === entry) continue;
    report(
      'container-start-ordinary',
      reached.has(node.id) ? 'error' : 'warning',
      `The ${node.type} "${node.title}" begins with the ${start.type} node "${start.title}"; Dify 1.12.1 runs only those that begin with a node of type ${entry}.`,
      [...pathOf(node), 'data', 'start_node_id'],
      'Open the app in a present Studio, which adds the start, and export it again.',
    );
  }
};
