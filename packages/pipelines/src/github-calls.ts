import { readYaml } from '@sluice/core';
import type { Neighbour } from './pipeline-files.ts';
import { listOf, mappingOf, textOf, type Mapping } from './shape.ts';

/** Local is a workflow or an action of the same repository that a workflow names. */
export interface Local {
  readonly file: Mapping;
  /** steps are an action's; a workflow has jobs instead. */
  readonly steps: readonly Mapping[];
}

/** fileNames are the files that `uses: ./path` may stand for. */
const fileNames = (uses: string): readonly string[] => {
  const path = uses.replace(/^\.\//, '').replace(/(?<!\/)\/+$/, '');
  return /\.ya?ml$/.test(path) ? [path] : [`${path}/action.yml`, `${path}/action.yaml`];
};

/** localUses are the files of the same repository that a workflow, or an action made of steps, may name. */
export const localUses = (text: string): readonly string[] =>
  [...text.matchAll(/\buses:[ \t]*["']?(\.\/[\w./-]+)/g)].flatMap(([, uses = '']) => fileNames(uses));

/** localsIn finds what `uses: ./path` names among the files of a repository; each is read once. */
export const localsIn = (neighbours: readonly Neighbour[]): ((uses: string) => Local | undefined) => {
  const read = new Map<string, Local | undefined>();
  return (uses) => {
    if (!uses.startsWith('./')) return undefined;
    if (!read.has(uses)) {
      const found = neighbours.find(({ at }) => fileNames(uses).includes(at));
      const document = found === undefined ? undefined : readYaml(found.at, found.text);
      const file = document?.ok === true ? mappingOf(document.value.value) : undefined;
      read.set(uses, file === undefined ? undefined : { file, steps: listOf(mappingOf(file['runs'])['steps']).map(mappingOf) });
    }
    return read.get(uses);
  };
};

/** isOnlyCalled says whether a workflow runs only where others call it. */
export const isOnlyCalled = ({ on }: Mapping): boolean => {
  const events = typeof on === 'string' ? [on] : Array.isArray(on) ? on.map(textOf) : Object.keys(mappingOf(on));
  return events.length > 0 && events.every((event) => event === 'workflow_call');
};
