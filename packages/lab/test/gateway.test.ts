import { stat, writeFile } from 'node:fs/promises';
import { request as send } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openBody, userOf } from '../src/gateway/body.ts';
import { startLabGateway, type LabGateway } from '../src/gateway/index.ts';
import { murmur2 } from '../src/gateway/murmur.ts';
import { givenNames } from '../src/gateway/server-block.ts';
import { readVariables } from '../src/gateway/variables.ts';
import { answerJson, startServer, type LabServer } from '../src/server.ts';

test.each([
  ['', 0],
  ['a', 0x9268_5f5e],
  ['ab', 0x1aa1_4063],
  ['abc', 0x1357_7c9b],
  ['abcd', 0x2687_3021],
  ['hello world', 0x44a8_1419],
  ['你好', 0x0e06_0567],
])('murmur2 of %j', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash);
});

const value = (text: string, name: string, given: Readonly<Record<string, string>> = {}): string => {
  const variables = readVariables(text, givenNames);
  if ('refused' in variables) throw new Error(variables.refused);
  return variables.forRequest(given)(name);
};

describe('readVariables', () => {
  test.each([
    ['a literal', 'map "" $x { default one; }', 'one'],
    ['a comment and quotes', '# a { b\nmap "" $x { # c\n default \'a "b" # c\'; }', 'a "b" # c'],
    ['escapes', 'map "" $x { default "a\\"\\\\b\\d"; }', 'a"\\b\\d'],
    ['a variable of another block, before it', 'map $y $x { b two; default no; } map "" $y { default b; }', 'two'],
    ['a key without regard to case', 'map $sluice_user $x { =ADA yes; default no; }', 'yes'],
    ['the empty key', 'map "" $x { "" empty; default no; }', 'empty'],
    ['a pattern with captures', 'map $sluice_user $x { ~^=(a)(d) "$2$1-${sluice_user}"; }', 'da-=ada'],
    ['a pattern without regard to case', 'map $sluice_user $x { ~*^=ADA$ yes; default no; }', 'yes'],
    ['nothing that fits', 'map $sluice_user $x { b two; }', ''],
    ['the last of two definitions', 'map "" $x { default 1; } map "" $x { default 2; }', '2'],
    ['a share of 100%', 'split_clients "$sluice_user" $x { 100% all; * rest; }', 'all'],
    ['no share', 'split_clients "$sluice_user" $x { * rest; }', 'rest'],
  ])('%s', (_, text, expected) => {
    expect(value(text, 'x', { sluice_user: '=ada' })).toBe(expected);
  });

  test('shares come close to what they say, and a rising share keeps its users', () => {
    const arm = (share: string, user: string): string => value(`split_clients "$sluice_user s" $x { ${share} c; * s; }`, 'x', { sluice_user: user });
    const users = Array.from({ length: 2000 }, (_, index) => `=user-${index}`);
    const few = users.filter((user) => arm('5%', user) === 'c');
    const many = users.filter((user) => arm('25%', user) === 'c');
    expect(Math.abs(few.length - 100)).toBeLessThan(40);
    expect(Math.abs(many.length - 500)).toBeLessThan(80);
    expect(few.every((user) => many.includes(user))).toBe(true);
  });
});

describe('userOf', () => {
  test.each([
    ['{"user":"ada"}', '=ada'],
    [' {"inputs":{"user":"no"},"user" : "ada","x":["user",{"user":1}]} \n', '=ada'],
    ['{"user":"a","user":"b"}', '=b'],
    ['{"query":"\\"user\\":\\"no\\"","user":"\\u4f60"}', '=\\u4f60'],
    ['{"a":"user","user":7,"b":"}"}', '=7'],
    ['{"user":{"a":1}}', '='],
    ['{"x":1}', '='],
    ['{}', ''],
    ['[{"user":"a"}]', ''],
    ['{"user":"a"', ''],
    ['{"user":"a"}}', ''],
    ['{"user":"a', ''],
    ['{"a":1]', ''],
    ['', ''],
    ['user', ''],
  ])('%s', (body, user) => {
    expect(userOf(body)).toBe(user);
  });

  test('finds the user in any object, and the body can be continued', () => {
    const json = fc.record({ user: fc.string({ minLength: 1, unit: 'grapheme-ascii' }) }).chain(({ user }) =>
      fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.constant(user), fc.constantFrom(0, 2)),
    );
    fc.assert(
      fc.property(json, ([rest, user, indent]) => {
        const body = Buffer.from(JSON.stringify({ ...rest, user }, null, indent)).toString('latin1');
        expect(userOf(body)).toBe(`=${JSON.stringify(user).slice(1, -1)}`);
        const longer: unknown = JSON.parse(Buffer.from(`${openBody(body)},"workflow_id":"pin"}`, 'latin1').toString());
        expect(longer).toEqual({ ...(JSON.parse(JSON.stringify(rest)) as object), user, workflow_id: 'pin' });
      }),
      { seed: 8 },
    );
  });
});

const include = `
map $sluice_user $sluice_bot_version { "" "S"; "=ada" "C"; default "S"; }
map $sluice_bot_version $sluice_bot_body { "" $request_body; default '$sluice_body_open,"workflow_id":"$sluice_bot_version"}'; }
map $sluice_bot_version $sluice_bot_path { "" /v1/workflows/run; default /v1/workflows/$sluice_bot_version/run; }
map "" $sluice_bot_split { default '{"weight":5}'; }
`;

describe('startLabGateway', () => {
  let upstream: LabServer;
  let gateway: LabGateway;
  beforeEach(async () => {
    upstream = await startServer(async (request, response) => {
      if (request.path === '/events') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: one\n\n');
        await new Promise<void>((resolve) => {
          request.closed.addEventListener('abort', () => resolve());
          setTimeout(resolve, 10_000);
        });
        response.end('data: two\n\n');
        return;
      }
      answerJson(response, request.path === '/broken' ? 500 : 200, {
        method: request.method,
        target: request.target,
        authorization: request.headers['authorization'],
        length: request.body.length,
        body: request.body.toString('utf8').slice(0, 500),
      });
    });
    gateway = await startLabGateway({ upstream: upstream.origin });
    await writeFile(gateway.includeFile, include);
    expect(await gateway.run(['nginx', '-s', 'reload'])).toMatchObject({ code: 0 });
  });
  afterEach(async () => {
    await gateway.close();
    await upstream.close();
  });

  const post = async (path: string, body: string, method = 'POST'): Promise<{ status: number; seen: Record<string, unknown> }> => {
    const answer = await fetch(`${gateway.origin}${path}`, {
      method,
      ...(method === 'POST' ? { body } : {}),
      headers: { authorization: 'Bearer app-key', 'content-type': 'application/json' },
    });
    return { status: answer.status, seen: (await answer.json()) as Record<string, unknown> };
  };

  test('puts the pin behind what a client says', async () => {
    const { seen } = await post('/v1/chat-messages?a=1', '{"workflow_id":"mine","query":"你好","user":"ada"}');
    expect(seen).toMatchObject({
      target: '/v1/chat-messages?a=1',
      authorization: 'Bearer app-key',
      body: '{"workflow_id":"mine","query":"你好","user":"ada","workflow_id":"C"}',
    });
  });

  test.each([
    ['{"user":"ada"}', '/v1/workflows/C/run?a=1'],
    ['{"user":"bob"}', '/v1/workflows/S/run?a=1'],
  ])('pins a workflow by its path: %s', async (body, target) => {
    expect((await post('/v1/workflows/run?a=1', body)).seen).toMatchObject({ target, body });
  });

  test.each([
    ['GET', '/v1/parameters'],
    ['OPTIONS', '/v1/chat-messages'],
    ['OPTIONS', '/v1/workflows/run'],
    ['POST', '/v1/workflows/own/run'],
    ['POST', '/sluice/other'],
  ])('passes %s %s as it is', async (method, path) => {
    expect((await post(path, '{}', method)).seen).toMatchObject({ method, target: path, body: method === 'POST' ? '{}' : '' });
  });

  test('shows its split', async () => {
    expect(await post('/sluice/bot', '', 'GET')).toEqual({ status: 200, seen: { weight: 5 } });
  });

  test('passes errors of the upstream, and says 502 when it is gone', async () => {
    expect((await post('/broken', '{}')).status).toBe(500);
    await upstream.close();
    expect((await post('/v1/parameters', '', 'GET')).status).toBe(502);
  });

  test.each([
    ['/v1/chat-messages', 10 * 1024 * 1024, 200],
    ['/v1/chat-messages', 10 * 1024 * 1024 + 1, 413],
    ['/v1/workflows/run', 10 * 1024 * 1024 + 1, 413],
    ['/v1/files/upload', 10 * 1024 * 1024 + 1, 200],
  ])('%s with %i bytes is answered with %i', async (path, size, status) => {
    const frame = '{"user":"ada","query":""}';
    const answer = await post(path, frame.replace('""', `"${'x'.repeat(size - frame.length)}"`));
    expect(answer.status).toBe(status);
    if (path === '/v1/chat-messages' && status === 200) expect(answer.seen['length']).toBe(size + ',"workflow_id":"C"'.length);
  });

  test.each(['/v1/chat-messages', '/v1/workflows/run'])('refuses a body to %s that is no object', async (path) => {
    expect(await post(path, '[1]')).toMatchObject({ status: 400, seen: { code: 'bad_request' } });
  });

  test.each([
    ['POST', '/v1/completion-messages', 'Bearer app-twin'],
    ['POST', '/v1/workflows/run', 'Bearer app-twin'],
    ['POST', '/v1/workflows/tasks/1/stop?a=1', 'Bearer app-twin'],
    ['POST', '/v1/completion-messages/1/stop', 'Bearer app-twin'],
    ['POST', '/v1/messages/1/feedbacks', 'Bearer app-twin'],
    ['POST', '/v1/files/upload', 'Bearer app-key'],
    ['GET', '/v1/completion-messages', 'Bearer app-key'],
  ])("swaps a twin's key in %s %s", async (method, path, authorization) => {
    const keys = 'map $http_authorization $sluice_bot_twin { default $http_authorization; "Bearer app-key" "Bearer app-twin"; }';
    const twin = await startLabGateway({ upstream: upstream.origin, keys });
    try {
      await writeFile(twin.includeFile, 'map $sluice_user $sluice_bot_authorization { "=ada" $sluice_bot_twin; default $http_authorization; }');
      expect(await twin.run(['nginx', '-s', 'reload'])).toMatchObject({ code: 0 });
      const ask = async (user: string, key: string): Promise<unknown> => {
        const answer = await fetch(`${twin.origin}${path}`, { method, ...(method === 'POST' ? { body: JSON.stringify({ user }) } : {}), headers: { authorization: key } });
        return ((await answer.json()) as Record<string, unknown>)['authorization'];
      };
      expect(await ask('ada', 'Bearer app-key')).toBe(authorization);
      expect(await ask('bob', 'Bearer app-key')).toBe('Bearer app-key');
      expect(await ask('ada', 'Bearer app-other')).toBe('Bearer app-other');
    } finally {
      await twin.close();
    }
  });

  test('streams events as they come', async () => {
    const started = performance.now();
    const answer = await fetch(`${gateway.origin}/events`);
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    const first = await reader.read();
    expect(Buffer.from(first.value ?? []).toString()).toBe('data: one\n\n');
    expect(performance.now() - started).toBeLessThan(8000);
    await reader.cancel();
  });

  test('answers no other name than its own', async () => {
    const status = await new Promise((resolve, reject) => {
      const call = send(gateway.origin, { headers: { host: 'evil.example.com' } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      call.on('error', reject);
      call.end();
    });
    expect(status).toBe(421);
  });

  test('a reload that is refused leaves the old split serving', async () => {
    await writeFile(gateway.includeFile, 'split_clients "$sluice_user" $x { 0% a; * b; }');
    for (const argv of [['nginx', '-t'], ['nginx', '-s', 'reload']]) {
      const answer = await gateway.run(argv);
      expect(answer.code).toBe(1);
      expect(answer.stderr).toContain('[emerg] invalid percent value "0%"');
    }
    expect((await post('/sluice/bot', '', 'GET')).status).toBe(200);
    await writeFile(gateway.includeFile, include.replace('"weight":5', '"weight":6'));
    expect(await gateway.run(['nginx', '-t'])).toMatchObject({ code: 0, stderr: expect.stringContaining('syntax is ok') });
    expect((await post('/sluice/bot', '', 'GET')).seen).toEqual({ weight: 5 });
    await gateway.run(['nginx', '-s', 'reload']);
    expect((await post('/sluice/bot', '', 'GET')).seen).toEqual({ weight: 6 });
  });

  test('knows no other command, and leaves nothing behind', async () => {
    expect((await gateway.run(['nginx', '-s', 'stop'])).code).toBe(1);
    await gateway.close();
    await expect(stat(gateway.includeFile)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
