import { readFile, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { done, type CommandRunner, type Split, type Traffic } from '@sluice/core';
import { createNginxGateway, renderInclude, type GatewayKind } from '@sluice/gateway';
import { startLabGateway } from '@sluice/lab';
import { connectionOf, gatewayOf } from '../../packages/gateway/test/ports.ts';
import type { LabServer } from '../../packages/lab/src/server.ts';
import { application, installed, keys, run, startNginx, wait, type Nginx } from './nginx-program.ts';
import { armOf, forms, post, postExtended, seenBy, startUpstream, type Form, type Seen } from './recording-upstream.ts';

const stable = '0b9c7a52-6a1f-4c1e-9d0a-3f1a2b3c4d5e';
const candidate = '018f3a52-6a1f-7c1e-9d0a-3f1a2b3c4d5e';
const both = { stable, candidate };

const rendered = (split: Split, kind: GatewayKind, name = application): string => {
  const text = renderInclude(split, { application: name, kind });
  if (!text.ok) throw new Error(text.problem.reason);
  return text.value;
};

/** armsOf asks once for each user, some at a time, and gives the version that each met. */
const armsOf = async (origin: string, { kind, path }: Form, users: readonly string[], sockets = 32): Promise<readonly (string | undefined)[]> => {
  const arms: (string | undefined)[] = [];
  // A reload closes kept connections, so each count has connections of its own.
  const fresh = new Agent({ keepAlive: true, maxSockets: sockets });
  for (let at = 0; at < users.length; at += 100) {
    const batch = users.slice(at, at + 100);
    const seen = await Promise.all(batch.map((user) => seenBy(origin + path, JSON.stringify({ inputs: { user: 'x' }, query: 'hi', user }), { agent: fresh })));
    arms.push(...seen.map((one) => armOf(kind, both, one)));
  }
  fresh.destroy();
  return arms;
};

/** labKeys is the operator's file of keys for the lab's gateway. */
const labKeys = `map $http_authorization $sluice_support_bot_production_twin { default $http_authorization; "Bearer ${keys.app}" "Bearer ${keys.twin}"; }`;

const people = Array.from({ length: 2000 }, (_, index) => (index % 2 === 0 ? `user-${index}` : `用户${index}@example.com`));

beforeAll(installed);

describe.each(forms)('the documented block for a $name', (form) => {
  const { kind, path } = form;
  let upstream: LabServer;
  let nginx: Nginx;
  const started: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    upstream = await startUpstream();
    started.push(upstream.close);
    nginx = await startNginx({ upstream: upstream.origin, kind, text: rendered({ stable: '', weight: 0 }, kind) });
    started.push(nginx.close);
  });
  afterEach(async () => {
    for (const close of started.splice(0).reverse()) await close();
  });

  /** serve puts a split into place and waits until no worker is left that knows another. */
  const serve = async (split: Split): Promise<void> => {
    await nginx.write(rendered(split, kind));
    const before = await nginx.workers();
    expect(await nginx.run('-s', 'reload')).toMatchObject({ code: 0 });
    for (let tries = 0; tries < 300; tries += 1) {
      const now = await nginx.workers();
      if (now.length === 2 && !now.some((worker) => before.includes(worker))) return;
      await wait(20);
    }
    throw new Error('nginx still runs workers of the split before');
  };

  test('passes everything untouched while nothing is pinned', async () => {
    const body = '{"user":"ada", "workflow_id":"mine"}';
    expect(await seenBy(`${nginx.origin}${path}?a=1`, body)).toMatchObject({ path: `${path}?a=1`, text: body, authorization: `Bearer ${keys.app}` });
  });

  test('gives each share to its users, keeps users in their arm, and agrees with the lab', async () => {
    const lab = await startLabGateway({ upstream: upstream.origin, keys: labKeys });
    try {
      let before: ReadonlySet<string> = new Set();
      for (const weight of [5, 25, 50, 100]) {
        const split: Split = { stable, candidate, weight };
        await serve(split);
        const arms = await armsOf(nginx.origin, form, people);
        const met = people.filter((_, index) => arms[index] === candidate);
        expect(arms.filter((arm) => arm === stable)).toHaveLength(people.length - met.length);
        const share = weight / 100;
        const bound = 4 * Math.sqrt(people.length * share * (1 - share));
        expect(Math.abs(met.length - people.length * share)).toBeLessThanOrEqual(bound);
        const now = new Set(met);
        expect([...before].every((user) => now.has(user))).toBe(true);
        before = now;

        await writeFile(lab.includeFile, rendered(split, kind));
        expect(await lab.run(['nginx', '-s', 'reload'])).toMatchObject({ code: 0 });
        expect(await armsOf(lab.origin, form, people.slice(0, 500))).toEqual(arms.slice(0, 500));
      }
      await serve({ stable, candidate, weight: 0 });
      expect(new Set(await armsOf(nginx.origin, form, people))).toEqual(new Set([stable]));
    } finally {
      await lab.close();
    }
  });

  test('one user stays in one arm over many requests', async () => {
    await serve({ stable, candidate, weight: 50 });
    for (const user of people.slice(0, 10)) {
      const arms = await armsOf(nginx.origin, form, Array.from({ length: 20 }, () => user));
      expect(new Set(arms).size).toBe(1);
    }
  });

  test('users who share one kept connection meet each their own version', async () => {
    await serve({ stable, candidate, weight: 50 });
    const users = people.slice(0, 100);
    const apart = await armsOf(nginx.origin, form, users);
    expect(new Set(apart)).toEqual(new Set([stable, candidate]));
    expect(await armsOf(nginx.origin, form, users, 1)).toEqual(apart);
  });

  test('reads the user as the lab does, whatever the body looks like', async () => {
    const lab = await startLabGateway({ upstream: upstream.origin, keys: labKeys });
    const split: Split = { stable, candidate, weight: 50 };
    const bodies = [
      ...Array.from({ length: 16 }, (_, index) => [
        `{"user":"u${index}"}`,
        ` \n{ "inputs" : {"user":"no","deep":[[{"user":"no"}]]} , "user" :\t"u${index}" , "files":["user",{"type":"}"}] }\n`,
        `{"user":"first","user":"u${index}"}`,
        `{"query":"\\"user\\":\\"no\\" \\\\","user":"你${index}"}`,
        `{"user":${index},"x":"user"}`,
      ]).flat(),
      '{"user":{"a":1}}',
      '{"user":null}',
      '{"user":""}',
      '{"x":1}',
      `{"a":${'['.repeat(500)}${']'.repeat(500)},"user":"deep"}`,
      '{}',
      '[]',
      '[{"user":"u1"}]',
      '{"user":"u1"',
      '{"user":"u1"}}',
      '{"user":"u1',
      '{"a":1]',
      'user=u1',
      '',
    ];
    try {
      await serve(split);
      await writeFile(lab.includeFile, rendered(split, kind));
      await lab.run(['nginx', '-s', 'reload']);
      for (const body of bodies) {
        const [real, stand] = await Promise.all([post(nginx.origin + path, body), post(lab.origin + path, body)]);
        expect({ body, ...real }).toEqual({ body, ...stand });
      }
    } finally {
      await lab.close();
    }
  });

  /** bigBody is a body of a size in bytes, of a user. */
  const bigBody = (size: number, user: string): string => {
    const frame = JSON.stringify({ query: '', user });
    return frame.replace('""', `"${'x'.repeat(size - frame.length)}"`);
  };

  test.each([1_000, 100_000, 1_000_000, 10 * 1024 * 1024])('a body of %i bytes arrives whole, in the arm of its user, in one piece or in chunks', async (size) => {
    await serve({ stable, candidate, weight: 50 });
    const users = people.filter((_, index) => index % 2 === 0).slice(0, 20);
    const arms = await armsOf(nginx.origin, form, users);
    for (const arm of [stable, candidate]) {
      const body = bigBody(size, users[arms.indexOf(arm)] ?? '');
      // Chunk headers need room in the same buffer, so the longest body comes in one piece only.
      for (const options of size > 10_000_000 ? [{}] : [{}, { chunked: 60_000 }]) {
        const seen = await seenBy(nginx.origin + path, body, options);
        expect(armOf(kind, both, seen)).toBe(arm);
        expect(seen.length).toBe(kind === 'chat' ? size + `,"workflow_id":"${arm}"`.length : size);
      }
    }
  });

  test('a body full of escapes is read, too', async () => {
    await serve({ stable, candidate, weight: 50 });
    const arms = await armsOf(nginx.origin, form, people.slice(0, 20));
    const user = people[arms.indexOf(candidate)] ?? '';
    const seen = await seenBy(nginx.origin + path, JSON.stringify({ query: '\n"\\'.repeat(1_500_000), user }));
    expect(armOf(kind, both, seen)).toBe(candidate);
  });

  test('a body over the limit is 413, and one that does not fit by its chunks is never emptied or unpinned', async () => {
    await serve({ stable, weight: 0 });
    const long = `{"user":"ada","query":"${'x'.repeat(10 * 1024 * 1024)}"}`;
    expect((await post(nginx.origin + path, long)).status).toBe(413);
    const text = `{"user":"ada","query":"${'x'.repeat(5_000_000)}"}`;
    expect(await postExtended(nginx.origin, path, text)).toMatchObject({ status: 413, text: expect.stringContaining('"too_large"') });
    expect((await post(nginx.origin + path, '[1]')).status).toBe(400);
  });

  test("Dify's own errors pass, and other methods and paths are not touched", async () => {
    await serve({ stable, weight: 0 });
    const failing = await post(nginx.origin + path, '{"user":"ada","query":"fail"}');
    expect(failing.status).toBe(500);
    expect(armOf(kind, both, JSON.parse(failing.text) as Seen)).toBe(stable);
    for (const other of ['/v1/workflows/own/run', '/v1/audio-to-text', '/v1/chat-messages/task/stop', '/v1/workflows/run/some-id']) {
      expect(await seenBy(nginx.origin + other, '{"user":"ada"}')).toMatchObject({ path: other, text: '{"user":"ada"}', authorization: `Bearer ${keys.app}` });
    }
    const options = await post(nginx.origin + path, '', { method: 'OPTIONS' });
    expect(options.status).toBe(200);
    expect((JSON.parse(options.text) as Seen).length).toBe(0);
  });

  test('streamed answers arrive event by event, in the arm of their user', async () => {
    await serve({ stable, candidate, weight: 50 });
    const users = people.slice(0, 20);
    const arms = await armsOf(nginx.origin, form, users);
    for (const arm of [stable, candidate]) {
      const started = performance.now();
      const answer = await fetch(nginx.origin + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${keys.app}` },
        body: JSON.stringify({ user: users[arms.indexOf(arm)], response_mode: 'streaming' }),
      });
      const parts: { readonly text: string; readonly at: number }[] = [];
      for await (const part of answer.body as unknown as AsyncIterable<Uint8Array>) {
        parts.push({ text: Buffer.from(part).toString(), at: performance.now() - started });
      }
      const events = parts.map(({ text }) => text).join('').split('\n\n');
      expect(events.slice(1)).toEqual(['data: two', 'data: three', '']);
      expect(armOf(kind, both, JSON.parse((events[0] ?? '').replace('data: ', '')) as Seen)).toBe(arm);
      expect(parts[0]?.at).toBeLessThan(250);
      expect(parts.length).toBeGreaterThanOrEqual(3);
    }
  });
});

test("a twin's key is given only for the key of its app, and what stops or rates an answer goes where the answer came from", async () => {
  const upstream = await startUpstream();
  const nginx = await startNginx({ upstream: upstream.origin, kind: 'twin', text: rendered({ stable, candidate, weight: 100 }, 'twin') });
  try {
    for (const path of ['/v1/completion-messages', '/v1/completion-messages/1/stop', '/v1/workflows/run', '/v1/workflows/tasks/1/stop', '/v1/messages/1/feedbacks']) {
      const answer = await seenBy(`${nginx.origin}${path}?a=%2F`, '{"user":"ada"}');
      expect(answer).toMatchObject({ path: `${path}?a=%2F`, text: '{"user":"ada"}', authorization: `Bearer ${keys.twin}` });
    }
    for (const authorization of ['Bearer app-another', `Bearer ${keys.app}0`, keys.app]) {
      const answer = await fetch(`${nginx.origin}/v1/completion-messages`, { method: 'POST', body: '{"user":"ada"}', headers: { authorization } });
      expect(await answer.json()).toMatchObject({ authorization });
    }
    expect((await (await fetch(`${nginx.origin}/v1/completion-messages`, { method: 'POST', body: '{"user":"ada"}' })).json()) as object).not.toHaveProperty('authorization');
    expect(await seenBy(`${nginx.origin}/v1/files/upload`, '{"user":"ada"}')).toMatchObject({ authorization: `Bearer ${keys.app}` });
    expect(await (await fetch(`${nginx.origin}/sluice/${application}`)).text()).not.toContain('app-');
  } finally {
    await nginx.close();
    await upstream.close();
  }
});

test('the gateway pins, splits, closes and notices a refusal on the real nginx', async () => {
  const upstream = await startUpstream();
  const nginx = await startNginx({ upstream: upstream.origin, kind: 'chat', text: rendered({ stable: '', weight: 0 }, 'chat') });
  const [test, reload] = [nginx.command('-t'), nginx.command('-s', 'reload')];
  const gatewayWith = (testing: string[]): Traffic => {
    const commands: CommandRunner = {
      run: async ({ argv: [program = '', ...rest] }) => {
        const ended = await run(program, rest).catch((error: { code: number; stderr: string }) => error);
        return done({ code: 'code' in ended ? ended.code : 0, stdout: '', stderr: ended.stderr });
      },
    };
    const configured = gatewayOf(nginx.include, `${nginx.origin}/v1`);
    const gateway = { ...configured, nginx: { ...configured.nginx, test: testing, reload } };
    return createNginxGateway({ application, kind: 'chat', gateway, api: 'https://dify.example.com/v1', connection: connectionOf({ commands }) });
  };
  try {
    const traffic = gatewayWith(test);
    const splits: Split[] = [{ stable: '', weight: 0 }, { stable, weight: 0 }, { stable, candidate, weight: 50 }, { stable, weight: 0 }];
    for (const [index, wanted] of splits.slice(1).entries()) {
      const expected = splits[index];
      if (expected === undefined) throw new Error('no split before');
      expect(await traffic.set(expected, wanted)).toEqual(done({ split: wanted, reach: 'serving' }));
      const arms = await armsOf(nginx.origin, forms[0] ?? { name: '', kind: 'chat', path: '' }, people.slice(0, 100));
      expect(new Set(arms)).toEqual(new Set(wanted.weight === 0 ? [stable] : [stable, candidate]));
    }
    const before = await readFile(nginx.include, 'utf8');
    const broken = gatewayWith([...test, '-g', 'nonsense;']);
    expect(await broken.set({ stable, weight: 0 }, { stable, candidate, weight: 5 })).toMatchObject({
      ok: false,
      problem: { category: 'platform', answer: { message: expect.stringContaining('unknown directive "nonsense"') } },
    });
    expect(await readFile(nginx.include, 'utf8')).toBe(before);
  } finally {
    await nginx.close();
    await upstream.close();
  }
});

test('the longest name that an application may have fits', async () => {
  const name = `ab${'-b'.repeat(39)}`;
  const upstream = await startUpstream();
  try {
    const nginx = await startNginx({ upstream: upstream.origin, kind: 'chat', text: rendered({ stable, weight: 0 }, 'chat', name), name });
    try {
      expect(await seenBy(nginx.origin + '/v1/chat-messages', '{"user":"ada"}')).toMatchObject({ text: `{"user":"ada","workflow_id":"${stable}"}` });
      expect(await (await fetch(`${nginx.origin}/sluice/${name}`)).json()).toMatchObject({ application: name });
    } finally {
      await nginx.close();
    }
  } finally {
    await upstream.close();
  }
});

test('the lab accepts and refuses the include files that nginx accepts and refuses, in the same words', async () => {
  const upstream = await startUpstream();
  const lab = await startLabGateway({ upstream: upstream.origin, keys: labKeys });
  const nginx = await startNginx({ upstream: upstream.origin, kind: 'chat', text: rendered({ stable: '', weight: 0 }, 'chat') });
  // What the server block needs stands in front of each case.
  const needed = 'map "" $sluice_support_bot_production_body { default a; } map "" $sluice_support_bot_production_split { default b; }\n';
  const cases = [
    '',
    'map "" $a { default 1; }',
    'map "" $a { default 1; } map "" $a { default 2; }',
    'map "" $a { x 1; X 2; }',
    'map "" $a { default 1; default 2; }',
    'map "" $a { x; }',
    'map "" $a { x y z; }',
    'map "" $a { default 1 }',
    'map "" $a { default 1;',
    'map "" $a { default "x; }',
    'map "" $a { default "x"y; }',
    'map "" $a;',
    'map $a { default 1; }',
    'map "" a { default 1; }',
    'map "" $request_body { default 1; }',
    'map $nope $a { default 1; }',
    'map "" $a { default $nope; }',
    'map "" $a { default ${1}; }',
    'map "" $a { default "$"; }',
    "map \"\" $a { '~(' 1; }",
    '}',
    ';',
    'foo bar;',
    'foo { }',
    'split_clients "x" $a { 0% c; * s; }',
    'split_clients "x" $a { 0.00% c; * s; }',
    'split_clients "x" $a { 0.001% c; * s; }',
    'split_clients "x" $a { 0.01% c; * s; }',
    'split_clients "x" $a { 5. c; * s; }',
    'split_clients "x" $a { -5% c; * s; }',
    'split_clients "x" $a { 5 c; * s; }',
    'split_clients "x" $a { 100% c; * s; }',
    'split_clients "x" $a { 60% c; 50% d; * s; }',
    'split_clients "x" $a { * c; 5% s; }',
    'split_clients "$nope" $a { 5% c; * s; }',
  ];
  // PCRE and JavaScript word their own errors.
  const words = (stderr: string): string => (/\[emerg\] (?:\d+#\d+: )?(.*?)(?: in \/.*| on line .*)?$/m.exec(stderr)?.[1] ?? '').replace(/(pcre2_compile\(\) failed).*/, '$1');
  try {
    for (const text of cases) {
      await nginx.write(needed + text);
      await writeFile(lab.includeFile, needed + text);
      const [real, stand] = [await nginx.run('-t'), await lab.run(['nginx', '-t'])];
      expect({ text, code: stand.code, words: words(stand.stderr) }).toEqual({ text, code: real.code, words: words(real.stderr) });
    }
  } finally {
    await nginx.close();
    await lab.close();
    await upstream.close();
  }
});
