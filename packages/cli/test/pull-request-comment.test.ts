import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { failed, type CommentSection, type Host, type Outcome } from '@sluice/core';
import { loadStep, type StepName } from '@sluice/steps';
import { inCi, quietHost } from '../../../test/quiet-host.ts';
import { runStepCommand } from '../src/step-command.ts';

const example = new URL('../../../examples/support-bot/app/support-bot.yml', import.meta.url);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-comment-'));
  await mkdir(join(folder, 'bot'));
  await writeFile(join(folder, 'bot', 'app.yml'), await readFile(example, 'utf8'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const good = 'name: support-bot\nsource: app.yml\nenvironments:\n  staging:\n    branches: [main]\n    dify: https://dify.example.com/app/00000000-0000-4000-8000-000000000000/workflow\n';

interface Run {
  readonly step?: StepName;
  readonly config?: string;
  readonly flags?: Readonly<Record<string, string>>;
  readonly host?: Partial<Host>;
  readonly outcome?: Outcome<void>;
}

const request = { ...inCi, commit: 'abcdef0'.padEnd(40, '1'), pullRequest: { number: 12, fork: false } };

/** ran runs a step of a pull request and gives what was to be commented. */
const ran = async ({ step = 'validate', config = good, flags = {}, host = {}, outcome = { ok: true, value: undefined } }: Run) => {
  await writeFile(join(folder, 'bot', 'sluice.yml'), config);
  const [sections, warnings]: [CommentSection[], string[]] = [[], []];
  const comment = (section: CommentSection): Promise<Outcome<void>> => {
    sections.push(section);
    return Promise.resolve(outcome);
  };
  const { signal } = new AbortController();
  const result = await runStepCommand(
    quietHost(folder, { context: request, comment, warn: (line) => warnings.push(line), ...host }),
    await loadStep(step),
    { flags, positionals: [join(folder, 'bot')], json: false, dryRun: false, help: false },
    { signal, connection: signal },
  );
  return { result, sections, warnings };
};

test('a pull request reads how a step ended, of which commit, and where the log is', async () => {
  const { sections } = await ran({});
  expect(sections).toEqual([{ marker: expect.stringMatching(/bot\/sluice\.yml$/), section: 'validate', markdown: expect.stringMatching(/^\*\*validate\*\*: passed for abcdef0, \[log\]\(https:\/\/ci\.example\.com\/runs\/1\)\n\n.*nothing found; 2 environment checks were not made\\: nothing is asked for pull requests$/) }]);
});

test('an environment that was named is a section of its own', async () => {
  const { sections } = await ran({ flags: { environment: 'staging' } });
  expect(sections.map(({ section, markdown }) => [section, markdown.split('\n')[0]?.slice(0, 34)])).toEqual([['validate staging', '**validate** (staging): passed for']]);
});

test('a configuration that cannot be read is in the same comment, so that no pass from before stays there', async () => {
  const [good_, broken] = [await ran({}), await ran({ config: 'name: [' })];
  expect(broken.sections.map(({ marker, section }) => [marker, section])).toEqual(good_.sections.map(({ marker, section }) => [marker, section]));
  expect(broken.sections[0]?.markdown).toMatch(/^\*\*validate\*\*: error for abcdef0/);
});

test('a comment that is refused is a warning, and the step ends as it did', async () => {
  const { result, warnings } = await ran({ outcome: failed({ category: 'permission', reason: 'GitHub refused the call', hint: 'Give the job the right.' }) });
  expect([result.category, warnings]).toEqual(['passed', ['the comment on the pull request was not written: GitHub refused the call. Give the job the right.']]);
});

test.each<[string, Run]>([
  ['a push', { host: { context: inCi } }],
  ['a dry run', { flags: { 'dry-run': 'true' } }],
  ['a step that pull requests do not run', { step: 'deploy', flags: { environment: 'staging' } }],
  ['a step that was skipped', { step: 'plan' }],
])('%s comments nothing', async (_, run) => {
  expect((await ran(run)).sections).toEqual([]);
});

test('no secret is in it, also none that was parted by a control character', async () => {
  const redact = (text: string): string => text.replaceAll('s3-cret', '***');
  const { sections } = await ran({ host: { redact }, config: `${good.replace('staging:', '"s3-\\u0007cret":')}` });
  expect(sections).toHaveLength(1);
  expect(sections[0]?.markdown.replaceAll('\\', '')).not.toContain('s3-cret');
});
