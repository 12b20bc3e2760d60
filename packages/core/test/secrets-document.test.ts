import { describe, expect, test } from '@jest/globals';
import { readSecretsDocument } from '../src/index.ts';

const document = (secrets: unknown, more: Readonly<Record<string, string>> = {}) => readSecretsDocument({ PATH: '/bin', ...more, SLUICE_SECRETS: typeof secrets === 'string' ? secrets : JSON.stringify(secrets) });

describe('SLUICE_SECRETS', () => {
  test('adds its variables, masks each value and the whole, and is gone itself', () => {
    const secrets = { DIFY_PASSWORD: '密码 "x"\n', DIFY_EMAIL: 'a@example.com', SLUICE_HOSTS: 'dify.example.com' };
    expect(document(secrets)).toEqual({
      ok: true,
      value: { environment: { PATH: '/bin', ...secrets }, secrets: [JSON.stringify(secrets), secrets.DIFY_PASSWORD, secrets.DIFY_EMAIL] },
    });
  });

  test('a variable that is set otherwise wins, an empty one does not', () => {
    expect(document({ A: 'inside', B: 'inside' }, { A: 'outside', B: '' })).toMatchObject({ value: { environment: { A: 'outside', B: 'inside' } } });
  });

  test.each([[undefined], [''], [' \n']])('%j is none', (text) => {
    const environment = { PATH: '/bin', SLUICE_SECRETS: text };
    expect(readSecretsDocument(environment)).toEqual({ ok: true, value: { environment, secrets: [] } });
  });

  test.each<[string, unknown, RegExp]>([
    ['no JSON', '{"DIFY_PASSWORD": planted}', /is not a JSON object$/],
    ['a list', ['planted'], /is not a JSON object$/],
    ['null', 'null', /is not a JSON object$/],
    ['text', '"planted"', /is not a JSON object$/],
    ['a number as value', { DIFY_PASSWORD: 4711 }, /DIFY_PASSWORD, whose value is no text/],
    ['a value with a zero byte', { DIFY_PASSWORD: 'planted\0' }, /whose value is no text/],
    ['a name that is none', { 'my password': 'planted' }, /"my password", which cannot be the name/],
    ['where programs are found', { PATH: 'planted' }, /may not set PATH/],
    ['what Node loads', { NODE_OPTIONS: '--require planted' }, /may not set NODE_OPTIONS/],
    ['what the CI says of the run', { GITHUB_EVENT_NAME: 'planted' }, /may not set GITHUB_EVENT_NAME/],
    ['where results go', { SLUICE_RESULTS: 'planted' }, /may not set SLUICE_RESULTS/],
  ])('%s is refused, and nothing of it is repeated', (_, secrets, reason) => {
    const read = document(secrets);
    expect(read).toMatchObject({ ok: false, problem: { category: 'input', reason: expect.stringMatching(reason), hint: expect.stringContaining('SLUICE_SECRETS is one JSON object') } });
    expect(JSON.stringify(read)).not.toMatch(/planted|4711/);
  });
});
