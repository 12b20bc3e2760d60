import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { checkRoot, parse } from '../src/source/parse.ts';
import { appsIn, fixtures, type Original } from './dsl-apps.ts';
import { mutations, type App, type Mutation } from './dsl-mutator.ts';
import { picker } from '../../../test/picker.ts';

const corpus = process.env['SLUICE_DSL_CORPUS'];

/** found is every finding as `rule message`. */
const foundIn = (root: unknown, allowed: readonly string[] | undefined): ReadonlySet<string> => {
  const found = new Set<string>();
  checkRoot(root, allowed === undefined ? {} : { models: [...allowed] }, (rule, _severity, message) => found.add(`${rule} ${message}`));
  return found;
};

const namesIn = (root: unknown): readonly string[] => [...new Set([...JSON.stringify(root).matchAll(/"(?:name|model)":"([^"]*)"/g)].map((match) => match[1] ?? ''))].filter((name) => name !== '');

interface Tally {
  mutants: number;
  readonly missed: string[];
}

const tried = (mutation: Mutation, { name, root }: Original, seed: number, before: ReadonlySet<string>, allowed: readonly string[], tally: Tally): void => {
  const mutant = structuredClone(root) as object as App;
  if (!mutation.apply(mutant, picker(seed))) return;
  const after = foundIn(mutant, mutation.rule === 'model-not-allowed' ? allowed : undefined);
  tally.mutants += 1;
  if (![...after].some((one) => one.startsWith(`${mutation.rule} `) && !before.has(one))) tally.missed.push(`${name}: ${mutation.kind} (${seed})`);
};

/** mutantsOf tries every kind at `seeds` places of each app. */
const mutantsOf = (apps: readonly Original[], seeds: number): ReadonlyMap<string, Tally> => {
  const tallies = new Map(mutations.map(({ kind }): [string, Tally] => [kind, { mutants: 0, missed: [] }]));
  for (const app of apps) {
    const allowed = namesIn(app.root);
    const before = foundIn(app.root, undefined);
    for (const [number, mutation] of mutations.entries()) {
      const tally = tallies.get(mutation.kind) ?? { mutants: 0, missed: [] };
      for (let seed = 0; seed < seeds; seed += 1) tried(mutation, app, number * 1000 + seed, before, allowed, tally);
    }
  }
  return tallies;
};

const sums = (tallies: ReadonlyMap<string, Tally>) => {
  const all = [...tallies.values()];
  return { mutants: all.reduce((sum, one) => sum + one.mutants, 0), missed: all.flatMap(({ missed }) => missed), kinds: all.filter(({ mutants }) => mutants > 0).length };
};

/** tableOf is what docs/mutants.md shows. */
const tableOf = (tallies: ReadonlyMap<string, Tally>): string =>
  mutations.map(({ kind, rule }) => `| ${kind} | \`dify/${rule}\` | ${(tallies.get(kind)?.mutants ?? 0) - (tallies.get(kind)?.missed.length ?? 0)} of ${tallies.get(kind)?.mutants ?? 0} |\n`).join('');

test('there are at least 25 kinds of mutations', () => {
  expect(new Set(mutations.map(({ kind }) => kind)).size).toBe(mutations.length);
  expect(mutations.length).toBeGreaterThanOrEqual(25);
});

test('docs/mutants.md has every kind with its rule', () => {
  const page = readFileSync(new URL('../../../docs/mutants.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| (?!what|---)(.*?) \| `dify\/(.*?)` \|/gm)].map(([, kind, rule]) => ({ kind, rule }));
  expect(rows).toEqual(mutations.map(({ kind, rule }) => ({ kind, rule })));
});

describe('own files of DSL 0.4 to 0.7', () => {
  test.each(readdirSync(fixtures))('%s has no findings', (name) => {
    const { source, findings } = parse({ path: name, folder: '', text: readFileSync(join(fixtures, name), 'utf8') });
    expect(findings).toEqual([]);
    expect(source).toBeDefined();
  });

  test('every harmful change of them is found by the rule that is meant for it', () => {
    const { mutants, missed, kinds } = sums(mutantsOf(appsIn(fixtures), 3));
    expect(missed).toEqual([]);
    expect(kinds).toBeGreaterThanOrEqual(50);
    expect(mutants).toBeGreaterThanOrEqual(300);
  });

  test('a mutant says the same as a file', () => {
    for (const [seed, mutation] of mutations.entries()) {
      const [app] = appsIn(fixtures).filter((one) => mutation.apply(structuredClone(one.root) as object as App, picker(seed)));
      if (app === undefined || mutation.rule === 'model-not-allowed' || seed % 4 !== 0) continue;
      mutation.apply(app.root as object as App, picker(seed));
      const { findings } = parse({ path: 'app.yml', folder: '', text: stringify(app.root, { aliasDuplicateObjects: false }) });
      expect(findings.map(({ rule }) => rule)).toContain(`dify/${mutation.rule}`);
    }
  });
});

(corpus === undefined ? describe.skip : describe)(corpus === undefined ? 'real apps (not shown: SLUICE_DSL_CORPUS is not set)' : 'real apps', () => {
  test('at least 99 of 100 harmful changes are found by the rule that is meant for them', () => {
    const tallies = mutantsOf(appsIn(corpus ?? ''), 2);
    const { mutants, missed, kinds } = sums(tallies);
    if (process.env['SLUICE_SHOW'] !== undefined) process.stdout.write(`${mutants} mutants of ${kinds} kinds, missed ${missed.length}\n${missed.join('\n')}\n${tableOf(tallies)}`);
    expect(kinds).toBeGreaterThanOrEqual(25);
    expect(missed.length / mutants).toBeLessThanOrEqual(0.01);
    for (const [kind, tally] of tallies) expect([kind, tally.missed.length <= tally.mutants * 0.05]).toEqual([kind, true]);
  });
});
