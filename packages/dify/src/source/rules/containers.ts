import { dataPath, isContainer, nodePath, type Graph } from './graph.ts';
import type { Report } from './report.ts';

const entries: Readonly<Record<string, string>> = { iteration: 'iteration-start', loop: 'loop-start' };

/**
 * checkContainers finds iterations and loops that cannot begin. With an ordinary node at the beginning, as in files of
 * DSL 0.1.0, Dify 1.12.1 refuses to run: "[INVALID_ROOT] Root node … must declare execution type 'root'"
 * (core/workflow/graph/validation.py).
 */
export const checkContainers = ({ nodes, byId, container, reached }: Graph, report: Report): void => {
  for (const node of nodes) {
    const outer = container(node);
    if (outer !== undefined && !isContainer(byId.get(outer)?.type ?? '')) {
      report('container-missing', 'warning', `Node "${node.title}" lies in the iteration or loop ${outer}, which is not there.`, nodePath(node));
    }
    if (!isContainer(node.type)) continue;
    const severity = reached.has(node.id) ? 'error' : 'warning';
    const path = [...dataPath(node), 'start_node_id'];
    const named: unknown = node.data['start_node_id'];
    const start = byId.get(typeof named === 'string' ? named : '');
    if (start === undefined) {
      report('container-start-missing', severity, `The ${node.type} "${node.title}" ${typeof named === 'string' && named !== '' ? `begins with ${named}, which is not there` : 'names no node to begin with'}.`, path, 'Open the app in Studio, which adds the start, and export it again.');
    } else if (start.type !== entries[node.type]) {
      report('container-start-ordinary', severity, `The ${node.type} "${node.title}" begins with the ${start.type} node "${start.title}"; Dify 1.12.1 runs only those that begin with a node of type ${entries[node.type] ?? ''}.`, path, 'Open the app in a present Studio, which adds the start, and export it again.');
    }
  }
};
