import { readFile, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { done, type CommandRunner, type Split, type Traffic } from '@sluice/core';
import { createNginxGateway, renderInclude, type GatewayKind } from '@sluice/gateway';
import { startLabGateway } from '@sluice/lab';
import { connectionOf, gatewayOf } from '../../packages/gateway/test/ports.ts';
import type { LabServer } from '../../packages/lab/src/server.ts';
import { application, installed, run, startNginx, wait, type Nginx } from './nginx-program.ts';
import { paths, post, postExtended, seenBy, startUpstream, versionOf, type Seen } from './recording-upstream.ts';

const stable = '0b9c7a52-6a1f-4c1e-9d0a-3f1a2b3c4d5e';
const candidate = '018f3a52-6a1f-7c1e-9d0a-3f1a2b3c4d5e';

const rendered = (split: Split, kind: GatewayKind, name = application): string => {
  const text = renderInclude(split, { application: name, kind });
  if (!text.ok) throw new Error(text.problem.reason);
  return text.value;
};

/** armsOf asks once for each user, some at a time, and gives the version that each met. */
const armsOf = async (origin: string, kind: GatewayKind, users: readonly string[]): Promise<readonly (string | undefined)[]> => {
  const arms: (string | undefined)[] = [];
  // A reload closes kept connections, so each count has connections of its own.
  const fresh = new Agent({ keepAlive: true, maxSockets: 32 });
  for (let at = 0; at < users.length; at += 100) {
    const batch = users.slice(at, at + 100);
    const seen = await Promise.all(batch.map((user) => seenBy(origin + paths[kind], JSON.stringify({ inputs: { user: 'x' }, query: 'hi', user }), { agent: fresh })));
    arms.push(...seen.map((one) => versionOf(kind, one)));
  }
  fresh.destroy();
  return arms;
};

const people = Array.from({ length: 2000 }, (_, index) => (index % 2 === 0 ? `user-${index}` : `用户${index}@example.com`));

beforeAll(installed);

describe.each<GatewayKind>(['chat', 'workflow'])('the documented block for a %s app', (kind) => {
  let upstream: LabServer;
  let nginx: Nginx;
  const started: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    upstream = await startUpstream();
    started.push(upstream.close);
    nginx = await startNginx(upstream.origin, kind, rendered({ stable: '', weight: 0 }, kind));
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
    expect(await seenBy(`${nginx.origin}${paths[kind]}?a=1`, body)).toMatchObject({ path: `${paths[kind]}?a=1`, text: body, authorization: 'Bearer app-0123456789' });
  });

  test('gives each share to its users, keeps users in their arm, and agrees with the lab', async () => {
    const lab = await startLabGateway({ upstream: upstream.origin });
    try {
      let before: ReadonlySet<string> = new Set();
      for (const weight of [5, 25, 50]) {
        const split: Split = { stable, candidate, weight };
        await serve(split);
        const arms = await armsOf(nginx.origin, kind, people);
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
        expect(await armsOf(lab.origin, kind, people.slice(0, 500))).toEqual(arms.slice(0, 500));
      }
    } finally {
      await lab.close();
    }
  });

  test.each([
    [100, candidate],
    [0, stable],
  ])('at %i %% everybody meets one version', async (weight, version) => {
    await serve({ stable, candidate, weight });
    expect(new Set(await armsOf(nginx.origin, kind, people))).toEqual(new Set([version]));
  });

  test('one user stays in one arm over many requests', async () => {
    await serve({ stable, candidate, weight: 50 });
    for (const user of people.slice(0, 10)) {
      const arms = await armsOf(nginx.origin, kind, Array.from({ length: 20 }, () => user));
      expect(new Set(arms).size).toBe(1);
    }
  });

  test('reads the user as the lab does, whatever the body looks like', async () => {
    const lab = await startLabGateway({ upstream: upstream.origin });
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
        const [real, stand] = await Promise.all([post(nginx.origin + paths[kind], body), post(lab.origin + paths[kind], body)]);
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
    const arms = await armsOf(nginx.origin, kind, users);
    for (const arm of [stable, candidate]) {
      const body = bigBody(size, users[arms.indexOf(arm)] ?? '');
      // Chunk headers need room in the same buffer, so the longest body comes in one piece only.
      for (const options of size > 10_000_000 ? [{}] : [{}, { chunked: 60_000 }]) {
        const seen = await seenBy(nginx.origin + paths[kind], body, options);
        expect(versionOf(kind, seen)).toBe(arm);
        expect(seen.length).toBe(kind === 'chat' ? size + `,"workflow_id":"${arm}"`.length : size);
      }
    }
  });

  test('a body full of escapes is read, too', async () => {
    await serve({ stable, candidate, weight: 50 });
    const arms = await armsOf(nginx.origin, kind, people.slice(0, 20));
    const user = people[arms.indexOf(candidate)] ?? '';
    const seen = await seenBy(nginx.origin + paths[kind], JSON.stringify({ query: '\n"\\'.repeat(1_500_000), user }));
    expect(versionOf(kind, seen)).toBe(candidate);
  });

  test('a body over the limit is 413, and one that does not fit by its chunks is never emptied or unpinned', async () => {
    await serve({ stable, weight: 0 });
    const long = `{"user":"ada","query":"${'x'.repeat(10 * 1024 * 1024)}"}`;
    expect((await post(nginx.origin + paths[kind], long)).status).toBe(413);
    const text = `{"user":"ada","query":"${'x'.repeat(5_000_000)}"}`;
    const answer = await postExtended(nginx.origin, paths[kind], text);
    if (kind === 'chat') {
      expect(answer).toMatchObject({ status: 413, text: expect.stringContaining('"too_large"') });
    } else {
      expect(JSON.parse(answer.text)).toMatchObject({ path: `/v1/workflows/${stable}/run`, length: text.length });
    }
  });

  test("Dify's own errors pass, and other methods and paths are not touched", async () => {
    await serve({ stable, weight: 0 });
    const failing = await post(nginx.origin + paths[kind], '{"user":"ada","query":"fail"}');
    expect(failing.status).toBe(500);
    expect(versionOf(kind, JSON.parse(failing.text) as Seen)).toBe(stable);
    for (const path of ['/v1/workflows/own/run', '/v1/completion-messages', '/v1/chat-messages/task/stop', '/v1/workflows/run/some-id']) {
      expect(await seenBy(nginx.origin + path, '{"user":"ada"}')).toMatchObject({ path, text: '{"user":"ada"}' });
    }
    const options = await post(nginx.origin + paths[kind], '', { method: 'OPTIONS' });
    expect(options.status).toBe(200);
    expect((JSON.parse(options.text) as Seen).length).toBe(0);
  });

  test('streamed answers arrive event by event', async () => {
    await serve({ stable, weight: 0 });
    const started = performance.now();
    const answer = await fetch(nginx.origin + paths[kind], {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"user":"ada","response_mode":"streaming"}',
    });
    const times: number[] = [];
    let text = '';
    for await (const part of answer.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(part).toString();
      times.push(performance.now() - started);
    }
    expect(text).toBe('data: one\n\ndata: two\n\ndata: three\n\n');
    expect(times[0]).toBeLessThan(250);
    expect(times.length).toBeGreaterThanOrEqual(3);
  });

  test('reloads under load: every answer is of one of the two versions, and none is an error', async () => {
    await serve({ stable, weight: 0 });
    const loaded = new Agent({ keepAlive: true, maxSockets: 16 });
    const counts = new Map<string, number>();
    let going = true;
    const caller = async (number: number): Promise<void> => {
      while (going) {
        const key = await post(nginx.origin + paths[kind], `{"user":"user-${number}"}`, { agent: loaded }).then(
          ({ status, text }) => (status === 200 ? (versionOf(kind, JSON.parse(text) as Seen) ?? 'unpinned') : `status ${status}`),
          () => 'reset',
        );
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    };
    const callers = Array.from({ length: 16 }, (_, number) => caller(number));
    for (const weight of [50, 0, 50]) {
      await serve({ stable, candidate, weight });
      await wait(200);
    }
    going = false;
    await Promise.all(callers);
    loaded.destroy();
    const { [stable]: first = 0, [candidate]: second = 0, reset = 0, ...others } = Object.fromEntries(counts);
    expect(others).toEqual({});
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(0);
    expect(reset).toBeLessThanOrEqual(3 * 16);
  });
});

test('the gateway pins, splits, closes and notices a refusal on the real nginx', async () => {
  const upstream = await startUpstream();
  const nginx = await startNginx(upstream.origin, 'chat', rendered({ stable: '', weight: 0 }, 'chat'));
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
      const arms = await armsOf(nginx.origin, 'chat', people.slice(0, 100));
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
    const nginx = await startNginx(upstream.origin, 'chat', rendered({ stable, weight: 0 }, 'chat', name), name);
    try {
      expect(await seenBy(nginx.origin + paths.chat, '{"user":"ada"}')).toMatchObject({ text: `{"user":"ada","workflow_id":"${stable}"}` });
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
  const lab = await startLabGateway({ upstream: upstream.origin });
  const nginx = await startNginx(upstream.origin, 'chat', rendered({ stable: '', weight: 0 }, 'chat'));
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
