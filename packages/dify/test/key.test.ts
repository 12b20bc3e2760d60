import { describe, expect, test } from '@jest/globals';
import { done, failed, type Connection, type Outcome } from '@sluice/core';
import type { Console } from '../src/server/console.ts';
import { appKey } from '../src/server/key.ts';
import { problem, secretsOf, value } from './harness.ts';

/** keyFor asks for a key, with a console that has these keys and makes new ones as told. */
const keyFor = (keys: readonly string[], make: () => Outcome<string> = () => done('app-made'), given: Readonly<Record<string, string>> = {}, app = 'a1') => {
  const asked: string[] = [];
  const console: Pick<Console, 'keys' | 'createKey'> = {
    keys: async () => (asked.push('list'), done(keys)),
    createKey: async () => (asked.push('make'), make()),
  };
  const connection: Pick<Connection, 'secrets'> = { secrets: secretsOf(given) };
  return { asked, key: appKey(connection as Connection, console as Console, () => app) };
};

describe('the key of the service API', () => {
  test('is the one that is given, and then nothing is asked', async () => {
    const { key, asked } = keyFor(['app-one'], undefined, { DIFY_APP_KEY: 'app-given' });
    expect([value(await key()), asked]).toEqual(['app-given', []]);
  });

  test('is the first of the app, read once', async () => {
    const { key, asked } = keyFor(['app-one', 'app-two']);
    expect([value(await key()), value(await key()), asked]).toEqual(['app-one', 'app-one', ['list']]);
  });

  test('is made once, however many ask for it at the same time', async () => {
    const { key, asked } = keyFor([]);
    expect((await Promise.all([key(), key(), key()])).map(value)).toEqual(['app-made', 'app-made', 'app-made']);
    expect(asked).toEqual(['list', 'make']);
  });

  test('that could not be had is asked for again', async () => {
    let tries = 0;
    const { key, asked } = keyFor([], () => ((tries += 1) === 1 ? failed({ category: 'platform', reason: 'cut' }) : done('app-made')));
    problem(await key());
    expect(value(await key())).toBe('app-made');
    expect(asked).toEqual(['list', 'make', 'list', 'make']);
  });

  test('beyond the tenth is explained', async () => {
    const { key } = keyFor([], () => failed({ category: 'platform', reason: 'Dify refused', answer: { status: 400, code: 'max_keys_exceeded' } }));
    expect(problem(await key())).toMatchObject({ category: 'input', reason: expect.stringContaining('ten API keys'), hint: expect.stringContaining('DIFY_APP_KEY'), answer: { status: 400 } });
  });

  test('needs an app', async () => {
    expect(problem(await keyFor([], undefined, {}, '').key())).toMatchObject({ category: 'input', hint: 'Deploy first.' });
  });
});
