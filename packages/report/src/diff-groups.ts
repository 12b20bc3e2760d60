import type { DiffedApplication, ShownChange } from './diff-evidence.ts';

/** titles are the groups that changes are shown in, in their order, each with what one and several of its changes are called. */
const titles = {
  application: ['Application', 'property of the application', 'properties of the application'],
  prompt: ['Prompts and texts', 'prompt or text', 'prompts and texts'],
  model: ['Models', 'model', 'models'],
  node: ['Nodes', 'node', 'nodes'],
  edge: ['Connections', 'connection', 'connections'],
  variable: ['Variables', 'variable', 'variables'],
  setting: ['Settings', 'setting', 'settings'],
} as const satisfies Readonly<Record<ShownChange['about'], readonly [string, string, string]>>;

const abouts = Object.keys(titles) as readonly ShownChange['about'][];

/** ChangeGroup is what changed of one kind. */
export interface ChangeGroup {
  readonly title: string;
  readonly changes: readonly ShownChange[];
}

/** changeGroups puts changes into groups, those that people meet first first; empty groups are left out. */
export const changeGroups = (changes: readonly ShownChange[]): readonly ChangeGroup[] =>
  abouts
    .map((about) => ({ title: titles[about][0], changes: changes.filter((change) => change.about === about) }))
    .filter((group) => group.changes.length > 0);

/** countsText says how much changed in a few words: `2 prompts and texts, 1 model`. */
export const countsText = (changes: readonly Pick<ShownChange, 'about'>[]): string =>
  abouts
    .flatMap((about) => {
      const count = changes.filter((change) => change.about === about).length;
      return count === 0 ? [] : [`${count} ${titles[about][count === 1 ? 1 : 2]}`];
    })
    .join(', ');

/** fateText says of an application as a whole what became of it. */
export const fateText = ({ fate, total }: Pick<DiffedApplication, 'fate' | 'total'>): string => {
  if (fate === 'added') return 'is new';
  if (fate === 'removed') return 'is gone';
  return total === 0 ? 'no change that users could meet' : `${total} ${total === 1 ? 'change' : 'changes'}`;
};
