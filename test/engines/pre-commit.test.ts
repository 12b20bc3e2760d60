import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { project, repository } from '../sluice-process.ts';
import { git, openLibrary, writeGitConfig } from '../tagged-library.ts';

/* The hook as users have it: pre-commit itself fetches a tag of ours and runs what is there, without any network. */

const program = join(repository, '.tools/pre-commit/bin/pre-commit');
const ready = existsSync(program);
if (!ready) process.stderr.write('test/engines/pre-commit: not shown, .tools has no pre-commit (see .ci/run)\n');

const page = readFileSync(join(repository, 'docs/validate.md'), 'utf8');
/** shown is the first block of a kind on the page that has a text. */
const shown = (kind: string, text: string): string => [...page.matchAll(new RegExp(`\`\`\`${kind}\\n([^]*?)\`\`\``, 'g'))].map(([, block = '']) => block).find((block) => block.includes(text)) ?? '';

const sound = readFileSync(join(repository, 'examples/support-bot/app/support-bot.yml'), 'utf8');
const broken = sound.replace(/^(\s+target: )\S+$/m, '$1nowhere');
const configuration = 'name: support-bot\nsource: app.yml\nenvironments:\n  staging:\n    dify: https://dify.example.com/app/5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f\n';

let home: string;
let environment: Record<string, string>;
beforeAll(async () => {
  home = await project({});
  const bare = openLibrary(home, ['dist', 'hooks', '.pre-commit-hooks.yaml'], ['v1.0.0', 'v1']);
  writeGitConfig(home, { 'https://github.com/OWNER/sluice': bare });
  // pre-commit gives Git no variable that names another one.
  renameSync(join(home, 'gitconfig'), join(home, '.gitconfig'));
  // The clone that the page begins with.
  execFileSync('git', ['clone', '-q', bare, join(home, 'sluice')]);
  const nowhere = 'http://127.0.0.1:1';
  environment = {
    ...{ PATH: process.env['PATH'] ?? '', HOME: home, PRE_COMMIT_HOME: join(home, 'cache') },
    ...{ http_proxy: nowhere, https_proxy: nowhere, PIP_INDEX_URL: nowhere, npm_config_registry: nowhere },
  };
});

const run = (folder: string, file: string, argv: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<{ readonly code: unknown; readonly said: string }> =>
  new Promise((resolve) => {
    execFile(file, argv, { cwd: folder, env: { ...environment, ...more } }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, said: stdout + stderr }));
  });

const commit = (folder: string, more: Readonly<Record<string, string>> = {}) => run(folder, 'git', ['commit', '-q', '-a', '-m', 'change'], more);

/** bot is a repository with an application, at one commit, and a hook that Git runs. */
const bot = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const folder = await project({ 'sluice.yml': configuration, 'app.yml': sound, ...files });
  git(folder, 'init', '-q');
  git(folder, 'add', '-A');
  git(folder, 'commit', '-q', '-m', 'first');
  return folder;
};

(ready ? describe : describe.skip)('with pre-commit', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await bot({ '.pre-commit-config.yaml': shown('yaml', 'sluice-validate') });
    expect(await run(folder, program, ['install'])).toMatchObject({ code: 0 });
  });

  test('a broken application is not committed, and the line is shown', async () => {
    writeFileSync(join(folder, 'app.yml'), broken);
    const { code, said } = await commit(folder);
    expect(code).toBe(1);
    expect(said).toMatch(/sluice validate\.+Failed/);
    expect(said).toMatch(/error app\.yml:\d+:\d+ [^\n]*nowhere[^\n]* \(dify\/edge-endpoint-missing\)\n +\d+ \| [^\n]*\n> \d+ \| [^\n]*\n +\| +\^\n/);
  });

  test('a mended one is, and nothing is left behind', async () => {
    writeFileSync(join(folder, 'app.yml'), `${sound}\n`);
    const { code, said } = await commit(folder);
    expect([code, said]).toEqual([0, expect.stringMatching(/sluice validate\.+Passed/)]);
    expect(git(folder, 'status', '--porcelain')).toBe('');
  });

  test('a file that is none of ours asks nothing', async () => {
    writeFileSync(join(folder, 'notes.txt'), 'x');
    git(folder, 'add', '-A');
    expect(await commit(folder)).toMatchObject({ code: 0, said: expect.stringMatching(/sluice validate\.+\(no files to check\)Skipped/) });
  });

  test('without Node it says so', async () => {
    const bin = join(await project({}), 'bin');
    mkdirSync(bin);
    for (const name of ['git', 'sh', 'dirname', 'mktemp', 'rm', 'env', 'bash']) symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(bin, name));
    writeFileSync(join(folder, 'app.yml'), broken);
    const { code, said } = await commit(folder, { PATH: bin });
    expect([code, said]).toEqual([1, expect.stringContaining('sluice-validate needs Node.js 20.18.1 or newer on the PATH')]);
  });
});

test('a hook of Git alone, as the page has it, does the same', async () => {
  const folder = await bot({});
  execFileSync('sh', ['-c', shown('sh', '.git/hooks/pre-commit')], { cwd: folder, env: environment, stdio: 'ignore' });
  writeFileSync(join(folder, 'app.yml'), broken);
  expect(await commit(folder)).toMatchObject({ code: 1, said: expect.stringContaining('(dify/edge-endpoint-missing)') });
  writeFileSync(join(folder, 'app.yml'), `${sound}\n`);
  expect(await commit(folder)).toMatchObject({ code: 0 });
});
