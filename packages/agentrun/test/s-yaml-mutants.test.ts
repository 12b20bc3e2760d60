import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readYaml, type Finding } from '@sluice/core';
import { parse as parseYaml, stringify } from 'yaml';
import { newProject, type TestProject } from './fixture.ts';
import { mutations, type Document, type Mutation } from './s-yaml-mutator.ts';
import { picker } from '../../../test/picker.ts';

const own = new URL('./s-yaml/', import.meta.url).pathname;
/** SLUICE_SYAML_CORPUS is a folder of other people's files, none of which is kept here. */
const corpus = process.env['SLUICE_SYAML_CORPUS'];

interface Original {
  readonly name: string;
  readonly document: Document;
}

const isAgent = (value: unknown): boolean => typeof value === 'object' && value !== null && 'component' in value && /^agentrun(@|$)/.test(String(value.component));

/** originalsIn are the agents of a folder's files, each in a file of its own; what is no YAML or has no agent is left out. */
const originalsIn = (folder: string): readonly Original[] =>
  readdirSync(folder).flatMap((name): readonly Original[] => {
    const text = readFileSync(join(folder, name), 'utf8');
    if (!readYaml(name, text).ok) return [];
    const document = parseYaml(text) as Document;
    return Object.entries(document.resources ?? {}).filter(([, resource]) => isAgent(resource) && typeof resource.props?.agent === 'object').map(([id, resource]) => ({ name: `${name} ${id}`, document: { ...document, resources: { [id]: resource } } }));
  });

let project: TestProject;
beforeAll(() => {
  project = newProject();
});
afterAll(() => project.remove());

const write = (document: Document): string => stringify(document, { aliasDuplicateObjects: false });
const findingsOf = (document: Document): readonly Finding[] => project.parse(write(document)).findings;
const words = ({ rule, message }: Finding): string => `${rule} ${message}`;

interface Tally {
  mutants: number;
  readonly missed: string[];
}

const tried = (mutation: Mutation, { name, document }: Original, seed: number, before: ReadonlySet<string>, tally: Tally): void => {
  const mutant = structuredClone(document);
  if (!mutation.apply(mutant, picker(seed)) || write(mutant) === write(document)) return;
  tally.mutants += 1;
  const found = findingsOf(mutant).some((finding) => finding.rule === `agentrun/${mutation.rule}` && !before.has(words(finding)));
  if (!found) tally.missed.push(`${name}: ${mutation.kind} (${seed})`);
};

/** mutantsOf tries every kind at `seeds` places of each file. */
const mutantsOf = (originals: readonly Original[], seeds: number) => {
  const tallies = mutations.map(({ kind }) => ({ kind, mutants: 0, missed: [] as string[] }));
  for (const original of originals) {
    const before = new Set(findingsOf(original.document).map(words));
    for (const [number, mutation] of mutations.entries()) {
      const tally = tallies[number];
      for (let seed = 0; tally !== undefined && seed < seeds; seed += 1) tried(mutation, original, number * 1000 + seed, before, tally);
    }
  }
  const missed = tallies.flatMap((one) => one.missed);
  const mutants = tallies.reduce((sum, one) => sum + one.mutants, 0);
  const kinds = tallies.filter((one) => one.mutants > 0).length;
  if (process.env['SLUICE_SHOW'] !== undefined) process.stdout.write(`${mutants} mutants of ${kinds} kinds, missed ${missed.length}\n${missed.join('\n')}\n`);
  return { mutants, missed, kinds, tallies };
};

test('there are at least 25 kinds of mutations, each with a name of its own', () => {
  expect(new Set(mutations.map(({ kind }) => kind)).size).toBe(mutations.length);
  expect(mutations.length).toBeGreaterThanOrEqual(25);
});

describe('own files', () => {
  test.each(readdirSync(own))('%s has no findings', (name) => {
    const { source, findings } = project.parse(readFileSync(join(own, name), 'utf8'));
    expect(findings).toEqual([]);
    expect(source).toBeDefined();
  });

  test('every harmful change of them is found by the rule that is meant for it', () => {
    const { mutants, missed, kinds } = mutantsOf(originalsIn(own), 3);
    expect(missed).toEqual([]);
    expect(kinds).toBe(mutations.length);
    expect(mutants).toBeGreaterThanOrEqual(400);
  }, 60_000);
});

(corpus === undefined ? describe.skip : describe)(corpus === undefined ? 'real files (not shown: SLUICE_SYAML_CORPUS is not set)' : 'real files', () => {
  test('at least 99 of 100 harmful changes are found by the rule that is meant for them', () => {
    const { mutants, missed, kinds } = mutantsOf(originalsIn(corpus ?? ''), 2);
    expect(kinds).toBeGreaterThanOrEqual(25);
    expect(missed.length / mutants).toBeLessThanOrEqual(0.01);
  }, 600_000);
});
