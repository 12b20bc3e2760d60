import type { GraphNode } from './dsl.ts';
import { listOf, mappingOf, textOf } from './shape.ts';

/** branchesOf gives the handles that edges may leave a node by; undefined where any handle is taken. */
export const branchesOf = (node: GraphNode): ReadonlySet<string> | undefined => {
  const failing = node.data['error_strategy'] === 'fail-branch' ? ['fail-branch', 'success-branch'] : [];
  switch (node.type) {
    case 'if-else': {
      const cases = listOf(node.data['cases']).map((item) => textOf(mappingOf(item)['case_id']));
      // Files from before the `cases` list have the two handles true and false.
      return new Set([...cases, 'true', 'false']);
    }
    case 'question-classifier':
      return new Set(listOf(node.data['classes']).map((item) => textOf(mappingOf(item)['id'])).concat(failing));
    case 'human-input':
      return undefined;
    default:
      return new Set(['source', ...failing]);
  }
};
