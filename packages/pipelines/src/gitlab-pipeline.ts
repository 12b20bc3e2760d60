import { readYaml, type Outcome, type YamlDocument } from '@sluice/core';
import { listOf, mappingOf, textOf, type Mapping } from './shape.ts';

/** tag marks a list that leads to a part of another job. */
const tag = '!reference';

/** mostLevels is how far GitLab follows `extends` and references. */
const mostLevels = 10;

/** header is what says of a file which inputs it takes: `spec:` up to `---`. */
const header = /(?<![^])(?:[ \t]*(?:#[^\n]*)?\r?\n)*(?:---[ \t]*\r?\n)?spec:[^]*?^---[ \t]*$/m;

/** readGitlab reads a file of GitLab without its header, lines where they are; a reference becomes `{ '!reference': [job, key…] }`. */
export const readGitlab = (path: string, text: string): Outcome<YamlDocument> =>
  readYaml(path, text.replace(header, (found) => '\n'.repeat(found.split('\n').length - 1)), undefined, [tag]);

/** mergedWith puts what a file includes below what it says itself, job by job, as GitLab does. */
export const mergedWith = (included: readonly Mapping[], own: Mapping): Mapping => {
  const merged = new Map<string, unknown>();
  for (const pipeline of [...included, own]) {
    for (const [name, value] of Object.entries(pipeline)) merged.set(name, Array.isArray(value) || typeof value !== 'object' ? value : { ...mappingOf(merged.get(name)), ...mappingOf(value) });
  }
  return Object.fromEntries(merged);
};

/** Taken is what a job has under a key; `known` is false where it may come from a file that is not here. */
export interface Taken {
  readonly value: unknown;
  readonly known: boolean;
}

const elsewhere: Taken = { value: undefined, known: false };

/** Lookup finds a key of a job. */
type Lookup = (name: string, key: string) => Taken;

/** byExtends looks for a key in a job, then in what it extends, the last one first; each place is looked at once, and a circle adds nothing. */
const byExtends = (pipeline: Mapping): Lookup => {
  const found = new Map<string, Taken>();
  const look = (name: string, key: string, level: number): Taken => {
    if (!Object.hasOwn(pipeline, name) || level > mostLevels) return elsewhere;
    const own = mappingOf(pipeline[name]);
    if (Object.hasOwn(own, key)) return { value: own[key], known: true };
    const place = JSON.stringify([name, key]);
    const before = found.get(place);
    if (before !== undefined) return before;
    found.set(place, { value: undefined, known: true });
    const parents = [own['extends'] ?? []].flat().map((parent: unknown) => look(textOf(parent), key, level + 1));
    const taken = parents.findLast(({ value }) => value !== undefined) ?? { value: undefined, known: parents.every(({ known }) => known) };
    found.set(place, taken);
    return taken;
  };
  return (name, key) => look(name, key, 0);
};

/** following puts what references lead to in their place. A list that many jobs share is followed once, so that none can be made to grow. */
const following = (lookup: Lookup): ((value: unknown) => Taken) => {
  const done = new Map<unknown, Taken>();
  const follow = (value: unknown, level: number): Taken => {
    const before = done.get(value);
    if (before !== undefined) return before;
    if (Array.isArray(value)) {
      done.set(value, elsewhere);
      const parts = value.map((item: unknown) => follow(item, level));
      const taken = { value: parts.map((part) => part.value), known: parts.every(({ known }) => known) };
      done.set(value, taken);
      return taken;
    }
    const [job, key, ...rest] = listOf(mappingOf(value)[tag]).map(textOf);
    if (job === undefined || key === undefined) return { value, known: true };
    const { value: first } = lookup(job, key);
    const target = rest.reduce<unknown>((at, one) => mappingOf(at)[one], first);
    return target === undefined || level === mostLevels ? elsewhere : follow(target, level + 1);
  };
  return (value) => follow(value, 0);
};

const inherits = (asked: unknown, key: string): boolean => (Array.isArray(asked) ? asked.includes(key) : asked !== false);

/**
 * jobsOf gives what a job of a pipeline has under a key when it runs: its own, what it extends and then what that refers to, in
 * this order, and last the default of the pipeline.
 */
export const jobsOf = (pipeline: Mapping): Lookup => {
  const lookup = byExtends(pipeline);
  const follow = following(lookup);
  const defaults = mappingOf(pipeline['default']);
  return (name, key) => {
    const { value, known } = lookup(name, key);
    if (value !== undefined) {
      const taken = follow(value);
      return { value: taken.value, known: known && taken.known };
    }
    const inherited = Object.hasOwn(defaults, key) && inherits(mappingOf(lookup(name, 'inherit').value)['default'], key);
    return inherited ? follow(defaults[key]) : { value, known };
  };
};
