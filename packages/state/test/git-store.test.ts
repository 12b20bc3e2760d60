import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCommandRunner, emptyRecord } from '@sluice/core';
import { branch, full, git, openWorld, serve, valueOf, watched, type GitServer, type World } from './git-world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const { application, environment } = full;

describe('a branch as a store', () => {
  test('begins with the first write, gives back what was written, and says in its history who did what and where', async () => {
    const store = world.store();
    expect(await store.read(application, environment)).toEqual({ ok: true, value: undefined });
    const first = valueOf(await store.write(full, undefined));
    expect(await world.store().read(application, environment)).toEqual({ ok: true, value: { record: full, revision: first } });
    const { lease: _lease, ...free } = full;
    const entry = { version: 'v2', name: '二', digest: 'sha256:2', commit: 'c0ffee', verdict: 'passed' as const, at: '', actor: '安', runUrl: '', reason: 'released' };
    const second = valueOf(await store.write({ ...free, history: [entry] }, first));
    expect(second).not.toBe(first);
    expect(world.log()).toEqual(['production: v2 passed: released', 'production: stable v1']);
    const [body] = world.log('%an%n%B').join('\n').split('[skip ci]');
    expect(body).toMatch(/^安\n/);
    for (const line of ['- lease given back', 'Application: 客服机器人/0b9c', 'Actor: 安', 'Run: https://ci.example.com/runs/7', 'Commit: c0ffee']) expect(body).toContain(line);
  });

  test.each([['no revision', undefined], ['another revision', 'f00']])('refuses %s where a record is', async (_name, revision) => {
    const store = world.store();
    valueOf(await store.write(full, undefined));
    expect(await world.store().write(full, revision)).toMatchObject({ ok: false, problem: { category: 'conflict', where: expect.stringContaining(branch) } });
    expect(world.log()).toHaveLength(1);
  });

  test('of many runs that write the same record, one wins', async () => {
    const base = valueOf(await world.store().write(full, undefined));
    const writes = await Promise.all(Array.from({ length: 4 }, (_, index) => world.store().write({ ...full, lease: { holder: `run ${index}`, until: 1 } }, base)));
    expect(writes.filter(({ ok }) => ok)).toHaveLength(1);
    expect(writes.filter((written) => !written.ok && written.problem.category === 'conflict')).toHaveLength(3);
    expect(world.log()).toHaveLength(2);
  });

  test('runs on different environments write at once, and none loses what the other wrote', async () => {
    const names = ['staging', 'production', 'canary', '预发'];
    const writes = await Promise.all(names.map((name) => world.store().write({ ...full, environment: name }, undefined)));
    expect(writes.map(({ ok }) => ok)).toEqual(names.map(() => true));
    for (const name of names) expect(await world.store().read(application, name)).toMatchObject({ value: { record: { environment: name } } });
    expect(git(['--git-dir', world.bare, 'ls-tree', '--name-only', branch]).trim().split('\n')).toHaveLength(names.length);
  });

  test('leaves the other files of the branch as they are', async () => {
    valueOf(await world.store().write(full, undefined));
    const clone = join(world.folder, 'clone');
    git(['clone', '--quiet', '--branch', branch, world.bare, clone]);
    await writeFile(join(clone, 'README.md'), 'by hand');
    await mkdir(join(clone, 'folder'));
    await writeFile(join(clone, 'folder', '文件'), 'by hand');
    git(['add', '.'], clone);
    git(['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '-m', 'by hand'], clone);
    git(['push', '--quiet'], clone);
    const store = world.store();
    const { revision } = valueOf(await store.read(application, environment)) ?? { revision: '' };
    valueOf(await store.write(full, revision));
    expect(git(['--git-dir', world.bare, '-c', 'core.quotePath=false', 'ls-tree', '-r', '--name-only', branch])).toMatch(/^README\.md\nfolder\/文件\n/);
  });

  test('fetches the newest commit alone, and leaves a shallow checkout as it is', async () => {
    const work = join(world.folder, 'work');
    const app = join(world.folder, 'app');
    git(['init', '--quiet', '--initial-branch=main', app]);
    for (const word of ['one', 'two']) {
      await writeFile(join(app, 'app.yml'), word);
      git(['add', '.'], app);
      git(['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '-m', word], app);
    }
    git(['push', '--quiet', world.bare, 'main'], app);
    git(['clone', '--quiet', '--depth=1', '--branch=main', `file://${world.bare}`, work]);
    await writeFile(join(work, 'app.yml'), 'changed, not committed');
    const all = async (folder: string): Promise<Record<string, string>> =>
      Object.fromEntries(await Promise.all((await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(async (entry) => [join(entry.parentPath, entry.name), (await readFile(join(entry.parentPath, entry.name))).toString('hex')])));
    const before = await all(work);
    const came = process.cwd();
    process.chdir(work);
    const seen: { argv: readonly string[]; environment: Readonly<Record<string, string>> }[] = [];
    const store = world.store({ address: `file://${world.bare}`, commands: watched(world.home, seen) });
    try {
      const revision = valueOf(await store.write(full, undefined));
      valueOf(await world.store().write({ ...full, history: [] }, revision));
      valueOf(await store.read(application, environment));
    } finally {
      process.chdir(came);
    }
    expect(await all(work)).toEqual(before);
    const folder = seen.at(-1)?.argv[1]?.replace('--git-dir=', '') ?? '';
    expect(git(['--git-dir', folder, 'rev-list', '--count', 'refs/sluice/tip']).trim()).toBe('1');
    await store.close?.();
    expect(await readdir(tmpdir())).not.toContain(folder.split('/').at(-1));
  });

  test.each<[string, (clone: string, file: string) => Promise<unknown>]>([
    ['a byte', async (clone, file) => writeFile(join(clone, file), (await readFile(join(clone, file), 'utf8')).replace('run 7', 'run 8'))],
    ['the file by a link', async (clone, file) => {
      git(['rm', '--quiet', file], clone);
      await symlink('/etc/hostname', join(clone, file));
    }],
    ['the encoding', async (clone, file) => writeFile(join(clone, file), Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), await readFile(join(clone, file))]))],
  ])('refuses a record when somebody changed %s', async (_name, change) => {
    valueOf(await world.store().write(full, undefined));
    const clone = join(world.folder, 'clone');
    git(['clone', '--quiet', '--branch', branch, world.bare, clone]);
    const [file = ''] = (await readdir(clone)).filter((one) => one.endsWith('.json'));
    await change(clone, file);
    git(['add', '.'], clone);
    git(['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '-m', 'mine'], clone);
    git(['push', '--quiet'], clone);
    expect(await world.store().read(application, environment)).toMatchObject({ ok: false, problem: { category: 'input', where: expect.stringContaining(branch) } });
  });
});

describe('a server that is in the way', () => {
  test('a hook that refuses is a permission problem with its own words, and nothing is written', async () => {
    await world.hook('pre-receive', 'echo "策略: pushes to sluice-state need a ticket" >&2; exit 1');
    const refused = await world.store().write(full, undefined);
    expect(refused).toMatchObject({ ok: false, problem: { category: 'permission', reason: expect.stringContaining('策略: pushes to sluice-state need a ticket'), hint: expect.stringContaining('Add these lines.') } });
    expect(git(['--git-dir', world.bare, 'branch', '--list']).trim()).toBe('');
  });

  test('a hook that takes two seconds is waited for', async () => {
    await world.hook('pre-receive', 'sleep 2');
    const started = performance.now();
    valueOf(await world.store().write(full, undefined));
    expect(performance.now() - started).toBeGreaterThan(1900);
  });

  /** racing pushes another commit once, from inside the hook, before the server takes ours. */
  const racing = async (environmentName: string): Promise<void> => {
    const other = world.store();
    valueOf(await other.write({ ...full, environment: environmentName }, undefined));
    const found = valueOf(await other.read(application, environmentName));
    valueOf(await other.write({ ...full, environment: environmentName, lease: { holder: 'the other', until: 1 } }, found?.revision));
    const newest = git(['--git-dir', world.bare, 'rev-parse', branch]).trim();
    git(['--git-dir', world.bare, 'update-ref', 'refs/hidden/newest', newest]);
    git(['--git-dir', world.bare, 'update-ref', `refs/heads/${branch}`, `${newest}~1`]);
    await world.hook('pre-receive', `test -f raced && exit 0\ntouch raced\nunset GIT_QUARANTINE_PATH\nexec git update-ref refs/heads/${branch} ${newest}`);
  };

  test('another commit in between, of another environment: the write begins anew and both are there', async () => {
    await racing('staging');
    valueOf(await world.store().write(full, undefined));
    expect(await readdir(world.bare)).toContain('raced');
    expect(await world.store().read(application, 'staging')).toMatchObject({ value: { record: { lease: { holder: 'the other' } } } });
    expect(await world.store().read(application, environment)).toMatchObject({ value: { record: full } });
    expect(world.log()).toHaveLength(3);
  });

  test('another commit in between, of this environment: a conflict, and the other one stays', async () => {
    await racing(environment);
    const store = world.store();
    const { revision } = valueOf(await store.read(application, environment)) ?? { revision: '' };
    expect(await store.write({ ...full, lease: { holder: 'mine', until: 1 } }, revision)).toMatchObject({ ok: false, problem: { category: 'conflict' } });
    expect(await readdir(world.bare)).toContain('raced');
    expect(await world.store().read(application, environment)).toMatchObject({ value: { record: { lease: { holder: 'the other' } } } });
  });

  test('a push whose answer is lost is looked up: it was taken, and is not sent again', async () => {
    const seen: { argv: readonly string[]; environment: Readonly<Record<string, string>> }[] = [];
    const runner = watched(world.home, seen);
    let lost = 0;
    const commands = {
      run: async (...call: Parameters<typeof runner.run>) => {
        const answered = await runner.run(...call);
        if (!call[0].argv.includes('push')) return answered;
        lost += 1;
        return { ok: true as const, value: { code: 128, stdout: '', stderr: 'fatal: the remote end hung up unexpectedly\n' } };
      },
    };
    valueOf(await world.store({ commands }).write(full, undefined));
    expect({ lost, commits: world.log().length }).toEqual({ lost: 1, commits: 1 });
  });

  test('a push that never arrived is sent again, once it is seen not to be there', async () => {
    const runner = watched(world.home, []);
    let lost = 0;
    const commands = {
      run: async (...call: Parameters<typeof runner.run>) => {
        if (!call[0].argv.includes('push') || lost > 0) return runner.run(...call);
        lost += 1;
        return { ok: true as const, value: { code: 128, stdout: '', stderr: 'fatal: unable to access: Connection reset by peer\n' } };
      },
    };
    valueOf(await world.store({ commands }).write(full, undefined));
    expect(world.log()).toHaveLength(1);
  });

  test('one that does not answer ends at the deadline, and the store can be used afterwards', async () => {
    await world.hook('pre-receive', 'sleep 20');
    const store = world.store({ callMs: 700, operationMs: 1500 });
    const started = performance.now();
    expect(await store.write(full, undefined)).toMatchObject({ ok: false, problem: { category: 'timeout' } });
    expect(performance.now() - started).toBeLessThan(8000);
    await world.hook('pre-receive', 'exit 0');
    const again = world.store();
    const found = valueOf(await again.read(application, environment));
    valueOf(await again.write(full, found?.revision));
  });

  test.each([
    ['no repository', 'nothing.git', 'permission', /no repository/],
    ['nobody listens', 'http://127.0.0.1:9/bot.git', 'platform', /did not answer/],
    ['no address', '--upload-pack=touch /tmp/owned', 'input', /none that git may use/],
    ['a program', 'ext::sh -c true', 'input', /none that git may use/],
  ])('%s', async (_name, address, category, reason) => {
    const store = world.store({ address: address === 'nothing.git' ? join(world.folder, address) : address });
    for (const outcome of [await store.prove(), await store.read(application, environment), await store.write(full, undefined)]) {
      expect(outcome).toMatchObject({ ok: false, problem: { category, reason: expect.stringMatching(reason), where: expect.any(String) } });
    }
  }, 20_000);
});

describe('over http', () => {
  const [writer, reader] = ['writer-5f0c9a', 'reader-77d1e2'];
  let server: GitServer;
  beforeEach(async () => {
    server = await serve(world.folder, { writer, reader });
  });
  afterEach(() => server.close());

  const address = (): string => `${server.origin}/bare.git`;
  const as = (password: string) => ({ username: 'x-access-token', password });

  test('credentials reach the server by the environment alone, whether given or in the address', async () => {
    const seen: { argv: readonly string[]; environment: Readonly<Record<string, string>> }[] = [];
    const given = world.store({ address: address(), credentials: as(writer), commands: watched(world.home, seen) });
    expect(await given.prove()).toMatchObject({ ok: true });
    const revision = valueOf(await given.write(full, undefined));
    const inAddress = world.store({ address: address().replace('//', `//someone:${writer}@`), commands: watched(world.home, seen) });
    valueOf(await inAddress.write({ ...full, history: [] }, revision));
    expect(inAddress.where).not.toContain(writer);
    expect(JSON.stringify(seen.map(({ argv }) => argv))).not.toContain(writer);
    const folder = seen.at(-1)?.argv[1]?.replace('--git-dir=', '') ?? '';
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) expect((await readFile(join(entry.parentPath, entry.name))).includes(writer)).toBe(false);
    }
  });

  test.each([
    ['that may only read', reader],
    ['that nobody knows', 'wrong-01aa'],
  ])('a token %s is found out before anything changes, with the lines to add', async (_name, password) => {
    const store = world.store({ address: address(), credentials: as(password) });
    for (const outcome of [await store.prove(), await store.write(full, undefined)]) {
      expect(outcome).toMatchObject({ ok: false, problem: { category: 'permission', hint: 'Add these lines.' } });
      expect(JSON.stringify(outcome)).not.toContain(password);
    }
  });

  test.each<[number | 'hangs', string]>([[503, 'platform'], ['hangs', 'timeout']])('a server that answers %s is unreachable', async (failure, category) => {
    const store = world.store({ address: address(), credentials: as(writer), callMs: 1000, operationMs: 2500 });
    valueOf(await store.write(full, undefined));
    server.fail(failure);
    expect(await store.read(application, environment)).toMatchObject({ ok: false, problem: { category } });
    server.fail(undefined);
    expect(await store.read(application, environment)).toMatchObject({ ok: true, value: { record: full } });
  });

  test('other credentials of the machine stay at home', async () => {
    await writeFile(join(world.home, '.gitconfig'), `[credential]\n\thelper = "!echo username=x; echo password=${writer}; touch ${join(world.folder, 'asked')}"\n[core]\n\thooksPath = ${join(world.folder, 'hooks')}\n`);
    await mkdir(join(world.folder, 'hooks'));
    await writeFile(join(world.folder, 'hooks', 'pre-push'), `#!/bin/sh\ntouch ${join(world.folder, 'hooked')}\n`);
    await chmod(join(world.folder, 'hooks', 'pre-push'), 0o755);
    const given = world.store({ address: address(), credentials: as(reader) });
    expect(await given.write(full, undefined)).toMatchObject({ ok: false, problem: { category: 'permission' } });
    expect(await readdir(world.folder)).not.toContain('asked');
    // Without credentials of its own, the store uses those of the user's git.
    valueOf(await world.store({ address: address() }).write(full, undefined));
    expect(await readdir(world.folder)).toContain('asked');
    expect(await readdir(world.folder)).not.toContain('hooked');
  });
});

describe('the program git', () => {
  const fake = async (script: string): Promise<string> => {
    const bin = join(world.folder, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'git'), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, 'git'), 0o755);
    return bin;
  };

  test.each([
    ['that is not there', undefined, /git was not found/],
    ['that is too old', 'echo git version 1.8.3.1', /git 1\.8 is too old/],
    ['that is something else', 'echo hello', /does not say its version/],
  ])('%s is an input problem that says what to install', async (_name, script, reason) => {
    const bin = script === undefined ? join(world.folder, 'nowhere') : await fake(script);
    const store = world.store({ commands: createCommandRunner({ path: script === undefined ? bin : `${bin}:/bin`, home: world.home }) });
    expect(await store.prove()).toMatchObject({ ok: false, problem: { category: 'input', reason: expect.stringMatching(reason), hint: expect.stringMatching(/Install git 2\.17/) } });
  });

  test('its own name in a secret address of a configuration is not repeated', async () => {
    await writeFile(join(world.home, '.gitconfig'), '[url "http://user:hunter2-secret@127.0.0.1:9/"]\n\tinsteadOf = https://git.example.com/\n');
    const outcome = await world.store({ address: 'https://git.example.com/bot.git' }).read(application, environment);
    expect(outcome.ok).toBe(false);
    expect(JSON.stringify(outcome)).not.toContain('hunter2-secret');
  });
});

test('what a commit says is redacted', async () => {
  const redact = (text: string): string => text.replaceAll('s3cret', '***');
  const store = world.store({ redact, who: { actor: 'ann s3cret', runUrl: 'https://ci.example.com/?key=s3cret', commit: '' } });
  const entry = { version: 'v2', name: '', digest: '', commit: '', verdict: 'failed' as const, at: '', actor: '', runUrl: '', reason: 'it said ***' };
  valueOf(await store.write({ ...emptyRecord('app', 'production'), lease: { holder: 'x s3cret', until: 1 }, history: [entry] }, undefined));
  expect(git(['--git-dir', world.bare, 'log', '--format=raw', branch])).not.toContain('s3cret');
});
