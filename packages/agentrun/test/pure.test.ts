import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Split } from '@sluice/core';
import { compare, isSame } from '../src/source/compare.ts';
import { digestOf } from '../src/source/configuration.ts';
import { ignoreRules } from '../src/source/ignore.ts';
import { resolvePlaceholders, type EnvironmentLookup } from '../src/source/placeholders.ts';
import { readStream, readWhole } from '../src/server/chat.ts';
import { readHealth } from '../src/server/checks.ts';
import { describe as describeVersion, readDescription } from '../src/server/marks.ts';
import { sideName } from '../src/server/open.ts';
import { answerOf, refusal } from '../src/server/refusal.ts';
import { routingOf, splitOf, wantedFault } from '../src/server/routing.ts';
import { must, problemOf } from './fixture.ts';

const seeded = { seed: 20_250_910, numRuns: 300 };
const digest = `sha256:${'0f'.repeat(32)}`;

describe('marks in a description', () => {
  const hex = (length: number): fc.Arbitrary<string> => fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
  const marks = fc.record(
    { commit: hex(40), verdict: fc.constantFrom('passed' as const, 'failed' as const), runUrl: fc.webUrl({ withQueryParameters: true }).filter((url) => !/[\s\]]/.test(url) && url.length < 60) },
    { requiredKeys: [] },
  );

  test('are read as they were written, in one line of at most 256 characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), marks, (name, given) => {
        const line = describeVersion({ name, marks: given, digest });
        expect(line.length).toBeLessThanOrEqual(256);
        expect(line).not.toMatch(/[\r\n]/);
        const read = readDescription(line);
        expect(read.digest).toBe(digest);
        expect(read.marks).toEqual(given);
      }),
      seeded,
    );
  });

  test.each([
    ['released by hand', { name: 'released by hand', marks: {} }],
    ['', { name: '', marks: {} }],
    ['x [sluice digest=sha256:short]', { name: 'x', marks: {} }],
    ['发布 [sluice verdict=great commit=abcdef1]', { name: '发布', marks: { commit: 'abcdef1' } }],
    [`evil [sluice digest=${digest}] [sluice]`, { name: `evil [sluice digest=${digest}]`, marks: {} }],
  ])('of others: %s', (text, expected) => {
    expect(readDescription(text)).toEqual(expected);
  });

  test('a name cannot bring marks of its own', () => {
    expect(readDescription(describeVersion({ name: `v1 [sluice digest=${digest}]`, marks: {} })).digest).toBeUndefined();
  });
});

describe('routing', () => {
  const split = fc.oneof(
    fc.record({ stable: fc.constantFrom('1', '2'), weight: fc.constant(0) }),
    fc.record({ stable: fc.constantFrom('1', '2'), candidate: fc.constantFrom('3', '4'), weight: fc.integer({ min: 1, max: 1_000_000 }).map((value) => value / 1e4) }),
  );

  test('what is sent is what is read back, in single precision, too', () => {
    fc.assert(
      fc.property(split, (wanted: Split) => {
        const sent = routingOf(wanted, 'ratio');
        expect(must(splitOf(sent, 'ratio'))).toEqual(wanted);
        const single = { ...sent, weights: sent.weights.map(({ version, weight }) => ({ version, weight: Math.round(weight * 2 ** 24) / 2 ** 24 })) };
        const { weight } = must(splitOf(single, 'ratio'));
        expect(Math.abs(weight - wanted.weight)).toBeLessThan(1e-3);
      }),
      seeded,
    );
  });

  test.each([
    [{ targetVersion: 'LATEST', weights: [] }, { stable: 'draft', weight: 0 }],
    [{ targetVersion: '2', weights: [{ version: '2', weight: 0.2 }] }, { stable: '2', weight: 0 }],
    [{ targetVersion: '1', weights: [{ version: '2', weight: 0 }] }, { stable: '1', weight: 0 }],
    [{ targetVersion: '1', weights: [{ version: '2', weight: Math.fround(0.05) }] }, { stable: '1', candidate: '2', weight: 5 }],
  ])('splitOf %j', (routing, expected) => {
    expect(must(splitOf(routing, 'ratio'))).toEqual(expected);
  });

  test.each([
    [{ targetVersion: '', weights: [{ version: '1', weight: 0.8 }] }],
    [{ targetVersion: '1', weights: [{ version: '2', weight: 20 }] }],
    [{ targetVersion: '1', weights: [{ version: '2', weight: 0.2 }, { version: '3', weight: 0.2 }] }],
  ])('splitOf refuses %j and does not guess', (routing) => {
    expect(problemOf(splitOf(routing, 'ratio')).category).toBe('platform');
  });

  test.each([
    [{ stable: '1', weight: 0 }, true],
    [{ stable: '1', candidate: '2', weight: 5 }, true],
    [{ stable: 'draft', weight: 0 }, false],
    [{ stable: '', weight: 0 }, false],
    [{ stable: '1', candidate: 'draft', weight: 5 }, false],
    [{ stable: '1', candidate: '1', weight: 5 }, false],
    [{ stable: '1', weight: 5 }, false],
    [{ stable: '1', candidate: '2', weight: 101 }, false],
    [{ stable: '1', candidate: '2', weight: Number.NaN }, false],
  ])('wantedFault of %j', (wanted, fine) => {
    expect(wantedFault(wanted) === undefined).toBe(fine);
  });

  test('the name of a side endpoint is a name that AgentRun takes', () => {
    for (const users of ['production', 'e'.repeat(64)]) {
      for (const version of ['draft', '1', '123456']) expect(sideName(users, version)).toMatch(/^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/);
    }
  });
});

describe('answers of an agent', () => {
  const whole = (status: number, value: unknown): ReturnType<typeof readWhole> =>
    readWhole({ status, headers: {}, text: typeof value === 'string' ? value : JSON.stringify(value), durationMs: 5 });
  const chat = (content: unknown, finish: string, usage?: object): object => ({ choices: [{ message: { content }, finish_reason: finish }], usage });

  test('a good one has text, tokens and no failure', () => {
    expect(whole(200, chat('你好', 'stop', { total_tokens: 7 }))).toEqual({ text: '你好', outputs: {}, latencyMs: 5, status: 200, tokens: 7 });
  });

  test.each([
    ['an empty answer', 200, chat('  ', 'stop'), 'empty'],
    ['no content', 200, chat(null, 'stop'), 'empty'],
    ['no choice', 200, { choices: [] }, 'empty'],
    ['finish_reason error', 200, chat('boom', 'error'), 'finish_reason'],
    ['an error object', 200, { error: { message: 'no model' } }, 'no model'],
    ['a web page', 200, '<html>sign in</html>', 'not a chat completion'],
    ['HTTP 500', 500, { error: 'broken' }, 'HTTP 500'],
    ['HTTP 204', 204, '', 'HTTP 204'],
  ])('%s is a failed reply', (_name, status, value, said) => {
    expect(whole(status, value).failed).toContain(said);
  });

  const stream = (...lines: readonly string[]): ReturnType<typeof readStream> =>
    readStream({
      kind: 'events',
      status: 200,
      events: (async function* () {
        let atMs = 0;
        for (const data of lines) yield await Promise.resolve({ ok: true as const, value: { event: '', data, atMs: (atMs += 10) } });
      })(),
    });
  const delta = (content: string, finish: string | null = null): string => JSON.stringify({ choices: [{ delta: { content }, finish_reason: finish }] });

  test('a stream is put together; the first token is the first content', async () => {
    expect(await stream(delta(''), delta('a'), delta('b', 'stop'), '{"choices":[],"usage":{"total_tokens":3}}', '[DONE]')).toEqual({ text: 'ab', outputs: {}, latencyMs: 50, firstTokenMs: 20, status: 200, tokens: 3 });
  });

  test.each([
    ['cut off', [delta('a', 'stop')], 'before [DONE]'],
    ['empty', ['[DONE]'], 'empty'],
    ['an error inside', [delta('a'), '{"error":{"message":"quota"}}'], 'quota'],
    ['finish_reason error', [delta('a'), delta('', 'error'), '[DONE]'], 'finish_reason'],
    ['no JSON', ['hello', '[DONE]'], 'not a chat completion'],
  ])('a stream that is %s is a failed reply', async (_name, lines, said) => {
    expect((await stream(...lines)).failed).toContain(said);
  });

  test.each([
    [200, 'application/json', '{"status":"ok"}', true],
    [200, 'text/plain', 'fine', true],
    [200, 'text/html; charset=utf-8', '<html>', false],
    [200, 'application/json', '{"status":"DOWN"}', false],
    [503, 'application/json', '{"status":"ok"}', false],
  ])('health %d %s %s', (status, type, text, fine) => {
    expect(readHealth({ status, headers: { 'content-type': type }, text, durationMs: 1 }, '/health').ok).toBe(fine);
  });
});

test.each([
  [403, { Code: 'NoPermission', Message: 'm', RequestId: 'R1' }, 'permission'],
  [400, { Code: 'SignatureDoesNotMatch' }, 'permission'],
  [404, { Code: 'InvalidAccessKeyId.NotFound' }, 'permission'],
  [404, { code: 'ERR_NOT_FOUND', requestId: 'r2' }, 'platform'],
  [409, {}, 'conflict'],
  [400, { code: 'ERR_BAD_REQUEST', message: 'endpoint already exists' }, 'conflict'],
  [400, { Code: 'Throttling.User' }, 'platform'],
  [400, { Code: 'InvalidTimeStamp.Expired' }, 'input'],
  [500, undefined, 'platform'],
])('a refusal %d %j is %s', (status, body, category) => {
  const answer = answerOf({ status, headers: { 'x-acs-request-id': 'H' }, text: '', durationMs: 1 }, body);
  expect(refusal(answer, 't', 'w').category).toBe(category);
  expect(answer.requestId).toBeDefined();
});

test.each<readonly [status: number, text: string, headers: Readonly<Record<string, string>>, reason: string, hint: RegExp]>([
  [500, '{"code":"ERR_INTERNAL_SERVER_ERROR","message":"the database is away.","requestId":"r-1"}', {}, 'AgentRun failed with HTTP 500: the database is away', /request id r-1 to the support/],
  [500, '', { 'x-acs-request-id': 'h-1' }, 'AgentRun failed with HTTP 500', /Run the step again.*request id h-1/],
  [502, '<html><body><h1>Bad gateway</h1></body></html>', {}, 'AgentRun failed with HTTP 502: Bad gateway', /the time and the address/],
  [503, '{"data":{"environmentVariables":{"TOKEN":"hunter2', {}, 'AgentRun failed with HTTP 503', /again/],
  [400, '{"code":"ERR_BAD_REQUEST","message":"memory must be a multiple of 64"}', {}, 'AgentRun refused the request: memory must be a multiple of 64', /s\.yaml/],
  [404, '{"code":"ERR_NOT_FOUND","message":"no runtime ar-1"}', {}, 'AgentRun does not know what was asked for: no runtime ar-1', /region/],
])('an error %d %s says the server\'s own words and what to do next', (status, text, headers, reason, hint) => {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  const problem = refusal(answerOf({ status, headers, text, durationMs: 1 }, body), 't', 'w');
  expect(problem).toMatchObject({ category: 'platform', reason, hint: expect.stringMatching(hint) });
});

describe('content', () => {
  const base = { artifactType: 'Container', containerConfiguration: { image: 'r/x:1' }, cpu: 1, memory: 2048, port: 9000, environmentVariables: { A: '1', B: '2' } };

  test('the digest does not depend on order, ids, states, defaults and empty parts', () => {
    const shown = { status: 'READY', agentRuntimeId: 'ar-1', diskSize: 512, description: '', enableSessionIsolation: false, nasConfig: null, ...base, environmentVariables: { B: '2', A: '1' } };
    expect(digestOf(shown)).toBe(digestOf(base));
    expect(digestOf(base)).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test.each([
    [{ ...base, memory: 4096 }],
    [{ ...base, containerConfiguration: { image: 'r/x:2' } }],
    [{ ...base, environmentVariables: { A: '1', B: '3' } }],
    [{ ...base, environmentVariables: { A: '1' } }],
    [{ ...base, description: 'd' }],
  ])('the digest sees %j', (other) => {
    expect(digestOf(other)).not.toBe(digestOf(base));
    expect(isSame(compare(other, base))).toBe(false);
  });

  test('code that is not shown has no digest and is never the same', () => {
    const wanted = { artifactType: 'Code', codeConfiguration: { language: 'nodejs20', checksum: '1' } };
    const shown = { artifactType: 'Code', codeConfiguration: { language: 'nodejs20' } };
    expect(digestOf(shown)).toBeUndefined();
    expect(compare(wanted, shown)).toEqual({ different: [], extra: [], codeUnseen: true });
    expect(isSame(compare(wanted, shown))).toBe(false);
    expect(isSame(compare(shown, shown))).toBe(false);
  });

  test('defaults that the platform adds do not count, variables that it holds beyond s.yaml do', () => {
    expect(isSame(compare(base, { ...base, sessionIdleTimeoutSeconds: 3600, protocolConfiguration: { type: 'HTTP' } }))).toBe(true);
    expect(compare(base, { ...base, environmentVariables: { A: '1', B: '2', C: '3' } })).toMatchObject({ extra: ['C'], different: [] });
    expect(compare(base, { ...base, environmentVariables: { A: '9' } }).different).toEqual(['environmentVariables.A', 'environmentVariables.B']);
  });
});

describe('placeholders', () => {
  const variables = { size: 2048, name: '订单', deep: { x: 'y', list: ['a', 2] }, none: null, nested: '${vars.name}-1', loop: '${vars.loop}' };
  const lookup: EnvironmentLookup = (name, initial) => (name === 'HERE' ? 'here ${vars.name}' : initial);

  test.each([
    ['${vars.size}', 2048],
    ['a-${vars.size}', 'a-2048'],
    ['${vars.deep.x}', 'y'],
    ['${vars.deep.list.1}', 2],
    ['${vars.deep.list}', ['a', 2]],
    ['${vars.nested}', '订单-1'],
    ["${env('HERE', 'd')}", 'here ${vars.name}'],
    ["${env('GONE', 'd')}", 'd'],
    ['${env("GONE", "")}', ''],
    ['${env(GONE)}', '${env(GONE)}'],
    ["${ env( 'HERE' ) }", 'here ${vars.name}'],
    ["${env('GONE', 5)}", 5],
    ["${env('GONE', true)}", true],
    ["x${env('GONE', -1.5)}", 'x-1.5'],
    ["${env('GONE', vars.size)}", 2048],
    ['$HOME costs 5$', '$HOME costs 5$'],
  ])('%s', (text, expected) => {
    const { value, faults } = resolvePlaceholders({ text }, variables, lookup);
    expect(value).toEqual({ text: expected });
    expect(faults).toEqual([]);
  });

  test.each(['${vars.gone}', '${vars.none}', '${ vars.size }', '${env.HERE}', 'x${vars.deep}', 'x${vars.deep.list}', '<% x %>', "${env('GONE', '{}')}", '${vars.loop}', '${HOME}', '${vars.__proto__}', "${config('x')}"])('%s is a fault', (text) => {
    expect(resolvePlaceholders({ a: [text] }, variables, lookup).faults).toMatchObject([{ path: ['a', 0] }]);
  });

  test('variables that repeat variables do not grow without bound', () => {
    const times = (name: string): string => `\${vars.${name}}`.repeat(100);
    const grown = resolvePlaceholders({ text: times('a') }, { a: times('b'), b: times('c'), c: times('d'), d: 'x' }, lookup);
    expect(grown.faults.length).toBeGreaterThan(0);
    expect(grown.faults.length).toBeLessThan(10);
  });
});

test('ignoreRules leave out what ignore files name', () => {
  const left = ignoreRules(['# comment\nnode_modules/\n*.log\n/dist\ndocs/**\n!keep.log\na+b?.txt\n']);
  const paths = ['node_modules/', 'x/node_modules/', 'a.log', 'x/a.log', 'dist/', 'dist', 'docs/a/b', 'a+bc.txt'];
  expect(paths.filter((path) => !left(path))).toEqual([]);
  const kept = ['index.js', 'keep.log', 'x/dist', 'node_modules.js', 'a+b.txt', 'aab1.txt', 'docs'];
  expect(kept.filter((path) => left(path))).toEqual([]);
});
