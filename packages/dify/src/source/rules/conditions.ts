import type { GraphNode } from '../dsl.ts';
import { listOf, mappingOf, type Mapping } from '../shape.ts';
import { dataPath, type Graph } from './graph.ts';
import type { Path, Report } from './report.ts';

interface Found {
  readonly condition: Mapping;
  readonly path: Path;
}

const conditionsAt = (owner: Mapping, path: Path): readonly Found[] =>
  listOf(owner['conditions']).map((condition, index) => ({ condition: mappingOf(condition), path: [...path, 'conditions', index] }));

/** conditionsOf are all conditions of an if-else node: those of its cases, and the single list of old files. */
const conditionsOf = (node: GraphNode): readonly Found[] => [
  ...conditionsAt(node.data, dataPath(node)),
  ...listOf(node.data['cases']).flatMap((one, index) => conditionsAt(mappingOf(one), [...dataPath(node), 'cases', index])),
];

const isBelowOne = ({ comparison_operator: operator, value }: Mapping): boolean =>
  ((operator === '=' || operator === '≤') && Number(value) === 0) || (operator === '<' && Number(value) === 1);

/**
 * checkConditions reports conditions that no run can meet. The number of a conversation's turn counted from 0 before
 * Dify 1.9.0 and counts from 1 since (core/app/apps/advanced_chat/app_generator.py).
 */
export const checkConditions = ({ nodes }: Graph, report: Report): void => {
  for (const node of nodes.filter(({ type }) => type === 'if-else')) {
    for (const { condition, path } of conditionsOf(node)) {
      const [head, name] = listOf(condition['variable_selector']);
      if (head !== 'sys' || name !== 'dialogue_count' || !isBelowOne(condition)) continue;
      report(
        'dialogue-count-from-one',
        'error',
        `Node "${node.title}" waits for the first turn as sys.dialogue_count 0, but since Dify 1.9.0 the first turn is 1, so this way is never taken.`,
        path,
        'Compare with 1 for the first turn, and raise the other numbers of this node by one.',
      );
    }
  }
};
