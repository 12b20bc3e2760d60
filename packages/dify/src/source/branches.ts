import type { GraphNode } from './dsl.ts';
import { listOf, mappingOf, textOf } from './shape.ts';

/** Branches are the ways out of a node. */
export interface Branches {
  /** taken are the handles that the engine may leave by. */
  readonly taken: ReadonlySet<string>;
  /** named are those that must lead somewhere, each with its name for people; empty where there is one way out. */
  readonly named: ReadonlyMap<string, string>;
}

const failing = ['fail-branch', 'success-branch'] as const;

const entries = (list: unknown, id: string, label: string): readonly (readonly [string, string])[] =>
  listOf(list).map((item) => [textOf(mappingOf(item)[id]), textOf(mappingOf(item)[label]) || textOf(mappingOf(item)[id])] as const);

/** casesOf are the branches of an if-else node. Files from before the `cases` list have the two handles true and false. */
const casesOf = (node: GraphNode): Branches => {
  const cases = listOf(node.data['cases']).map((item) => textOf(mappingOf(item)['case_id']) || 'true');
  const old = cases.length === 0;
  const names = old ? ['true'] : cases;
  const named = names.map((id, index) => [id, names.length === 1 ? 'IF' : `CASE ${index + 1}`] as const);
  return { taken: new Set([...names, 'false']), named: new Map([...named, ['false', 'ELSE']]) };
};

/** branchesOf gives the ways out of a node; undefined where they cannot be known. */
export const branchesOf = (node: GraphNode): Branches | undefined => {
  const broken = node.data['error_strategy'] === 'fail-branch';
  switch (node.type) {
    case 'if-else':
      return casesOf(node);
    case 'question-classifier': {
      const classes = entries(node.data['classes'], 'id', 'name');
      return { taken: new Set([...classes.map(([id]) => id), ...(broken ? failing : [])]), named: new Map(classes) };
    }
    case 'human-input': {
      // The handle of the timeout is fixed (Dify 1.13.3, HumanInputNode); one without an edge only ends the run.
      const actions = entries(node.data['user_actions'], 'id', 'title');
      return { taken: new Set([...actions.map(([id]) => id), '__timeout']), named: new Map(actions) };
    }
    default:
      return { taken: new Set(['source', ...(broken ? failing : [])]), named: new Map(broken ? [['fail-branch', 'of failure']] : []) };
  }
};
