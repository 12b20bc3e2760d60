import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { done, failed, systemClock, type ChannelConfig, type Clock, type HttpClient, type HttpResponse, type SecretReader } from '@sluice/core';
import fc from 'fast-check';
import { channelsProblem, deliver, dingtalkRequest, dingtalkSign, readDingtalk, readSlack, readWebhook, retryAfterMs, slackRequest, webhookRequest, type Message } from '../src/index.ts';

const message: Message = {
  severity: 'P0',
  title: 'support-bot: rolled back',
  lines: ['candidate 12 failed 5 of 30', '用户看到了错误'],
  runUrl: 'https://ci.example.com/run/(1)',
  status: 'failed',
};

const secret = 'SEC000111222333';
const token = 'tok3n-of-the-robot-0123456789';

interface Seen {
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
type Reaction = { readonly status: number; readonly body: string; readonly headers?: Record<string, string> };

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const receiver = async (react: (seen: Seen, count: number) => Reaction) => {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { url: new URL(request.url ?? '/', 'http://127.0.0.1'), headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
      seen.push(one);
      const { status, body, headers } = react(one, seen.length);
      response.writeHead(status, headers).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
};

/** fetching is a client without retries, so that what is counted at the receiver is what `deliver` sent. */
const fetching: HttpClient = {
  send: async (request) => {
    try {
      const response = await fetch(request.url, {
        method: request.method,
        headers: request.headers ?? {},
        body: request.body ?? null,
        signal: request.signal ?? null,
      });
      const headers = Object.fromEntries(response.headers);
      return done({ status: response.status, headers, text: await response.text(), durationMs: 1 });
    } catch {
      return failed({ category: 'platform', reason: `POST ${request.url} failed`, where: request.url, answer: { code: 'ECONNREFUSED', message: request.url } });
    }
  },
  stream: async () => failed({ category: 'defect', reason: 'not used' }),
  close: async () => undefined,
};

const secretsOf = (values: Record<string, string>): SecretReader => ({
  read: (name) => (values[name] === undefined ? failed({ category: 'input', reason: `${name} is not set` }) : done(values[name])),
  find: (name) => values[name],
});

const ports = (values: Record<string, string>, clock: Clock = systemClock(1000)) => ({
  http: fetching,
  clock,
  secrets: secretsOf(values),
  redact: (text: string) => text,
  signal: new AbortController().signal,
});

const channel = (config: Partial<ChannelConfig>): ChannelConfig => ({ 'at-least': 'P2', ...config });
const answer = (status: number, text: string, headers: Record<string, string> = {}): HttpResponse => ({ status, text, headers, durationMs: 1 });

const isWellFormed = (text: string): boolean => Buffer.from(text, 'utf8').toString('utf8') === text;

/** dingtalkRules refuse as the real robot does: always with status 200. */
const dingtalkRules = ({ url, body }: Seen): Reaction => {
  const say = (errcode: number, errmsg: string): Reaction => ({ status: 200, body: JSON.stringify({ errcode, errmsg }) });
  if (url.searchParams.get('access_token') !== token) return say(300005, 'token is not exist');
  const timestamp = url.searchParams.get('timestamp') ?? '';
  const wanted = createHmac('sha256', secret).update(`${timestamp}\n${secret}`).digest('base64');
  if (url.searchParams.get('sign') !== wanted || Math.abs(Date.now() - Number(timestamp)) > 3_600_000) return say(310000, 'sign not match');
  if (Buffer.byteLength(body) > 20_000) return say(460101, 'message too long, exceed 20000 bytes');
  return say(0, 'ok');
};

describe('DingTalk', () => {
  const deliverTo = async (robot: { origin: string }, values: Record<string, string>, one: Message = message) =>
    deliver(
      [channel({ dingtalk: { env: 'DING' }, secret: { env: 'SIGN' } })],
      one,
      ports({ DING: `${robot.origin}/robot/send?access_token=${token}`, SIGN: secret, ...values }),
    );

  test('a signed message passes a robot that checks signature, token and size', async () => {
    const robot = await receiver(dingtalkRules);
    expect(await deliverTo(robot, {})).toMatchObject([{ channel: 'dingtalk (DING)', delivered: true }]);
    const long = { ...message, lines: Array.from({ length: 3000 }, () => '候选版本的回答变慢了*"\\@所有人') };
    expect(await deliverTo(robot, {}, long)).toMatchObject([{ delivered: true }]);
    expect(Buffer.byteLength(robot.seen[1]?.body ?? '')).toBeGreaterThan(19_000);
  });

  test('status 200 with a refusal is not delivered', async () => {
    const robot = await receiver(dingtalkRules);
    const wrong = await deliverTo(robot, { SIGN: 'SECwrong' });
    expect(wrong).toMatchObject([{ delivered: false, problem: { category: 'permission', answer: { code: 'errcode 310000' } } }]);
    expect(wrong[0]?.reason).toContain('sign not match');
    expect(robot.seen).toHaveLength(1);
  });

  test('the signature is encoded once', () => {
    const request = dingtalkRequest(new URL(`https://oapi.dingtalk.com/robot/send?access_token=${token}`), message, secret, 1_700_000_000_000);
    expect(request.url).toContain(`sign=${encodeURIComponent(dingtalkSign(1_700_000_000_000, secret))}`);
    expect(request.url).not.toContain('%25');
  });

  test.each([
    ['no JSON', answer(200, '<html>ok</html>')],
    ['no errcode', answer(200, '{"errmsg":"ok"}')],
    ['errcode as text', answer(200, '{"errcode":"0"}')],
    ['another errcode', answer(200, '{"errcode":130101,"errmsg":"send too fast"}')],
    ['a bad status', answer(500, '{"errcode":0}')],
    ['an empty body', answer(200, '')],
  ])('%s is not delivered', (_, response) => {
    expect(readDingtalk(response).ok).toBe(false);
  });

  test('text from outside is neither markup nor a mention', () => {
    const hostile = { ...message, lines: ['[click](https://evil.example.com) @all **bold** ![x](y)\n# title <font color=red>'] };
    const body = JSON.parse(dingtalkRequest(new URL('https://oapi.dingtalk.com/r'), hostile, undefined, 1).body ?? '') as { markdown: { text: string }; at: object };
    expect(body.at).toEqual({ isAtAll: false });
    expect(body.markdown.text).toContain('\\[click\\]\\(https://evil.example.com\\)');
    expect(body.markdown.text).not.toMatch(/@all|(?<!\\)\*\*bold|\n# title|(?<!\\)<font/);
    expect(body.markdown.text).toContain('[Run](https://ci.example.com/run/%281%29)');
  });

  test('the body is at most 20,000 bytes and holds whole code points for any text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 400 }), { maxLength: 8 }), fc.integer({ min: 1, max: 200 }), (lines, times) => {
        const many = { ...message, lines: lines.map((line) => line.repeat(times)) };
        const body = dingtalkRequest(new URL('https://oapi.dingtalk.com/r'), many, undefined, 1).body ?? '';
        expect(Buffer.byteLength(body)).toBeLessThanOrEqual(20_000);
        expect(isWellFormed(body)).toBe(true);
      }),
      { seed: 7, numRuns: 60 },
    );
  });
});

describe('Slack', () => {
  const url = new URL('https://hooks.slack.com/services/T0/B0/xyz');
  const blocksOf = (one: Message) =>
    (JSON.parse(slackRequest(url, one).body ?? '') as { text: string; blocks: { type: string; text: { type: string; text: string } }[] });

  test('the three characters of markup are escaped and mentions are broken', () => {
    const { text, blocks } = blocksOf({ ...message, title: '<!channel> a & b', lines: ['<https://evil|ok> @here', 'a > b'] });
    const written = [text, ...blocks.filter((block) => block.text.type === 'mrkdwn').map((block) => block.text.text)].join('\n');
    expect(written).toContain('&lt;!channel&gt; a &amp; b');
    expect(written).toContain('&lt;https://evil|ok&gt; @\u200bhere\na &gt; b');
    expect(written).not.toMatch(/<|@here/);
  });

  test('a header has at most 150 and a section at most 3,000 characters, never with half an entity', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('&', '<', 'x', '字', '😀', '@'), { minLength: 0, maxLength: 4000 }), (signs) => {
        const text = signs.join('');
        const { blocks } = blocksOf({ ...message, title: text, lines: [text] });
        for (const block of blocks) {
          expect(block.text.text.length).toBeLessThanOrEqual(block.type === 'header' ? 150 : 3000);
          expect(isWellFormed(block.text.text)).toBe(true);
          if (block.type === 'section') expect(block.text.text.replace(/&(amp|lt|gt);/g, '')).not.toContain('&');
        }
      }),
      { seed: 7, numRuns: 60 },
    );
  });

  test.each([
    [answer(200, 'ok'), true],
    [answer(200, '{"ok":true}'), true],
    [answer(200, '{"ok":false,"error":"no_text"}'), false],
    [answer(200, '<html>login</html>'), false],
    [answer(200, ''), false],
    [answer(404, 'no_service'), false],
    [answer(302, 'ok'), false],
  ])('%j is delivered: %s', (response, delivered) => {
    expect(readSlack(response).ok).toBe(delivered);
  });
});

describe('webhook', () => {
  test('the receiver can check the signature over timestamp and body', async () => {
    const own = await receiver(({ headers, body }) => {
      const wanted = `sha256=${createHmac('sha256', secret).update(`${String(headers['x-sluice-timestamp'])}.${body}`).digest('hex')}`;
      return headers['x-sluice-signature'] === wanted ? { status: 204, body: '' } : { status: 401, body: 'bad signature' };
    });
    const config = channel({ webhook: { env: 'HOOK' }, secret: { env: 'SIGN' } });
    expect(await deliver([config], message, ports({ HOOK: `${own.origin}/hook`, SIGN: secret }))).toMatchObject([{ delivered: true }]);
    expect(JSON.parse(own.seen[0]?.body ?? '')).toEqual({
      title: message.title,
      severity: 'P0',
      status: 'failed',
      text: [message.title, ...message.lines].join('\n'),
      lines: message.lines,
      runUrl: message.runUrl,
    });
  });

  test('without a secret there is no signature', () => {
    expect(webhookRequest(new URL('https://x.example.com'), message, undefined, 5).headers).not.toHaveProperty('x-sluice-signature');
  });

  test.each([[200, true], [204, true], [199, false], [301, false], [500, false]])('status %i is delivered: %s', (status, delivered) => {
    expect(readWebhook(answer(status, '')).ok).toBe(delivered);
  });
});

describe('channelsProblem', () => {
  const configs = [
    channel({ slack: { env: 'A' }, 'at-least': 'P0' }),
    channel({ dingtalk: { env: 'B' }, secret: { env: 'C' } }),
    channel({ webhook: { env: 'D' }, secret: { env: 'C' } }),
  ];
  const all = { A: 'https://a.example.com', B: 'https://b.example.com', C: secret, D: 'https://d.example.com' };

  test.each<[string, Record<string, string>, string | undefined]>([
    ['all are set', all, undefined],
    ['the address of a channel for P0 alone', { B: all.B, C: all.C, D: all.D }, 'people cannot be told: A is not set'],
    ['a signature that two channels share', { A: all.A, B: all.B, D: all.D }, 'people cannot be told: C is not set'],
    ['several', { B: all.B }, 'people cannot be told: A, C, D are not set'],
    ['what is no address', { ...all, D: 'd.example.com' }, 'D does not hold a web address'],
  ])('%s', (_, values, reason) => {
    expect(channelsProblem(configs, secretsOf(values))?.reason).toBe(reason);
  });

  test('an entry that names no channel', () => {
    expect(channelsProblem([channel({})], secretsOf({}))).toMatchObject({ category: 'input', reason: expect.stringContaining('notify[0]') });
  });
});

describe('deliver', () => {
  test('at-least decides who gets a message', async () => {
    const own = await receiver(() => ({ status: 200, body: 'ok' }));
    const configs = (['P0', 'P1', 'P2'] as const).map((atLeast) => channel({ slack: { env: 'HOOK' }, 'at-least': atLeast }));
    const sent = async (severity: Message['severity']) => (await deliver(configs, { ...message, severity }, ports({ HOOK: `${own.origin}/services/a` }))).length;
    expect([await sent('P0'), await sent('P1'), await sent('P2')]).toEqual([3, 2, 1]);
  });

  test('429 is tried again after retry-after', async () => {
    const own = await receiver((_, count) => (count === 1 ? { status: 429, body: 'slow', headers: { 'retry-after': '7' } } : { status: 200, body: 'ok' }));
    const waits: number[] = [];
    const clock: Clock = { ...systemClock(), sleep: async (milliseconds) => void waits.push(milliseconds) };
    expect(await deliver([channel({ slack: { env: 'HOOK' } })], message, ports({ HOOK: own.origin }, clock))).toMatchObject([{ delivered: true }]);
    expect(waits).toEqual([7000]);
  });

  test.each([
    ['a server error, which may have delivered it', 500, {}, 1],
    ['503 without retry-after', 503, {}, 1],
    ['503 with retry-after', 503, { 'retry-after': '1' }, 3],
    ['429 for ever', 429, { 'retry-after': '1' }, 3],
    ['429 for longer than a step lasts', 429, { 'retry-after': '600' }, 1],
  ])('%s is sent as often as is safe', async (_, status, headers, times) => {
    const own = await receiver(() => ({ status, body: 'no', headers }));
    expect(await deliver([channel({ webhook: { env: 'HOOK' } })], message, ports({ HOOK: own.origin }))).toMatchObject([{ delivered: false }]);
    expect(own.seen).toHaveLength(times);
  });

  test('no address or part of it is in what is said, whatever the server or the client says', async () => {
    const path = '/services/T000SECRET/B000SECRET/abcdef0123456789';
    const echo = await receiver(({ url }) => ({ status: 404, body: `${'x'.repeat(170)} no ${url.pathname}${url.search} here ${token}` }));
    const gone = 'http://127.0.0.1:1';
    const configs = [channel({ slack: { env: 'ECHO' } }), channel({ slack: { env: 'GONE' } }), channel({ webhook: { env: 'BAD' } })];
    const values = { ECHO: `${echo.origin}${path}?key=${token}`, GONE: `${gone}${path}?key=${token}`, BAD: `not an address ${token}` };
    const deliveries = await deliver(configs, message, ports(values));
    expect(deliveries.map(({ delivered }) => delivered)).toEqual([false, false, false]);
    const said = JSON.stringify(deliveries);
    for (const part of ['T000', 'B000', 'abcdef', token, token.slice(0, 8)]) expect(said).not.toContain(part);
    expect(deliveries[1]?.problem).toMatchObject({ where: '127.0.0.1:1', answer: { code: 'ECONNREFUSED' } });
  });

  test('what a server says is cut after it was redacted, so that no half of a secret stands at the cut', async () => {
    const signing = 'SEC-signing-0123456789abcdef';
    const own = await receiver(() => ({ status: 403, body: `${'x'.repeat(185)}${signing} is wrong` }));
    const redact = (text: string): string => text.replaceAll(signing, '***');
    for (const config of [{ slack: { env: 'HOOK' } }, { webhook: { env: 'HOOK' } }]) {
      const [delivery] = await deliver([channel(config)], message, { ...ports({ HOOK: own.origin }), redact });
      expect(delivery?.reason).toContain('xx***');
      expect(JSON.stringify(delivery)).not.toContain('SEC-');
    }
  });

  test('one broken channel does not keep the others from getting the message', async () => {
    const own = await receiver(() => ({ status: 200, body: 'ok' }));
    const configs = [channel({ slack: { env: 'UNSET' } }), channel({}), channel({ slack: { env: 'HOOK' } })];
    const deliveries = await deliver(configs, message, ports({ HOOK: own.origin }));
    expect(deliveries.map(({ delivered }) => delivered)).toEqual([false, false, true]);
    expect(deliveries[1]?.reason).toContain('notify[1]');
  });

  test.each([
    ['12', 12_000],
    ['Thu, 01 Jan 1970 00:00:30 GMT', 29_000],
    ['soon', undefined],
    [undefined, undefined],
  ])('retry-after %s is %s ms', (value, wait) => {
    expect(retryAfterMs(value, 1000)).toBe(wait);
  });
});
