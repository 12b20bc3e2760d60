import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Finding } from '@sluice/core';
import { detectHost } from '@sluice/hosts';
import { loadStep } from '@sluice/steps';
import { runStepCommand } from '../../cli/src/step-command.ts';
import { countText, gravestFirst, shownOf } from '../src/validate-shown.ts';

const example = await readFile(new URL('../../../examples/support-bot/app/support-bot.yml', import.meta.url), 'utf8');
const page = await readFile(new URL('../../../docs/validate.md', import.meta.url), 'utf8');
/** key is written in two parts, so that no scanner takes this file for a leak. */
const key = ['sk', 'q7Rk2mZx9LpW4vTs8BnY3cHd6FgJ1aQe'].join('-');

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'sluice-shown-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** said is what validate writes about a project, run in the folder above it. */
const said = async (files: Readonly<Record<string, string>>, name = 'sluice.yml'): Promise<string> => {
  const folder = await mkdtemp(join(home, 'p-'));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const written: string[] = [];
  const writer = { write: (text: string, done?: () => void) => (written.push(text), done?.()) };
  const host = await detectHost({ PATH: process.env['PATH'] }, { stdout: writer, stderr: writer }, { folder });
  const { signal } = new AbortController();
  await runStepCommand(host, await loadStep('validate'), { flags: {}, positionals: [join(folder, name)], json: false, dryRun: false, help: false }, { signal, connection: signal });
  // A path is written in its shorter form, which depends on where the tests run.
  return written.join('').replaceAll(`${folder}/`, '').replaceAll(`${relative(process.cwd(), folder)}/`, '');
};

const configuration = 'name: support-bot\nsource: app/support-bot.yml\nenvironments:\n  staging:\n    dify: https://dify.example.com/app/5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f\n';
const project = (app: string, more: Readonly<Record<string, string>> = {}) => ({ 'sluice.yml': configuration, 'app/support-bot.yml': app, ...more });
const nowhere = (text: string): string => text.replace(/target: .*/, 'target: nowhere');

test('what the page shows is what is said', async () => {
  const shown = /```text\n([^]*?)```/.exec(page)?.[1] ?? '-';
  expect(await said(project(nowhere(example)))).toContain(shown);
});

test('where there is no sluice.yml, other ways are said', async () => {
  expect(await said({})).toMatch(/sluice\.yml does not exist\n[^]*\n +next: Run in the folder that holds it, or name it[^\n]*`validate app\/bot\.yml`/);
});

test('an s.yaml that is named in place of sluice.yml is told as that, once', async () => {
  const text = await said({ 's.prod.yaml': 'edition: 3.0.0\nname: agent\nresources: { agent: { component: agentrun } }\n' }, 's.prod.yaml');
  expect(text).toMatch(/validate error in [^\n]*: s\.prod\.yaml is an s\.yaml, not a sluice\.yml\n[^]*\n +next: Write a sluice\.yml beside it, with source: s\.prod\.yaml /);
  expect(text).not.toContain('unknown');
});

describe('a secret is in nothing that is said', () => {
  const lines = example.split('\n');
  const texts = lines.flatMap((line, index) => (/^\s+(?:title|text|opening_statement|description|label|answer): \S/.test(line) && !/[|>]-?$/.test(line) ? [index] : []));
  test.each<[string, (value: string) => readonly string[]]>([
    ['plain', (start) => [`${start} ${key}`]],
    ['in a block of text', (start) => [`${start} |`, `${' '.repeat(start.search(/\S/) + 2)}Use this:`, '', `${' '.repeat(start.search(/\S/) + 2)}${key}`]],
    ['in quotes over lines', (start) => [`${start} "Use`, `${' '.repeat(start.search(/\S/) + 2)}${key}"`]],
  ])('%s, wherever it is planted, with what else is wrong there', async (_, plant) => {
    expect(texts.length).toBeGreaterThan(5);
    for (const at of texts.slice(0, 12)) {
      const start = /^\s+\w+:/.exec(lines[at] ?? '')?.[0] ?? '';
      const text = await said(project(nowhere([...lines.slice(0, at), ...plant(start), ...lines.slice(at + 1)].join('\n'))));
      expect(text).toContain('dify/secret-plain');
      expect(text).toContain('^');
      expect(text).not.toContain(key);
    }
  });

  test('also where a comment switches its rule off, and in a CI file', async () => {
    const off = nowhere(example).replace(/^(edges|\s+edges):/m, `$1: # ${key} sluice-disable dify/secret-plain -- known`);
    const jenkinsfile = `node {\n  sluiceRelease(environment: 'staging')\n  sh 's config add --AccessKeyID LTAI5tXk9bQm2vWn8sRd4yHc --AccessKeySecret ${key}'\n  sh 'curl -f https://bot.example.com || echo bad'\n}\n`;
    const text = await said(project(off, { Jenkinsfile: jenkinsfile }));
    expect(text).toContain('(pipeline/keys-in-arguments)');
    for (const secret of [key, 'LTAI5tXk9bQm2vWn8sRd4yHc']) expect(text).not.toContain(secret);
  });
});

describe('many findings', () => {
  const finding = (index: number, severity: Finding['severity'], file = 'a.yml'): Finding => ({ rule: 'dify/cycle', severity, message: 'm', place: { file, line: index } });
  const many = [...Array.from({ length: 400 }, (_, index) => finding(400 - index, 'warning')), finding(7, 'error', 'b.yml'), finding(3, 'error', 'b.yml'), finding(9, 'notice')];

  test('are fifty, the errors among them, by file and line', () => {
    const shown = shownOf(many);
    expect(shown).toHaveLength(50);
    expect(shown.slice(-2).map(({ place }) => `${place.file}:${place.line ?? 0}`)).toEqual(['b.yml:3', 'b.yml:7']);
    expect(shown.map(({ place }) => place.line)).toEqual([...shown.slice(0, 48).map(({ place }) => place.line ?? 0).toSorted((one, other) => one - other), 3, 7]);
  });

  test('end the step with the gravest: a secret, then the error that a log shows first', () => {
    const secret = { ...finding(90, 'error', 'c.yml'), rule: 'dify/secret-plain' };
    const grave = gravestFirst({ findings: [...many, secret], secretRules: new Set(['dify/secret-plain']) });
    expect(grave.slice(0, 4).map(({ place }) => `${place.file}:${place.line ?? 0}`)).toEqual(['c.yml:90', 'b.yml:3', 'b.yml:7', 'a.yml:1']);
  });

  test('are counted', () => {
    expect(countText(many)).toBe('2 errors, 400 warnings, 1 notice in 2 files');
    expect(countText([finding(1, 'error')])).toBe('1 error in 1 file');
  });
});
