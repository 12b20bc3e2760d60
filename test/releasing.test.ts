import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { repository } from './sluice-process.ts';

/* The release of this repository with real git: a bare origin on disk, and a signing key made for these tests. */

const environment = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };

let room = '';
let seed = '';
let origin = '';
let clone = '';
let count = 0;

interface Said {
  readonly code: number | null;
  readonly said: string;
}

const git = (...argv: readonly string[]): string => execFileSync('git', ['-C', clone, ...argv], { env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
const release = (...argv: readonly string[]): Said => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(repository, 'scripts/release.js'), ...argv], { cwd: clone, env: environment, encoding: 'utf8' });
  return { code: status, said: `${stdout}${stderr}` };
};
const write = async (files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(clone, path)), { recursive: true });
    await writeFile(join(clone, path), text);
  }
};

/** sourcesOf are the files of a repository that is about to release a version. */
const sourcesOf = (version: string, changelog = `# Changelog\n\n## [Unreleased]\n\n## [${version}] - 2026-11-21\n\n### Added\n\n- What ${version} adds.\n\n## [0.9.0] - 2026-01-01\n\n- Older.\n`): Readonly<Record<string, string>> => ({
  'package.json': JSON.stringify({ version, scripts: { 'check-dist': 'node check.js' } }),
  'package-lock.json': JSON.stringify({ packages: { '': { version } } }),
  'check.js': 'process.exit(0)',
  'dist/index.js': `console.log('${version}')`,
  'templates/release.yml': `spec:\n  inputs:\n    reference:\n      default: v${version.split('.')[0]}\n`,
  'CHANGELOG.md': changelog,
  LICENSE: 'A licence.\n',
});

const commit = (message: string): string => {
  git('add', '--all');
  git('commit', '--quiet', '--message', message);
  return git('rev-parse', 'HEAD');
};

/** land writes a version, commits it and pushes main. */
const land = async (version: string, changes: Readonly<Record<string, string>> = {}): Promise<string> => {
  await write({ ...sourcesOf(version), ...changes });
  const made = commit(version);
  git('push', '--quiet', 'origin', 'HEAD:main');
  return made;
};

/** freshClone is what another run of the release gets: what origin has, and nothing of the run before. */
const freshClone = (at = 'main'): void => {
  count += 1;
  clone = join(room, `clone-${count}`);
  execFileSync('git', ['clone', '--quiet', '--no-tags', origin, clone], { env: environment, stdio: 'ignore' });
  for (const [name, value] of [['user.name', 'Releases'], ['user.email', 'releases@example.com'], ['gpg.format', 'ssh'], ['user.signingKey', join(room, 'key')], ['commit.gpgSign', 'false']] as const) git('config', name, value);
  git('checkout', '--quiet', at === 'main' ? 'main' : at);
};

const remote = (): Readonly<Record<string, string>> =>
  Object.fromEntries(git('ls-remote', '--tags', 'origin').split('\n').filter((line) => line.endsWith('^{}')).map((line) => [line.slice(51, -3), line.slice(0, 40)]));

const verifies = (tag: string): boolean => {
  git('fetch', '--quiet', 'origin', `+refs/tags/${tag}:refs/tags/${tag}`);
  return spawnSync('git', ['-C', clone, '-c', `gpg.ssh.allowedSignersFile=${join(clone, '.github/allowed_signers')}`, 'verify-tag', tag], { env: environment }).status === 0;
};

const page = readFileSync(join(repository, 'docs/releasing.md'), 'utf8');

/** shownWith gives the block of the page that has a word in it, without its indentation. */
const shownWith = (word: string): string => ([...page.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) => block).find((block) => block.includes(word)) ?? '').replace(/^ {3}/gm, '');

beforeAll(async () => {
  room = await mkdtemp(join(tmpdir(), 'sluice-releasing-'));
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'stranger', '-f', join(room, 'stranger')]);
  seed = join(room, 'seed.git');
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', seed], { env: environment });
  origin = seed;
  freshClone('--orphan=main');
  await write({ '.github/allowed_signers': '# Who may sign.\n' });
  // The key is made as the page says; what `gh` would store is the private half alone.
  await mkdir(join(room, 'bin'));
  await writeFile(join(room, 'bin/gh'), `#!/bin/sh\n[ "$*" = 'secret set RELEASE_SIGNING_KEY --env release' ] && umask 077 && cat > '${join(room, 'key')}'\n`);
  await chmod(join(room, 'bin/gh'), 0o755);
  execFileSync('bash', ['-e', '-c', shownWith('ssh-keygen')], { cwd: clone, env: { ...environment, PATH: `${join(room, 'bin')}:${environment.PATH}` } });
  await land('1.2.3');
});

beforeEach(async () => {
  count += 1;
  origin = join(room, `origin-${count}.git`);
  await cp(seed, origin, { recursive: true });
  freshClone();
});

afterAll(async () => {
  await rm(room, { recursive: true, force: true });
});

describe('a release', () => {
  test('makes a signed tag of the version and moves that of the major, and a second run does nothing', () => {
    const at = git('rev-parse', 'HEAD');
    expect(release('check')).toEqual({ code: 0, said: `v1.2.3 can be released from ${at}\n` });
    expect(release('tag')).toMatchObject({ code: 0, said: expect.stringContaining(`v1.2.3 is ${at}, signed\n`) });
    expect(release('move')).toMatchObject({ code: 0, said: expect.stringContaining('v1 is v1.2.3\n') });
    expect(remote()).toEqual({ v1: at, 'v1.2.3': at });
    expect([verifies('v1'), verifies('v1.2.3')]).toEqual([true, true]);
    const before = git('ls-remote', '--tags', 'origin');

    freshClone();
    expect(release('check').code).toBe(0);
    expect(release('tag')).toMatchObject({ code: 0, said: expect.stringContaining('v1.2.3 is there already\n') });
    expect(release('move')).toMatchObject({ code: 0, said: expect.stringContaining('v1 is v1.2.3 already\n') });
    expect(git('ls-remote', '--tags', 'origin')).toBe(before);
  });

  test('that was killed between its two tags is finished by the next run', async () => {
    expect(release('tag').code).toBe(0);
    const at = git('rev-parse', 'HEAD');
    await land('1.3.0');
    freshClone(at);
    expect(release('tag')).toMatchObject({ code: 0, said: expect.stringContaining('there already') });
    expect(release('move').code).toBe(0);
    expect(remote()).toEqual({ v1: at, 'v1.2.3': at });
  });

  test('that was killed before its tag was pushed begins again, whatever it left in the checkout', () => {
    git('tag', '--annotate', '--message', 'left behind', 'v1.2.3');
    expect(release('tag').code).toBe(0);
    expect(verifies('v1.2.3')).toBe(true);
  });

  test('of the next version moves the major, and a late run of the one before does not move it back', async () => {
    const first = git('rev-parse', 'HEAD');
    for (const command of ['tag', 'move']) expect(release(command).code).toBe(0);
    const second = await land('1.2.10');
    for (const command of ['tag', 'move']) expect(release(command).code).toBe(0);
    expect(remote()).toEqual({ v1: second, 'v1.2.3': first, 'v1.2.10': second });
    freshClone(first);
    expect(release('move')).toMatchObject({ code: 0, said: expect.stringContaining(`v1 is further on (${second}); it stays`) });
    expect(remote()['v1']).toBe(second);
  });

  test('leaves the major where it is when somebody else moved it meanwhile', async () => {
    expect(release('tag').code).toBe(0);
    const other = git('rev-parse', 'refs/tags/v1.2.3');
    // The program that signs is where "meanwhile" is: after what origin has was read, and before the push.
    await write({ '.git/sign': `#!/bin/sh\ngit --git-dir='${origin}' update-ref refs/tags/v1 ${other}\nexec ssh-keygen "$@"\n` });
    await chmod(join(clone, '.git/sign'), 0o755);
    git('config', 'gpg.ssh.program', join(clone, '.git/sign'));
    expect(release('move')).toMatchObject({ code: 1, said: expect.stringContaining('stale info') });
    expect(git('ls-remote', 'origin', 'refs/tags/v1').slice(0, 40)).toBe(other);
  });

  test('never shows a version under the major that has no tag of its own', () => {
    expect(release('move')).toMatchObject({ code: 1, said: expect.stringContaining('refused: v1.2.3 is not there yet') });
    expect(remote()).toEqual({});
  });

  test('does not push a tag that nobody can verify', () => {
    git('config', 'user.signingKey', join(room, 'stranger'));
    expect(release('tag')).toMatchObject({ code: 1, said: expect.stringContaining('refused: the signature of v1.2.3 is by no key of .github/allowed_signers; nothing was pushed') });
    expect(remote()).toEqual({});
    expect(git('tag', '--list')).toBe('');
  });

  test('has an archive with its SHA-256, the same bytes from every checkout', () => {
    const folders = [0, 1].map((number) => {
      freshClone();
      const folder = join(room, `assets-${count}-${number}`);
      expect(release('archive', folder).code).toBe(0);
      return folder;
    });
    const [one = '', other = ''] = folders.map((folder) => readFileSync(join(folder, 'sluice-1.2.3.tar.gz.sha256'), 'utf8'));
    expect(one).toBe(other);
    const checked = (folder: string): number | null => spawnSync('sha256sum', ['-c', 'sluice-1.2.3.tar.gz.sha256'], { cwd: folder }).status;
    expect(checked(folders[0] ?? '')).toBe(0);
    expect(execFileSync('tar', ['-tzf', join(folders[0] ?? '', 'sluice-1.2.3.tar.gz')], { encoding: 'utf8' }).split('\n')).toEqual(expect.arrayContaining(['sluice-1.2.3/dist/index.js', 'sluice-1.2.3/LICENSE', 'sluice-1.2.3/CHANGELOG.md']));
    expect(readFileSync(join(folders[0] ?? '', 'notes.md'), 'utf8')).toBe('### Added\n\n- What 1.2.3 adds.\n');
    execFileSync('sh', ['-c', 'printf x >> sluice-1.2.3.tar.gz'], { cwd: folders[1] });
    expect(checked(folders[1] ?? '')).toBe(1);
  });
});

describe('a release is refused', () => {
  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['when dist/ is not what the sources make', { 'check.js': 'process.exit(1)' }, 'dist/ is not what the sources make'],
    ['when the bundle is of another version', { 'dist/index.js': "console.log('1.2.3')" }, 'dist/index.js names the version 1.2.3, package.json 1.2.4'],
    ['when the lock file is of another version', { 'package-lock.json': '{"packages":{"":{"version":"1.2.3"}}}' }, 'package-lock.json names the version 1.2.3, package.json 1.2.4'],
    ['when the changelog has no entry', { 'CHANGELOG.md': '## [Unreleased]\n\n- Something.\n' }, 'CHANGELOG.md has no dated entry with text for 1.2.4'],
    ['when the entry is empty', { 'CHANGELOG.md': '## [1.2.4] - 2026-11-21\n\n### Added\n\n## [1.2.3] - 2026-11-20\n\n- Something.\n' }, 'CHANGELOG.md has no dated entry with text for 1.2.4'],
    ['when the templates get another major', { 'templates/release.yml': 'spec:\n  inputs:\n    reference:\n      default: v2\n' }, 'templates/ get Sluice at v2, and this release moves v1'],
    ['when the version is none', { 'package.json': '{"version":"1.2.4-rc.1"}' }, 'package.json names "1.2.4-rc.1", which is not a version such as 1.2.3'],
  ])('%s', async (_when, changes, reason) => {
    await land('1.2.4', changes);
    expect(release('check.js' in changes ? 'check' : 'tag')).toMatchObject({ code: 1, said: expect.stringContaining(`refused: ${reason}`) });
  });

  test('when the version is not higher than every released one', async () => {
    for (const command of ['tag', 'move']) expect(release(command).code).toBe(0);
    await land('1.1.9');
    for (const command of ['check', 'tag', 'move']) expect(release(command)).toMatchObject({ code: 1, said: expect.stringContaining('refused: 1.1.9 is not higher than v1.2.3') });
    expect(Object.keys(remote())).toEqual(['v1', 'v1.2.3']);
  });

  test('when the tag is another commit, signed or not', async () => {
    expect(release('tag').code).toBe(0);
    const released = git('rev-parse', 'HEAD');
    await land('1.2.3', { 'more.txt': 'later' });
    for (const command of ['check', 'tag', 'move']) expect(release(command)).toMatchObject({ code: 1, said: expect.stringContaining(`refused: v1.2.3 is another commit already (${released})`) });
    expect(remote()).toEqual({ 'v1.2.3': released });
  });

  test('when the tag is there and nobody can verify it', () => {
    git('tag', '--annotate', '--message', 'by hand', 'v1.2.3');
    git('push', '--quiet', 'origin', 'v1.2.3');
    expect(release('move')).toMatchObject({ code: 1, said: expect.stringContaining('refused: v1.2.3 is there, but no key of .github/allowed_signers signed it') });
  });

  test('from a commit that is not on main, and from a checkout with changes', async () => {
    await write({ 'more.txt': 'not reviewed' });
    expect(release('tag')).toMatchObject({ code: 1, said: expect.stringContaining('refused: the checkout has changes that are not committed') });
    const made = commit('on a branch');
    git('push', '--quiet', 'origin', 'HEAD:a-branch');
    expect(release('tag')).toMatchObject({ code: 1, said: expect.stringContaining(`refused: ${made} is not on main of origin`) });
    expect(remote()).toEqual({});
  });

  test('by a command that does not exist', () => {
    expect(release('publish')).toEqual({ code: 1, said: 'refused: the commands are check, tag, move, archive\n' });
    expect(existsSync(join(clone, 'undefined'))).toBe(false);
  });
});

describe('docs/releasing.md', () => {
  test('changes the version in every place that names it', async () => {
    for (const path of ['package.json', 'package-lock.json', 'packages/cli/src/version.ts']) await write({ [path]: readFileSync(join(repository, path), 'utf8') });
    execFileSync('bash', ['-e', '-c', shownWith('npm version')], { cwd: clone, env: environment, stdio: 'ignore' });
    const named = (path: string): string => readFileSync(join(clone, path), 'utf8');
    const lock = JSON.parse(named('package-lock.json')) as { version: string; packages: Record<string, { version: string }> };
    expect([JSON.parse(named('package.json')), lock, lock.packages['']]).toEqual([0, 1, 2].map(() => expect.objectContaining({ version: '1.0.0' })));
    expect(named('packages/cli/src/version.ts')).toContain("version = '1.0.0';");
  });

  test('explains no message but those that the script or git has', () => {
    const script = readFileSync(join(repository, 'scripts/release.js'), 'utf8');
    const messages = [...page.slice(page.indexOf('## Message')).matchAll(/^\| `([^`]+)`/gm)].map(([, message = '']) => message);
    expect(messages.length).toBeGreaterThan(6);
    expect(messages.filter((message) => !script.includes(message))).toEqual(['stale info']);
  });

  test('has a pipeline that can be read', () => {
    const shown = /```yaml\n([^]*?)```/.exec(page)?.[1] ?? '';
    expect(parse(shown)).toMatchObject({ publish: { release: { tag_name: '$CI_COMMIT_TAG' } } });
  });

  test('mirrors main and the tags with their signatures', async () => {
    for (const command of ['tag', 'move']) expect(release(command).code).toBe(0);
    const mirror = join(room, `mirror-${count}`);
    execFileSync('git', ['init', '--quiet', '--bare', mirror], { env: environment });
    const mirroring = shownWith('clone --mirror').replace('https://github.com/OWNER/sluice', `'${origin}' sluice.git`).replace('https://gitlab.example.com/acme/sluice', `'${mirror}'`);
    const here = await mkdtemp(join(room, 'mirroring-'));
    execFileSync('bash', ['-e', '-c', mirroring], { cwd: here, env: environment, stdio: 'ignore' });
    const tags = (at: string): string => execFileSync('git', ['ls-remote', at], { env: environment, encoding: 'utf8' });
    expect(tags(mirror)).toBe(tags(origin).split('\n').filter((line) => !line.endsWith('HEAD')).join('\n'));
  });
});

test('CHANGELOG.md begins with what is not released yet, and its versions fall', () => {
  const headings = [...readFileSync(join(repository, 'CHANGELOG.md'), 'utf8').matchAll(/^## (.*)$/gm)].map(([, heading = '']) => heading);
  expect(headings[0]).toBe('[Unreleased]');
  const versions = headings.slice(1).map((heading) => /^\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d{2}-\d{2}$/.exec(heading)?.slice(1).map((number) => number.padStart(6, '0')).join() ?? `no version: ${heading}`);
  expect(versions).toEqual([...versions].sort().reverse());
});
