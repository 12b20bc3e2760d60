import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { emptyRecord, type EnvironmentRecord } from '@sluice/core';
import * as fc from 'fast-check';
import { folderStore, noStore } from '../src/index.ts';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-state-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const full: EnvironmentRecord = {
  format: 1,
  application: '客服机器人/0b9c',
  environment: 'production',
  stable: { version: 'v1', digest: 'sha256:1' },
  candidate: { version: 'v2', digest: 'sha256:2' },
  lease: { holder: 'run 7', until: 1_800_000_000_000 },
  rollout: { stage: 1, bets: [0.5, -1.25e-7], nested: { list: [null, true, '文'] } },
  history: [
    { version: 'v1', name: '一', digest: 'sha256:1', commit: 'c', verdict: 'passed', at: '2026-01-01T00:00:00Z', actor: 'a', runUrl: 'https://ci.example/1', reason: 'r' },
  ],
};

const only = async (): Promise<string> => {
  const [name, ...others] = await readdir(folder);
  if (name === undefined || others.length > 0) throw new Error('exactly one file was expected');
  return join(folder, name);
};

describe('folderStore', () => {
  test('gives back what was written, with the revision that the next write names', async () => {
    const store = folderStore(join(folder, 'new', 'state'));
    expect(await store.read(full.application, full.environment)).toEqual({ ok: true, value: undefined });
    const first = await store.write(full, undefined);
    if (!first.ok) throw new Error(first.problem.reason);
    expect(await store.read(full.application, full.environment)).toEqual({ ok: true, value: { record: full, revision: first.value } });
    const second = await store.write({ ...full, history: [] }, first.value);
    expect(second.ok && second.value).not.toBe(first.value);
    // Nobody can take a record for an earlier one of the same content.
    const third = await store.write(full, second.ok ? second.value : '');
    expect(third.ok && third.value).not.toBe(first.value);
  });

  test.each<[string, (revision: string) => string | undefined]>([
    ['no revision', () => undefined],
    ['another revision', (revision) => revision.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))],
  ])('refuses %s where a record is', async (_, named) => {
    const store = folderStore(folder);
    const written = await store.write(full, undefined);
    const refused = await store.write({ ...full, history: [] }, named(written.ok ? written.value : ''));
    expect(refused).toMatchObject({ ok: false, problem: { category: 'conflict' } });
    expect(await store.read(full.application, full.environment)).toMatchObject({ value: { record: full } });
    expect(await readdir(folder)).toHaveLength(1);
  });

  test('refuses a revision where no record is', async () => {
    expect(await folderStore(folder).write(full, 'gone')).toMatchObject({ ok: false, problem: { category: 'conflict' } });
    expect(await readdir(folder)).toEqual([]);
  });

  test('of many writers of the same revision, one wins', async () => {
    const store = folderStore(folder);
    const base = await store.write(full, undefined);
    const revision = base.ok ? base.value : '';
    const writes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => store.write({ ...full, lease: { holder: `run ${index}`, until: index } }, revision)),
    );
    const winners = writes.filter((written) => written.ok);
    expect(winners).toHaveLength(1);
    expect(writes.filter((written) => !written.ok && written.problem.category === 'conflict')).toHaveLength(19);
    expect(await store.read(full.application, full.environment)).toMatchObject({ value: { revision: winners[0]?.value } });
    expect(await readdir(folder)).toHaveLength(1);
  });

  test('takes over a lock that a dead process left, and respects a fresh one', async () => {
    const store = folderStore(folder);
    const written = await store.write(full, undefined);
    const lock = `${await only()}.lock`;
    await writeFile(lock, '');
    expect(await store.write(full, written.ok ? written.value : '')).toMatchObject({ problem: { category: 'conflict' } });
    await utimes(lock, 1_000_000, 1_000_000);
    expect(await store.write(full, written.ok ? written.value : '')).toMatchObject({ ok: true });
    expect(await readdir(folder)).toHaveLength(1);
  });

  test('keeps applications and environments apart that share a slug', async () => {
    const store = folderStore(folder);
    const names = ['a/b', 'a-b', 'A b', '客服', '售后', '../../etc/passwd', '', '.'];
    for (const application of names) expect(await store.write(emptyRecord(application, 'production'), undefined)).toMatchObject({ ok: true });
    expect(await store.write(emptyRecord('production', 'a-b'), undefined)).toMatchObject({ ok: true });
    for (const application of names) {
      expect(await store.read(application, 'production')).toMatchObject({ value: { record: { application } } });
    }
    const files = await readdir(folder);
    expect(files).toHaveLength(names.length + 1);
    for (const file of files) expect(file).toMatch(/^[a-z0-9][a-z0-9.-]*\.json$/);
  });

  test.each<[string, (text: string) => string]>([
    ['a blank more', (text) => text.replace('"format": 1', '"format":  1')],
    ['a line end less', (text) => text.trimEnd()],
    ['a key that stands twice', (text) => text.replace('"format": 1', '"format": 1,\n  "format": 1')],
    ['a plain change', (text) => text.replace('run 7', 'run 8')],
    ['no seal', (text) => text.replace(/,\n {2}"seal": "[^"]*"/, '')],
    ['another place in the chain', (text) => text.replace('"sequence": 1', '"sequence": 2')],
    ['no JSON', () => '{'],
    ['an empty file', () => ''],
    ['null', () => 'null'],
    ['a list', () => '[]'],
    ['another format', (text) => text.replace('"format": 1', '"format": 2')],
    ['an unknown field', (text) => text.replace('"format": 1', '"format": 1, "extra": true')],
    ['a lease without end', (text) => text.replace('1800000000000', 'null')],
    ['a negative time', (text) => text.replace('1800000000000', '-1')],
    ['an unknown verdict', (text) => text.replace('"passed"', '"good"')],
    ['a version that is a number', (text) => text.replace('"v1"', '1')],
    ['another environment', (text) => text.replace('production', 'staging')],
    ['another application', (text) => text.replace('0b9c', '0b9d')],
  ])('does not trust %s', async (_, tamper) => {
    const store = folderStore(folder);
    await store.write(full, undefined);
    const path = await only();
    const text = await readFile(path, 'utf8');
    expect(tamper(text)).not.toBe(text);
    await writeFile(path, tamper(text));
    expect(await store.read(full.application, full.environment)).toMatchObject({
      ok: false,
      problem: { category: 'input', where: path, hint: expect.any(String) },
    });
  });

  test('notices a change by hand that is a good record', async () => {
    const store = folderStore(folder);
    const written = await store.write(full, undefined);
    const path = await only();
    await writeFile(path, (await readFile(path, 'utf8')).replace('run 7', 'run 8'));
    expect(await store.write(full, written.ok ? written.value : '')).toMatchObject({ problem: { category: 'conflict' } });
  });

  test('does not follow a symbolic link and does not read a large file', async () => {
    const store = folderStore(folder);
    await store.write(full, undefined);
    const path = await only();
    await writeFile(path, ' '.repeat(1_000_001));
    expect(await store.read(full.application, full.environment)).toMatchObject({ ok: false, problem: { category: 'input' } });
    await rm(path);
    await symlink(join(folder, 'elsewhere'), path);
    expect(await store.read(full.application, full.environment)).toMatchObject({ ok: false, problem: { where: path } });
  });

  test('never writes what it could not read', async () => {
    const broken = { ...full, rollout: { bet: Number.NaN }, lease: { holder: 'x', until: Number.NaN } };
    expect(await folderStore(folder).write(broken, undefined)).toMatchObject({ ok: false, problem: { category: 'defect' } });
    expect(await readdir(folder)).toEqual([]);
  });

  test('a file only its owner can read', async () => {
    await folderStore(folder).write(full, undefined);
    const { stat } = await import('node:fs/promises');
    expect((await stat(await only())).mode & 0o077).toBe(0);
  });

  test('proves that it can write, and leaves nothing behind', async () => {
    expect(await folderStore(join(folder, 'a', 'b')).prove()).toEqual({ ok: true, value: undefined });
    expect(await readdir(join(folder, 'a', 'b'))).toEqual([]);
  });

  test('an unwritable folder is found out', async () => {
    await writeFile(join(folder, 'file'), '');
    const store = folderStore(join(folder, 'file', 'state'));
    expect(await store.prove()).toMatchObject({ ok: false, problem: { category: 'permission', hint: expect.stringContaining('SLUICE_STATE') } });
    expect(await store.write(full, undefined)).toMatchObject({ ok: false, problem: { answer: { code: 'ENOTDIR' } } });
    expect(await store.read('a', 'b')).toMatchObject({ ok: false });
    await mkdir(join(folder, 'locked'));
    await chmod(join(folder, 'locked'), 0o500);
    const locked = await folderStore(join(folder, 'locked')).prove();
    expect(locked.ok).toBe(process.getuid?.() === 0);
  });

  test('any JSON that a rollout keeps comes back as it was', async () => {
    const store = folderStore(folder);
    let revision: string | undefined;
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const rollout = JSON.parse(JSON.stringify(value));
        const written = await store.write({ ...full, rollout }, revision);
        expect(written).toMatchObject({ ok: true });
        revision = written.ok ? written.value : undefined;
        const read = await store.read(full.application, full.environment);
        expect(read.ok && read.value?.record.rollout).toEqual(rollout);
      }),
      { seed: 5, numRuns: 40 },
    );
  });
});

describe('noStore', () => {
  test('remembers nothing and cannot be written', async () => {
    const store = noStore('pull requests keep no state');
    expect(await store.read('a', 'b')).toEqual({ ok: true, value: undefined });
    expect(await store.prove()).toMatchObject({ problem: { category: 'permission', reason: expect.stringContaining('pull requests keep no state') } });
    expect(await store.write(full, undefined)).toMatchObject({ problem: { category: 'permission' } });
  });
});
