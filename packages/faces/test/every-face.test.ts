import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, describe } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { endingOutputs, type AnyStep } from '@sluice/core';
import { loadStep, stepNames } from '@sluice/steps';

/*
 * The faces as they are committed, read as their engines read them, beside the steps as they are defined: every input and
 * every output in each, no more and no less. Nothing here is made by what makes the faces.
 */

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const files = (folder: string, ending: string): readonly string[] => readdirSync(join(root, folder)).filter((name) => name.endsWith(ending)).map((name) => name.slice(0, -ending.length));

// One after the other: Jest links modules that are imported at the same time wrongly.
const steps: AnyStep[] = [];
for (const name of stepNames) steps.push(await loadStep(name));

const inputsOf = (step: AnyStep): readonly string[] => Object.keys(step.inputs.shape).sort();
const outputsOf = (step: AnyStep): readonly string[] => [...Object.keys(step.outputs), ...Object.keys(endingOutputs)].sort();
const sorted = (names: Iterable<string>): readonly string[] => [...names].sort();

type Table = Readonly<Record<string, unknown>>;
const table = (value: unknown): Table => (typeof value === 'object' && value !== null ? (value as Table) : {});
const at = (value: unknown, ...path: readonly string[]): unknown => path.reduce<unknown>((found, key) => table(found)[key], value);

/** flagsOf are the flags of a script's line, each with the variable that gives its value. */
const flagsOf = (line: unknown): Readonly<Record<string, string>> => Object.fromEntries([...String(line).matchAll(/ --([a-z-]+)="\$([A-Z_]+)"/g)].map(([, flag = '', variable = '']) => [flag, variable]));

const variable = (input: string): string => `SLUICE_INPUT_${input.toUpperCase().replace(/-/g, '_')}`;

/** called is the name of a step in a Jenkinsfile. */
const called = (name: string): string => `sluice${name.replace(/(^|-)(.)/g, (_, __, letter: string) => letter.toUpperCase())}`;

/** namesIn are what a table of a page has in its first column. */
const namesIn = (page: string, head: string): readonly string[] => {
  const [, rows = ''] = new RegExp(`^\\| ${head} \\| description \\|\\n\\| --- \\| --- \\|\\n((?:\\|.*\\n)*)`, 'm').exec(page) ?? [];
  return sorted([...rows.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name));
};

/** minutes reads GitLab's words for a time as it is written in our templates. */
const minutes = (text: unknown): number => Number(/^(\d+) minutes$/.exec(String(text))?.[1]);

test('each step has every face, and no face is of a step that there is not', () => {
  const names = sorted(stepNames);
  expect(sorted(readdirSync(join(root, 'actions'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name))).toEqual(names);
  expect(sorted(files('templates', '.yml'))).toEqual(names);
  expect(sorted(Object.keys(table(parse(read('gitlab/sluice.gitlab-ci.yml')))))).toEqual(sorted(['.sluice', ...names.map((name) => `.sluice-${name}`)]));
  expect(sorted(files('vars', '.txt'))).toEqual(sorted(names.map(called)));
  expect(files('vars', '.groovy')).toEqual(expect.arrayContaining(names.map(called)));
  expect(sorted([...read('docs/steps.md').matchAll(/^## ([a-z-]+)$/gm)].map(([, name = '']) => name))).toEqual(names);
});

describe.each(steps.map((step) => [step.name, step] as const))('%s', (name, step) => {
  test('GitHub: actions/*/action.yml', () => {
    const action: unknown = parse(read(`actions/${name}/action.yml`), { strict: true, uniqueKeys: true });
    expect(sorted(Object.keys(table(at(action, 'inputs'))))).toEqual(inputsOf(step));
    expect(Object.entries(table(at(action, 'outputs'))).map(([output, face]) => [output, at(face, 'value')]).sort()).toEqual(outputsOf(step).map((output) => [output, `\${{ steps.run.outputs.${output} }}`]));
  });

  test("GitLab: the component's inputs all reach the step, its report hands on every output, and the job outlasts the step", () => {
    const [head, jobs] = parseAllDocuments(read(`templates/${name}.yml`), { strict: true, uniqueKeys: true }).map((document) => document.toJS() as unknown);
    const ofJob = ['job', 'stage', 'image', 'timeout', 'repository', 'reference', 'commit', 'auto-stop-in'];
    const inputs = table(at(head, 'spec', 'inputs'));
    expect(sorted(Object.keys(inputs).filter((input) => !ofJob.includes(input)))).toEqual(inputsOf(step));
    for (const job of Object.values(table(jobs))) {
      const flags = flagsOf(at(job, 'script', '0'));
      expect(flags).toEqual(Object.fromEntries(Object.keys(inputs).filter((input) => !ofJob.includes(input)).map((input) => [input, variable(input)])));
      for (const [input, from] of Object.entries(flags)) {
        const removes = input === 'remove' && at(job, 'environment', 'action') === 'stop';
        expect(at(job, 'variables', from)).toEqual({ value: removes ? 'true' : `$[[ inputs.${input} ]]`, expand: false });
      }
      expect(at(job, 'artifacts', 'reports')).toEqual({ dotenv: 'sluice.env', junit: '.sluice/results/junit.xml', codequality: '.sluice/results/gl-code-quality-report.json' });
      // A report of a step alone is one that a GitLab of one's own takes, too.
      expect(outputsOf(step).length).toBeLessThanOrEqual(20);
    }
    expect(minutes(at(inputs, 'timeout', 'default')) * 60_000).toBeGreaterThanOrEqual(step.deadlineMs + 15 * 60_000);
  });

  test('GitLab: what a job may be given by pattern is what the step understands', () => {
    const [head] = parseAllDocuments(read(`templates/${name}.yml`)).map((document) => document.toJS() as unknown);
    const tried = ['', 'true', 'false', 'yes', 'error', 'warning', 'auto', 'start', 'promote', 'abort', 'status', 'set', 'nonsense'];
    for (const input of inputsOf(step)) {
      const pattern = at(head, 'spec', 'inputs', input, 'regex');
      if (pattern === undefined || input === 'environment') continue;
      const takes = (word: string): boolean => word === '' || step.inputs.safeParse({ [input]: word }).success;
      expect([input, tried.filter((word) => new RegExp(String(pattern)).test(word))]).toEqual([input, tried.filter(takes)]);
    }
  });

  test('GitLab before 17: the hidden job', () => {
    const text = read('gitlab/sluice.gitlab-ci.yml');
    const job = at(parse(text), `.sluice-${name}`);
    expect(flagsOf(at(job, 'script', '0'))).toEqual(Object.fromEntries(Object.keys(step.inputs.shape).map((input) => [input, variable(input)])));
    const above = text.slice(0, text.indexOf(`\n.sluice-${name}:\n`)).split('\n\n').at(-1) ?? '';
    expect(sorted([...above.matchAll(/^# (SLUICE_INPUT_[A-Z_]+): \S/gm)].map(([, one = '']) => one))).toEqual(sorted(inputsOf(step).map(variable)));
    expect(minutes(at(job, 'timeout')) * 60_000).toBeGreaterThanOrEqual(step.deadlineMs + 15 * 60_000);
  });

  test('Jenkins: vars/*.groovy and what Jenkins shows of it', () => {
    const groovy = read(`vars/${called(name)}.groovy`);
    expect(groovy).toContain(`return sluiceRun('${name}', inputs)`);
    for (const [text, line] of [[groovy, /^ \* '?([a-z-]+)'?: \S/gm], [read(`vars/${called(name)}.txt`), /^'?([a-z-]+)'?: \S/gm]] as const) {
      expect(sorted([...text.matchAll(line)].map(([, input = '']) => input))).toEqual(inputsOf(step));
    }
  });

  test('docs/steps.md', () => {
    const [head = '', ...sections] = read('docs/steps.md').split(/^## /m);
    const section = sections.find((text) => text.startsWith(`${name}\n`)) ?? '';
    expect(namesIn(section, 'input')).toEqual(inputsOf(step));
    expect(sorted([...namesIn(section, 'output'), ...namesIn(head, 'output of every step')])).toEqual(outputsOf(step));
  });
});
