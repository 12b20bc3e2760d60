import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { readFaults } from '../src/fault-reading.ts';
import { describe as describeLab, shellExports, startLab, startLabControl, type Lab, type LabControl } from '../src/index.ts';
import { ask } from './agentrun-client.ts';
import { timedRun } from '../../../test/cpu-time.ts';

let lab: Lab;
let control: LabControl;
beforeAll(async () => {
  lab = await startLab({ timeScale: 10 });
  control = await startLabControl(lab);
});
afterAll(async () => {
  await control.close();
  await lab.close();
});

const call = async (method: string, path: string, body?: unknown, token = control.token): Promise<{ status: number; value: unknown }> => {
  const response = await fetch(`${control.origin}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, value: await response.json() };
};

const workflow = `
app: { name: echo, mode: workflow }
kind: app
version: 0.3.0
workflow:
  graph:
    nodes:
      - { id: start, data: { type: start, title: Start, variables: [{ variable: query, type: text-input, label: query, required: true }] } }
      - { id: end, data: { type: end, title: End, outputs: [{ variable: answer, value_selector: [start, query] }] } }
    edges:
      - { id: one, source: start, target: end, sourceHandle: source, targetHandle: target }
  features: {}
  environment_variables: []
  conversation_variables: []
`;

test('a lab starts quickly, on loopback only, and can be stopped', async () => {
  const { value: other, ms } = await timedRun(() => startLab());
  await other.close();
  expect(ms).toBeLessThan(2000);
  const addresses = Object.values(describeLab(lab, control)).filter((value) => value.startsWith('http'));
  expect(addresses.length).toBeGreaterThanOrEqual(8);
  for (const address of addresses) expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+/);
  await expect(fetch(other.dify.origin)).rejects.toThrow();
});

test('describe names every variable once, and two labs share no secret', async () => {
  const other = await startLab();
  const mine = describeLab(lab);
  const theirs = describeLab(other);
  await other.close();
  expect(Object.keys(mine)).toEqual(Object.keys(theirs));
  const shared = Object.keys(mine).filter((name) => mine[name] === theirs[name]);
  expect(shared.filter((name) => name !== 'DIFY_EMAIL')).toEqual([]);
  expect(Object.keys(mine)).not.toContain('SLUICE_LAB_TOKEN');
  expect(describeLab(lab, control)).toMatchObject({ SLUICE_LAB_CONTROL: control.origin, SLUICE_LAB_TOKEN: control.token });
});

test('shellExports survives a POSIX shell for every value', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0')), (value) => {
      const printed = execFileSync('sh', ['-c', `${shellExports({ VALUE: value })}printf %s "$VALUE"`]).toString('utf8');
      return printed === value;
    }),
    { seed: 7, numRuns: 40, examples: [["it's $HOME `id`\n\\ 中文"]] },
  );
});

test.each([
  ['a list', [], 'must be an object'],
  ['an unknown name', { error: 1 }, 'unknown fault "error"'],
  ['a share above 1', { errors: 5 }, 'from 0 to 1'],
  ['a negative amount', { latency: -1 }, 'of 0 or more'],
  ['a text', { wrong: '0.5' }, 'from 0 to 1'],
])('readFaults refuses %s', (_what, value, said) => {
  expect(readFaults(value)).toContain(said);
});

describe('the control server', () => {
  test.each([['no token', ''], ['another token', 'wrong']])('refuses %s', async (_what, token) => {
    expect((await call('GET', '/messages', undefined, token)).status).toBe(401);
  });

  test('makes a runtime, breaks it and counts what it served', async () => {
    expect(await call('POST', '/runtimes', { name: 'agent', endpoint: 'production' })).toMatchObject({ status: 200, value: { version: '1' } });
    const faults = { platform: 'agentrun', application: 'agent', faults: { throttled: 1 } };
    expect((await call('POST', '/faults', faults)).status).toBe(200);
    expect((await ask(lab.agentrun, 'agent', 'production', 'hi')).status).toBe(429);
    await call('POST', '/faults', { ...faults, except: '1' });
    expect((await ask(lab.agentrun, 'agent', 'production', 'hi')).status).toBe(200);
    expect((await call('GET', '/served?platform=agentrun&application=agent&endpoint=production')).value).toEqual({ 1: 2 });
  });

  test('makes an app that answers through the gateway', async () => {
    const made = await call('POST', '/apps', { dsl: workflow });
    expect(made).toMatchObject({ status: 200, value: { appId: expect.any(String), apiKey: expect.stringMatching(/^app-/), published: expect.any(String) } });
    const { appId, apiKey, published }: Record<string, unknown> = { ...Object(made.value) };
    const response = await fetch(`${lab.gateway.origin}/v1/workflows/run`, {
      method: 'POST',
      headers: { authorization: `Bearer ${String(apiKey)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: { query: '你好' }, response_mode: 'blocking', user: 'u1' }),
    });
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('succeeded')]);
    expect((await call('GET', `/served?platform=dify&application=${String(appId)}`)).value).toEqual({ [String(published)]: 1 });
    expect((await call('POST', '/faults', { platform: 'dify', application: appId, faults: { throttled: 1 } })).status).toBe(200);
  });

  test('reloads the gateway and shows the messages', async () => {
    await writeFile(lab.gateway.includeFile, 'split_clients {');
    expect(await call('POST', '/gateway/reload')).toMatchObject({ status: 200, value: { code: 1, stderr: expect.stringContaining('[emerg]') } });
    await writeFile(lab.gateway.includeFile, '');
    expect(await call('POST', '/gateway/reload')).toMatchObject({ status: 200, value: { code: 0 } });
    await fetch(lab.inbox.slack.url, { method: 'POST', body: '{"text":"hi"}' });
    await fetch(lab.inbox.slack.url, { method: 'POST', body: '{' });
    expect((await call('GET', '/messages')).value).toMatchObject({ messages: [{ channel: 'slack', text: 'hi' }], refused: [{ reason: 'invalid_payload' }] });
  });

  test.each<[string, string, unknown, number, string]>([
    ['POST', '/faults', { platform: 'agentrun', application: 'nobody', faults: {} }, 400, 'no runtime nobody'],
    ['POST', '/faults', { platform: 'other', application: 'x', faults: {} }, 400, 'dify or agentrun'],
    ['POST', '/faults', { platform: 'dify', application: 'x', faults: { errors: 2 } }, 400, 'from 0 to 1'],
    ['GET', '/served?platform=dify', undefined, 400, 'application is required'],
    ['POST', '/apps', {}, 400, 'dsl is required'],
    ['POST', '/runtimes', { name: '1st' }, 400, 'must match'],
    ['POST', '/runtimes', [], 400, 'not a JSON object'],
    ['GET', '/other', undefined, 404, 'no such path'],
  ])('%s %s %j is refused', async (method, path, body, status, said) => {
    const answer = await call(method, path, body);
    expect([answer.status, JSON.stringify(answer.value)]).toEqual([status, expect.stringContaining(said)]);
  });
});
