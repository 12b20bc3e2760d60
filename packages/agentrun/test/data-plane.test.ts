import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createHttpClient, systemClock, type HttpClient, type HttpRequest, type Opened, type Question } from '@sluice/core';
import { signedAddress } from '../src/server/caller.ts';
import { callHeaders } from '../src/server/call-signature.ts';
import { readStream } from '../src/server/chat.ts';
import { agentYaml, must, problemOf, startBench, type Bench } from './fixture.ts';

const question = (streaming: boolean): Question => ({ query: 'where is order 17', inputs: {}, user: 'user-1', streaming });
const quiet = new AbortController().signal;

/** vectors are the snapshots of agentrun-sdk-python 0.0.51, tests/unittests/ram_signature/test_signer.py. */
const host = '1431999136518149-ram.agentrun-data.cn-hangzhou.aliyuncs.com';
const vectors = [
  ['GET', '/sandboxes/sbx-xxx/health', undefined, 'e1479ea1aec37e55f91d82b1ccc48df2feef04184a911f91a3e3fe0e27d02610'],
  ['GET', '/path?foo=bar&zoo=', undefined, '2de34f2c0ef3d6f0f6460f994ee3fea8c940241fcc2ff2f008a776f1be9b4dba'],
  ['POST', '/path?foo=bar&zoo=', undefined, 'a0d4e04405ddf83d93cf8b30c6064c1a68a298cf95ca6ff56be04f515b98ddbe'],
  ['POST', '/path?foo=bar&zoo=', 'application/json', 'fdcde808b0dc7526d8083e681ca9a64728e5c1e67e4c92735dfb2268ecc71fb2'],
] as const;

describe.each(vectors)('the signature of %s %s, content type %s,', (method, target, contentType, signature) => {
  const at = Date.parse('2026-03-06T12:00:00Z');
  const credentials = { accessKeyId: 'LTAI5t5opp3xMWk2B3a4gZVq', accessKeySecret: 'secret' };

  test('equals the one of the official SDK', () => {
    const headers = callHeaders({ method, url: `https://${host}${target}`, region: 'cn-hangzhou', at, ...(contentType === undefined ? {} : { contentType }) }, credentials);
    expect(headers['agentrun-authorization']).toMatch(new RegExp(`^AGENTRUN4-HMAC-SHA256 Credential=LTAI5t5opp3xMWk2B3a4gZVq/20260306/cn-hangzhou/agentrun/aliyun_v4_request,SignedHeaders=[a-z0-9;-]+,Signature=${signature}$`));
    expect(headers['x-acs-date']).toBe('2026-03-06T12:00:00Z');
  });
});

test.each([
  ['https://1431.agentrun-data.cn-hangzhou.aliyuncs.com/agent-runtimes/a', 'https://1431-ram.agentrun-data.cn-hangzhou.aliyuncs.com/agent-runtimes/a'],
  ['https://1431-ram.agentrun-data.cn-hangzhou.aliyuncs.com/x', 'https://1431-ram.agentrun-data.cn-hangzhou.aliyuncs.com/x'],
  ['http://127.0.0.1:8080/x', 'http://127.0.0.1:8080/x'],
  ['https://agents.example.com/1.agentrun-data.x', 'https://agents.example.com/1.agentrun-data.x'],
])('signed calls to %s go to %s', (address, expected) => {
  expect(signedAddress(address)).toBe(expected);
});

describe('who may call an agent', () => {
  let bench: Bench;
  const opened: Opened[] = [];
  beforeAll(async () => {
    bench = await startBench({ temporaryCredentials: true, signedCalls: true, pollsToReady: 0 });
    bench.lab.createRuntime({ name: 'order-agent', endpoint: 'production' });
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) must(await one.close());
  });
  afterAll(() => bench.close());

  const open = async (auth: 'none' | 'key' | 'ram', change: (request: HttpRequest) => HttpRequest = (request) => request, secrets: Readonly<Record<string, string>> = {}): Promise<Opened> => {
    const http: HttpClient = { send: (request) => bench.http.send(change(request)), stream: (request) => bench.http.stream(change(request)), close: () => Promise.resolve() };
    const target = must(await bench.connect(bench.project.source(agentYaml()), { http, settings: { auth }, secrets }));
    const one = must(await target.open('live'));
    opened.push(one);
    return one;
  };

  test.each([[false], [true]])('a signed call is accepted, streamed %p', async (streaming) => {
    const reply = must(await (await open('ram')).ask(question(streaming), quiet));
    expect(reply).toMatchObject({ status: 200, text: expect.stringContaining('where is order 17') });
    expect(reply.failed).toBeUndefined();
  });

  test('the health path is asked with a signature, too', async () => {
    const target = must(await bench.connect(bench.project.source(agentYaml()), { settings: { auth: 'ram' } }));
    for (const rung of target.checks()) expect(must(await rung.run(quiet))).not.toBe('');
  });

  const flipped = (text: string): string => `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`;
  const changed = (name: string, to: (value: string) => string) => (request: HttpRequest): HttpRequest =>
    request.headers?.[name] === undefined || !request.url.includes('/invocations/') ? request : { ...request, headers: { ...request.headers, [name]: to(request.headers[name] ?? '') } };

  test.each([
    ['a signature with another last digit', changed('agentrun-authorization', flipped)],
    ['another scope', changed('agentrun-authorization', (value) => value.replace('/cn-hangzhou/', '/cn-shanghai/'))],
    ['another date', changed('x-acs-date', () => '2020-01-01T00:00:00Z')],
    ['another security token', changed('x-acs-security-token', flipped)],
    ['another content type', changed('content-type', () => 'text/plain')],
    ['another endpoint', (request: HttpRequest): HttpRequest => ({ ...request, url: request.url.replace('/endpoints/production/inv', '/endpoints/other/inv') })],
  ])('%s is refused, and said to be a matter of rights', async (_what, change) => {
    const asked = await (await open('ram', change)).ask(question(false), quiet);
    expect(problemOf(asked)).toMatchObject({ category: 'permission', hint: expect.stringContaining('agentrun:InvokeRuntime') });
  });

  test('without a proof the hint names the ways', async () => {
    expect(problemOf(await (await open('none')).ask(question(false), quiet))).toMatchObject({ category: 'permission', hint: expect.stringMatching(/AGENTRUN_API_KEY.*ram/) });
  });

  test('auth: key without a key is bad input, and nothing is sent', async () => {
    const sent: string[] = [];
    const one = await open('key', (request) => {
      sent.push(request.url);
      return request;
    });
    const before = sent.length;
    expect(problemOf(await one.ask(question(false), quiet))).toMatchObject({ category: 'input', hint: expect.stringContaining('AGENTRUN_API_KEY') });
    expect(sent).toHaveLength(before);
  });

  test('auth: none sends no key that happens to be set; each question has a session of its own', async () => {
    const seen: Readonly<Record<string, string>>[] = [];
    const one = await open('none', (request) => {
      if (request.url.includes('/invocations/')) seen.push(request.headers ?? {});
      return request;
    }, { AGENTRUN_API_KEY: 'planted-key' });
    for (let round = 0; round < 3; round += 1) await one.ask(question(false), quiet);
    expect(JSON.stringify(seen)).not.toContain('planted-key');
    expect(new Set(seen.map((headers) => headers['x-agentrun-session-id'])).size).toBe(3);
  });
});

describe('a stream', () => {
  let server: Server;
  let http: HttpClient;
  let serve: (response: ServerResponse) => void = () => undefined;
  const clock = systemClock();
  beforeAll(async () => {
    server = createServer((request: IncomingMessage, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      serve(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    http = createHttpClient({ clock, signal: quiet, userAgent: 'test', loopbackOnly: true });
  });
  afterAll(async () => {
    await http.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const chunk = (delta: object, finish: string | null = null): string => `data: ${JSON.stringify({ choices: [{ delta, finish_reason: finish }] })}\n\n`;
  const end = 'data: [DONE]\n\n';

  const asked = async (...parts: readonly (string | number)[]) => {
    serve = (response) => {
      void (async () => {
        for (const part of parts) {
          if (typeof part === 'string') response.write(part);
          else await clock.sleep(part, quiet);
        }
        response.end();
      })();
    };
    const stream = must(await http.stream({ method: 'POST', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, tried: 'ask', body: '{}', headers: { 'content-type': 'application/json' } }));
    if (stream.kind !== 'events') throw new Error('no stream');
    return readStream(stream);
  };

  test('the first token counts from the first content, not from the first event', async () => {
    const reply = await asked(chunk({ role: 'assistant' }), 120, chunk({ content: 'hello' }), 40, chunk({}, 'stop'), end);
    expect(reply).toMatchObject({ text: 'hello', status: 200 });
    expect(reply.failed).toBeUndefined();
    expect(reply.firstTokenMs).toBeGreaterThanOrEqual(100);
    expect(reply.latencyMs).toBeGreaterThan(reply.firstTokenMs ?? 0);
  });

  test.each([
    ['finish_reason error', [chunk({ content: 'half' }), chunk({}, 'error'), end], 'the agent ended with finish_reason "error": half'],
    ['no content', [chunk({ role: 'assistant' }), chunk({}, 'stop'), end], 'the answer is empty'],
    ['nothing but blanks', [chunk({ content: ' \n' }), chunk({}, 'stop'), end], 'the answer is empty'],
    ['no [DONE]', [chunk({ content: 'half' }), chunk({}, 'stop')], 'the stream ended before [DONE]'],
    ['an error event', [chunk({ content: 'half' }), 'data: {"error":{"message":"tool broke"}}\n\n', end], 'the agent answered with an error: tool broke'],
  ])('with %s has failed', async (_what, parts, reason) => {
    expect((await asked(...parts)).failed).toBe(reason);
  });
});
