import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { EnvironmentRecord } from '@sluice/core';
import { folderStore } from '../src/index.ts';
import { readRecord } from '../src/record-shape.ts';
import { seal, unseal } from '../src/seal.ts';

const record: EnvironmentRecord = {
  format: 1,
  application: '客服机器人',
  environment: 'production',
  stable: { version: 'v1', digest: 'sha256:1' },
  lease: { holder: 'run 7\uFFFD', until: 1_800_000_000_000 },
  rollout: { bets: [0.5, -1.25e-7], 10: null, 2: true },
  history: [],
};

const linkOf = (text: string, key?: string) => {
  const opened = unseal(text, key);
  if (typeof opened === 'string') throw new Error(opened);
  return opened.link;
};

describe.each([['without a key', undefined], ['with a key', 'a key of the CI']])('a seal %s', (_name, key) => {
  test('shows every change of one bit, in every byte of the file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-seal-'));
    const store = folderStore(folder, key === undefined ? {} : { key });
    expect(await store.write(record, undefined)).toMatchObject({ ok: true });
    const path = join(folder, (await readdir(folder))[0] ?? '');
    const whole = await readFile(path);
    for (const [index, byte] of whole.entries()) {
      const changed = Buffer.from(whole);
      changed[index] = byte ^ (1 << index % 8);
      const text = changed.toString('utf8');
      // Bytes that are no UTF-8 are refused before: see the store.
      if (Buffer.from(text).equals(changed)) expect([index, typeof unseal(text, key)]).toEqual([index, 'string']);
    }
    for (const index of [0, 40, whole.indexOf(0xef), whole.length - 2]) {
      const changed = Buffer.from(whole);
      changed[index] = 0xf3;
      await writeFile(path, changed);
      expect(await store.read(record.application, record.environment)).toMatchObject({ ok: false, problem: { category: 'input', where: path } });
      expect(await store.write(record, undefined)).toMatchObject({ ok: false });
    }
    await rm(folder, { recursive: true, force: true });
  });

  test('names the seal and the number of the record before', () => {
    const first = seal(record, undefined, key);
    const second = unseal(seal(record, linkOf(first, key), key), key);
    expect(second).toMatchObject({ previous: linkOf(first, key).seal, link: { sequence: 2 } });
    expect(seal(record, undefined, key)).not.toBe(first);
  });
});

describe('a record that somebody forged, with a seal of its own', () => {
  const forged = seal({ ...record, stable: { version: 'v0', digest: 'sha256:0' } }, undefined, undefined);

  test('passes without a key: a seal alone does not stop who may write and knows how', () => {
    expect(readRecord(forged, record.application, record.environment, undefined)).toMatchObject({ ok: true });
  });

  test.each([
    ['the seal of nobody', forged, 'secret', /not sealed with the key/],
    ['the seal of another key', seal(record, undefined, 'guessed'), 'secret', /its seal does not fit/],
    ['a key that this run does not have', seal(record, undefined, 'secret'), undefined, /SLUICE_STATE_KEY is not set/],
  ])('is refused for %s', (_name, text, key, reason) => {
    expect(readRecord(text, record.application, record.environment, key)).toMatchObject({ ok: false, problem: { reason: expect.stringMatching(reason) } });
  });

  test.each<[string, object]>([
    ['another format', { format: 2 }],
    ['an unknown field', { extra: true }],
    ['a lease without end', { lease: { holder: 'x', until: null } }],
    ['a negative time', { lease: { holder: 'x', until: -1 } }],
    ['an unknown verdict', { history: [{ verdict: 'good' }] }],
    ['a version that is a number', { stable: { version: 1, digest: '' } }],
    ['another environment', { environment: 'staging' }],
    ['another application', { application: 'other' }],
  ])('is refused for %s', (_name, change) => {
    const text = seal({ ...record, ...change } as unknown as EnvironmentRecord, undefined, undefined);
    expect(readRecord(text, record.application, record.environment, undefined)).toMatchObject({ ok: false, problem: { category: 'input' } });
  });
});
