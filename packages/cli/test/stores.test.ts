import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { emptyRecord, type Host, type StateStore } from '@sluice/core';
import { stateStore } from '../src/stores.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-stores-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const storeOn = (name: Host['name'], environment: Readonly<Record<string, string>> = {}): StateStore =>
  stateStore({ name, environment, context: { onCi: name !== 'terminal' }, warn: () => undefined } as unknown as Host, folder);

const record = emptyRecord('app', 'production');

/** lying are the things that can lie where the folder of records belongs. */
const lying: Readonly<Record<string, (path: string) => Promise<void>>> = {
  'a file': (path) => writeFile(path, ''),
  'a link to a folder': async (path) => {
    await mkdir(join(folder, 'elsewhere'));
    await symlink(join(folder, 'elsewhere'), path);
  },
  'a link to nothing': (path) => symlink(join(folder, 'nothing'), path),
};

describe.each(Object.entries(lying))('%s where the records belong', (_name, lay) => {
  test.each<[Host['name'], RegExp]>([
    ['github', /`env: \{ SLUICE_STATE: .*self-hosted/],
    ['gitlab', /`variables: \{ SLUICE_STATE: .*config\.toml/],
    ['jenkins', /withEnv\(\['SLUICE_STATE=/],
    ['terminal', /export SLUICE_STATE=/],
  ])('is a permission problem on %s, with the lines to add', async (name, hint) => {
    const path = join(folder, '.sluice', 'state');
    await mkdir(dirname(path));
    await lay(path);
    const refused = { ok: false, problem: { category: 'permission', reason: expect.stringMatching(/state is a (file, not a folder|symbolic link)/), hint: expect.stringMatching(hint) } };
    expect(await storeOn(name).prove()).toMatchObject(refused);
    expect(await storeOn(name).write(record, undefined)).toMatchObject(refused);
    expect(await readdir(join(folder, 'elsewhere')).catch(() => [])).toEqual([]);
  });
});

describe('a record that is', () => {
  const laid = async (lay: (path: string) => Promise<unknown>): Promise<StateStore> => {
    const store = storeOn('gitlab', { SLUICE_STATE: join(folder, 'kept') });
    expect(await store.write(record, undefined)).toMatchObject({ ok: true });
    const [name = ''] = await readdir(join(folder, 'kept'));
    await rm(join(folder, 'kept', name));
    await lay(join(folder, 'kept', name));
    return store;
  };

  test.each<[string, (path: string) => Promise<unknown>]>([
    ['a folder', (path) => mkdir(path)],
    ['a link', (path) => symlink('/etc/hostname', path)],
  ])('%s is a permission problem, with the lines to add', async (_name, lay) => {
    const store = await laid(lay);
    const refused = { ok: false, problem: { category: 'permission', hint: expect.stringMatching(/`variables: \{ SLUICE_STATE/) } };
    expect(await store.read('app', 'production')).toMatchObject(refused);
    expect(await store.write(record, undefined)).toMatchObject(refused);
  });
});

test('a record keeps no secret that a server put into a name or a reason', async () => {
  const redact = (text: string): string => text.replaceAll('s3cret', '***');
  const store = stateStore({ name: 'terminal', environment: {}, context: { onCi: false }, warn: () => undefined, redact } as unknown as Host, folder);
  const entry = { version: 'v1', name: 'release s3cret', digest: 'sha256:1', commit: '', verdict: 'failed' as const, at: '', actor: '', runUrl: '', reason: 'it said s3cret' };
  expect(await store.write({ ...record, history: [entry] }, undefined)).toMatchObject({ ok: true });
  expect(await store.read('app', 'production')).toMatchObject({ value: { record: { history: [{ ...entry, name: 'release ***', reason: 'it said ***' }] } } });
});
