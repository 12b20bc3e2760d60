import { nearest } from '@sluice/core';
import type { GraphNode } from '../dsl.ts';
import { isTrigger, nodeTypes } from '../node-types.ts';
import { graphPath, nodePath, type Graph } from './graph.ts';
import type { Report } from './report.ts';

/** checkIds finds nodes without an id, and ids that two nodes have. */
export const checkIds = ({ nodes }: Graph, report: Report): void => {
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

/** checkTypes finds nodes of unknown types, and types that apps of this mode do not have. */
export const checkTypes = ({ mode, nodes }: Graph, report: Report): void => {
  for (const node of nodes) {
    const path = [...nodePath(node), 'data', 'type'];
    if (node.type === '') {
      report('node-type-missing', 'error', `Node "${node.title}" has no type.`, path);
    } else if (!nodeTypes.has(node.type)) {
      const near = nearest(node.type, nodeTypes);
      report('node-type-unknown', 'warning', `Node "${node.title}" has the type ${node.type}, which no known Dify has.`, path, near === undefined ? undefined : `Did you mean ${near}?`);
    } else if (mode === 'advanced-chat' && node.type === 'end') {
      report('end-in-chatflow', 'error', `Node "${node.title}" is an end node; a chatflow ends in answer nodes.`, path);
    } else if (mode === 'workflow' && node.type === 'answer') {
      // Dify 1.12.1 runs it and gives its text as the output `answer`; Studio has no such node in a workflow.
      report('answer-in-workflow', 'warning', `Node "${node.title}" is an answer node; a workflow ends in end nodes.`, path);
    } else if (mode === 'advanced-chat' && isTrigger(node.type)) {
      report('trigger-in-chatflow', 'error', `Node "${node.title}" is a trigger; only workflows have triggers.`, path);
    }
  }
};

/** checkStart finds graphs that cannot begin, or in two ways. */
export const checkStart = ({ nodes }: Graph, report: Report): void => {
  const starts = nodes.filter((node) => node.type === 'start');
  const triggers = nodes.filter((node) => isTrigger(node.type));
  const path = [...graphPath, 'nodes'];
  const second = starts[1];
  if (starts.length === 0 && triggers.length === 0) {
    report('start-missing', 'error', 'The graph has no start node, so it cannot run.', path);
  } else if (second !== undefined) {
    report('start-several', 'error', `The graph has ${starts.length} start nodes; it may have one.`, nodePath(second));
  } else if (starts.length === 1 && triggers.length > 0) {
    report('start-and-trigger', 'error', 'The graph has a start node and a trigger; the server refuses both together.', path);
  }
};
