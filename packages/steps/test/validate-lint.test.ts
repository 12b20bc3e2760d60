import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Finding, PullRequest, StepResult } from '@sluice/core';
import { loadStep } from '@sluice/steps';
import { atTerminal, quietHost } from '../../../test/quiet-host.ts';
import { runStepCommand } from '../../cli/src/step-command.ts';

const example = new URL('../../../examples/support-bot/app/support-bot.yml', import.meta.url);
/** key is written in two parts, so that no scanner takes this file for a leak. */
const key = ['sk', 'q7Rk2mZx9LpW4vTs8BnY3cHd6FgJ1aQe'].join('-');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-lint-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ran {
  readonly result: StepResult;
  readonly found: readonly Finding[];
}

const ran = async (lint: string, change: (text: string) => string, pullRequest?: PullRequest): Promise<Ran> => {
  const config = join(folder, 'sluice.yml');
  await writeFile(join(folder, 'app.yml'), change(await readFile(example, 'utf8')));
  await writeFile(config, `name: bot\nsource: app.yml\n${lint}environments:\n  staging:\n    branches: [main]\n    dify: https://dify.example.com/app/5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f\n`);
  const found: Finding[] = [];
  const host = quietHost(folder, {
    context: { ...atTerminal, ...(pullRequest === undefined ? {} : { pullRequest }) },
    environment: { PATH: process.env['PATH'] },
    annotate: (finding) => found.push(finding),
  });
  const { signal } = new AbortController();
  const result = await runStepCommand(host, await loadStep('validate'), { flags: {}, positionals: [config], json: false, dryRun: false, help: false }, { signal, connection: signal });
  return { result, found };
};

const leaking = (comment: string) => (text: string): string => text.replace(/opening_statement: .*/, `opening_statement: Use ${key}${comment}`);
const idsOf = ({ found }: Ran): readonly string[] => found.map(({ rule, severity }) => `${rule} ${severity}`);
const fork: PullRequest = { number: 7, fork: true };

describe('the CI files beside the application', () => {
  const release = "node {\n  // why\n  sluiceRelease(environment: 'staging')\n  sh 'curl -f https://bot.example.com || echo bad'\n}\n";
  afterEach(() => rm(join(folder, 'Jenkinsfile'), { force: true }));

  test.each<[string, string, string, readonly string[]]>([
    ['are looked at', '', release, ['pipeline/no-concurrency warning 3', 'pipeline/check-cannot-fail warning 4']],
    ['by the severities of sluice.yml', 'lint: { rules: { pipeline/no-concurrency: off, pipeline/check-cannot-fail: error } }\n', release, ['pipeline/check-cannot-fail error 4']],
    ['and by comments', '', release.replace('// why', '// sluice-disable pipeline/no-concurrency -- a lock in Jenkins itself'), ['pipeline/check-cannot-fail warning 4']],
    ['a rule that is not there', 'lint: { rules: { pipeline/no-concurency: off } }\n', '', ['config/unknown-rule error 3']],
  ])('%s', async (_name, lint, jenkinsfile, wanted) => {
    await writeFile(join(folder, 'Jenkinsfile'), jenkinsfile);
    const { result, found } = await ran(lint, (text) => text);
    expect(found.map(({ rule, severity, place }) => `${rule} ${severity} ${place.line ?? 0}`)).toEqual(wanted);
    expect(result.category).toBe(wanted.some((one) => one.includes(' error ')) ? 'gate' : 'passed');
  });
});

describe('lint in sluice.yml', () => {
  test('the example has no findings', async () => {
    expect(idsOf(await ran('', (text) => text))).toEqual([]);
  });

  test.each<[string, string, string, PullRequest | undefined, readonly string[]]>([
    ['a secret', '', '', undefined, ['dify/secret-plain error']],
    ['a secret that the branch accepts', 'lint: { rules: { dify/secret-plain: warning } }\n', '', undefined, ['dify/secret-plain warning']],
    ['a secret that a comment accepts', '', ' # sluice-disable dify/secret-plain -- a key of the sandbox', undefined, []],
    ['a comment without a reason', '', ' # sluice-disable dify/secret-plain', undefined, ['dify/secret-plain error', 'config/disable-without-reason error']],
    ['a secret that a pull request accepts by sluice.yml', 'lint: { rules: { dify/secret-plain: off } }\n', '', fork, ['config/locked-rule warning', 'dify/secret-plain error']],
    ['a secret that a pull request accepts by a comment', '', ' # sluice-disable dify/secret-plain -- a key of the sandbox', fork, ['dify/secret-plain error']],
    ['a rule that is not there', 'lint: { rules: { dify/secret-plane: off } }\n', ' # sluice-disable dify/secret-plain -- a key of the sandbox', undefined, ['config/unknown-rule error']],
  ])('%s', async (_name, lint, comment, pullRequest, wanted) => {
    const { result, found } = await ran(lint, leaking(comment), pullRequest);
    expect([...idsOf({ result, found })].sort()).toEqual([...wanted].sort());
    expect(result.category).toBe(wanted.some((one) => one.endsWith(' error')) ? 'gate' : 'passed');
    expect(JSON.stringify([result, found])).not.toContain(key);
  });

  test('models', async () => {
    const { result, found } = await ran('lint: { models: [none-at-all] }\n', (text) => text);
    expect(result.category).toBe('gate');
    expect(found.every(({ rule }) => rule === 'dify/model-not-allowed')).toBe(true);
  });

  test('a severity that is none is refused with its line', async () => {
    const { result } = await ran('lint: { rules: { dify/cycle: never } }\n', (text) => text);
    expect(result).toMatchObject({ category: 'input', reason: expect.stringContaining('lint > rules > dify/cycle') });
  });
});
