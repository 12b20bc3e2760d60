import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from '../src/source/parse.ts';
import { chatApp, chatflow, node, sourceOf, textOf, workflowApp, type Dsl } from './dsl.ts';
import { careful, greeting, hello, madeIn, never, some, storedSecret, unknownId, withSecret } from './fixtures.ts';
import { openHouse, problem, targetOf, value, type House } from './harness.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

const made = (dsl?: Dsl, publish?: boolean) => madeIn(house, dsl, publish);

describe('publish, versions and marks', () => {
  test('publishes what was judged, tells its id, and shortens the texts', async () => {
    const app = made();
    const source = sourceOf(greeting('next'));
    const target = await targetOf(house, app.appId, source);
    const { version } = value(await target.deploy(source, careful));
    const published = value(await target.publish({ name: 'a name that is far too long for Dify', marks: { commit: 'c'.repeat(40) }, digest: version.digest ?? '' }));
    expect(published).toMatchObject({ digest: source.digest, name: 'a name that is far t', comment: `commit=${'c'.repeat(12)}` });
    expect(house.lab.published(app.appId)).toBe(published.id);
    const versions = value(await some(target.versions)());
    expect(versions.map((one) => one.id)).toEqual([published.id, app.published]);
    expect(versions.every((one) => one.publishedAt.endsWith('Z'))).toBe(true);
    await target.mark?.(published.id, { commit: 'd'.repeat(40), verdict: 'passed' });
    expect(value(await target.inspect()).live).toMatchObject({ id: published.id, comment: `commit=${'d'.repeat(12)} verdict=passed` });
  });

  test('refuses a draft that is not the judged one', async () => {
    const app = made();
    const target = await targetOf(house, app.appId, sourceOf(chatflow()));
    expect(problem(await target.publish({ name: 'x', marks: {}, digest: 'sha256:other' }))).toMatchObject({ category: 'conflict' });
    expect(house.lab.published(app.appId)).toBe(app.published);
  });

  test('looks before it gives up when the answer to a publication is lost', async () => {
    const app = made();
    const http = { ...house.http, send: house.http.send, stream: house.http.stream };
    const losing: typeof house.http = {
      ...http,
      send: async (request) => {
        const answer = await house.http.send(request);
        return request.url.endsWith('/workflows/publish') && request.method === 'POST' ? { ok: false, problem: { category: 'platform', reason: 'the connection was cut' } } : answer;
      },
    };
    const target = await targetOf(house, app.appId, sourceOf(chatflow()), { http: losing });
    const published = value(await target.publish({ name: 'x', marks: {} }));
    expect(published.id).toBe(house.lab.published(app.appId));
    expect(published.id).not.toBe(app.published);
  });

  test('a publication that was lost on the way is told as lost', async () => {
    const app = made();
    const losing: typeof house.http = {
      ...house.http,
      send: async (request) =>
        request.url.endsWith('/workflows/publish') && request.method === 'POST' ? { ok: false, problem: { category: 'platform', reason: 'the connection was cut' } } : house.http.send(request),
    };
    const target = await targetOf(house, app.appId, sourceOf(chatflow()), { http: losing });
    expect(problem(await target.publish({ name: 'x', marks: {} })).reason).toBe('the connection was cut');
    expect(house.lab.published(app.appId)).toBe(app.published);
  });
});

describe('restore and snapshot', () => {
  test.each(['1.12.1', '1.13.3'] as const)('brings the old content back as a new version, secrets kept, on %s', async (release) => {
    const own = await openHouse(release);
    try {
      const app = own.lab.createApp(textOf(withSecret(chatflow())));
      const source = sourceOf(greeting('next'));
      const target = await targetOf(own, app.appId, source);
      value(await target.deploy(source, careful));
      const next = value(await target.publish({ name: 'next', marks: {} }));
      const back = value(await target.restore(app.published ?? '', { verdict: 'rolled-back' }));
      expect(back.digest).toBe(sourceOf(chatflow()).digest);
      expect(back.comment).toBe('verdict=rolled-back');
      expect([app.published, next.id]).not.toContain(back.id);
      expect(own.lab.published(app.appId)).toBe(back.id);
      expect(await storedSecret(own, app.appId)).toBe('sk-first');
    } finally {
      await own.close();
    }
  });

  test('an unknown version lists the newest', async () => {
    const app = made();
    const target = await targetOf(house, app.appId, sourceOf(chatflow()));
    const refused = problem(await target.restore(unknownId, {}));
    expect(refused).toMatchObject({ category: 'input' });
    expect(refused.hint).toContain(app.published);
  });

  test('a snapshot is what is live, without secrets, and can be deployed again', async () => {
    const app = made();
    const source = sourceOf(greeting('only in the draft'));
    const target = await targetOf(house, app.appId, source);
    value(await target.deploy(source, careful));
    const taken = value(await target.snapshot());
    expect(taken).toMatchObject({ digest: sourceOf(chatflow()).digest, version: { id: app.published } });
    const text = taken.files['app.yml'] ?? '';
    expect(text).not.toContain('sk-first');
    expect(parse({ path: 'app.yml', folder: '', text }).source?.digest).toBe(taken.digest);
  });
});

describe('open', () => {
  test('asks the draft, a published version and the live address, and knows which version answered', async () => {
    const app = made();
    const source = sourceOf(greeting('next', (dsl) => Object.assign(dsl.workflow.graph?.nodes[2] ?? {}, node('answer', 'answer', { answer: 'draft says {{#llm.text#}}' }))));
    const target = await targetOf(house, app.appId, source);
    value(await target.deploy(source, careful));
    const published = app.published ?? '';
    for (const [version, answered] of [['draft', 'draft'], [published, published], ['live', published]] as const) {
      const opened = value(await target.open(version));
      const reply = value(await opened.ask(hello, never));
      expect([version, reply.failed, reply.version]).toEqual([version, undefined, answered]);
      expect(reply.text.startsWith('draft says')).toBe(version === 'draft');
      expect(reply.text).toContain('hello');
      expect(reply.tokens).toBeGreaterThan(0);
      expect(reply.firstTokenMs).toBeGreaterThan(0);
      value(await opened.close());
    }
  });

  test('workflows are asked by path, streaming and whole', async () => {
    const app = made(withSecret(workflowApp()));
    const target = await targetOf(house, app.appId, sourceOf(workflowApp()));
    for (const version of ['draft', app.published ?? '', 'live']) {
      for (const streaming of [true, false]) {
        const reply = value(await (value(await target.open(version))).ask({ ...hello, streaming }, never));
        expect([version, reply.failed, reply.version]).toEqual([version, undefined, version === 'live' ? app.published : version]);
        expect(reply.text).not.toBe('');
      }
    }
  });

  test('failures inside an answer are failed replies', async () => {
    const app = made();
    house.lab.setFaults(app.appId, undefined, { errors: 1 });
    const target = await targetOf(house, app.appId, sourceOf(chatflow()));
    for (const version of ['draft', app.published ?? '']) {
      const reply = value(await (value(await target.open(version))).ask(hello, never));
      expect(reply.failed).toBeDefined();
    }
    house.lab.setFaults(app.appId, undefined, { throttled: 1 });
    expect(value(await (value(await target.open('live'))).ask(hello, never))).toMatchObject({ status: 429, failed: expect.stringContaining('429') });
    house.lab.setFaults(app.appId, undefined, { dropped: 1 });
    expect(value(await (value(await target.open('live'))).ask(hello, never)).failed).toBeDefined();
  });

  test('a missing input is a failed reply, an unknown version and a wrong key are problems', async () => {
    const app = made();
    const target = await targetOf(house, app.appId, sourceOf(chatflow()));
    const live = value(await target.open('live'));
    expect(value(await live.ask({ ...hello, inputs: {} }, never)).failed).toContain('city');
    const gone = value(await target.open(unknownId));
    expect(problem(await gone.ask(hello, never))).toMatchObject({ category: 'input' });
    expect(problem(await target.open('v1'))).toMatchObject({ category: 'input' });
    const { email, password } = house.lab.credentials;
    const wrong = await targetOf(house, app.appId, sourceOf(chatflow()), { secrets: { DIFY_EMAIL: email, DIFY_PASSWORD: password, DIFY_APP_KEY: 'app-wrong' } });
    expect(problem(await (value(await wrong.open('live'))).ask(hello, never))).toMatchObject({ category: 'permission' });
  });
});

describe('gateway', () => {
  test('keeps its users safe before anything else when a version is restored', async () => {
    const app = made();
    const gateway = await house.gateway();
    const source = sourceOf(greeting('next'));
    const target = await targetOf(house, app.appId, source, { gateway });
    value(await target.deploy(source, careful));
    const next = value(await target.publish({ name: 'next', marks: {} }));
    const stable = app.published ?? '';
    value(await some(target.traffic).set({ stable, weight: 0 }, { stable, candidate: next.id, weight: 50 }));
    const broken: typeof house.http = {
      ...house.http,
      send: async (request) =>
        request.url.endsWith('/workflows/draft') && request.method === 'POST' ? { ok: false, problem: { category: 'platform', reason: 'the connection was cut' } } : house.http.send(request),
    };
    const failing = await targetOf(house, app.appId, source, { gateway, http: broken });
    problem(await failing.restore(stable, {}));
    expect(value(await some(target.traffic).read()).split).toEqual({ stable, weight: 0 });
  });

  test('pins the live version before publishing, splits, and follows a restore', async () => {
    const app = made();
    const gateway = await house.gateway();
    const source = sourceOf(greeting('next'));
    const target = await targetOf(house, app.appId, source, { gateway });
    expect(target.exposure.title).toBe('Dify behind a gateway');
    value(await target.deploy(source, careful));
    const next = value(await target.publish({ name: 'next', marks: {} }));
    const traffic = some(target.traffic);
    const stable = app.published ?? '';
    expect(value(await traffic.read())).toMatchObject({ split: { stable, weight: 0 }, reach: 'serving' });
    expect(house.lab.published(app.appId)).toBe(next.id);
    expect(value(await target.inspect())).toMatchObject({ live: { id: stable } });
    const live = value(await target.open('live'));
    expect(value(await live.ask(hello, never)).version).toBe(stable);
    value(await traffic.set({ stable, weight: 0 }, { stable, candidate: next.id, weight: 50 }));
    expect(problem(await target.publish({ name: 'again', marks: {} }))).toMatchObject({ category: 'conflict' });
    const back = value(await target.restore(stable, {}));
    expect(value(await traffic.read()).split).toEqual({ stable: back.id, weight: 0 });
    expect(value(await live.ask(hello, never)).version).toBe(back.id);
  });

  test('the file of another environment is refused and kept, and a name that nginx cannot take is refused at once', async () => {
    const app = made();
    const gateway = await house.gateway();
    const source = sourceOf(greeting('next'));
    const target = await targetOf(house, app.appId, source, { gateway });
    value(await some(target.traffic).set({ stable: '', weight: 0 }, { stable: app.published ?? '', weight: 0 }));
    expect(await readFile(gateway.includeFile, 'utf8')).toContain('$sluice_support_bot_here_version');
    const other = await targetOf(house, app.appId, source, { gateway, name: 'support-bot-staging' });
    expect(problem(await some(other.traffic).read())).toMatchObject({ category: 'input', reason: expect.stringContaining('support-bot-here') });
    await expect(targetOf(house, app.appId, source, { gateway, name: 'b'.repeat(81) })).rejects.toThrow('at most 80');
  });

  test('a gateway is no use for an app without versions', async () => {
    const gateway = await house.gateway();
    await expect(targetOf(house, '', sourceOf(chatApp()), { gateway })).rejects.toThrow('cannot split a chat app');
  });
});

describe('checks', () => {
  test('pass on a server that is set up, before the first publication too, and fail with a wrong key', async () => {
    for (const publish of [true, false]) {
      const app = made(undefined, publish);
      const target = await targetOf(house, app.appId, sourceOf(chatflow()));
      for (const rung of target.checks()) value(await rung.run(never));
    }
    const target = await targetOf(house, made().appId, sourceOf(chatflow()), { secrets: { DIFY_APP_KEY: 'app-wrong' } });
    const [console, service] = await Promise.all(target.checks().map((rung) => rung.run(never)));
    expect(console?.ok).toBe(true);
    expect(service).toMatchObject({ ok: false, problem: { category: 'permission' } });
  });
});
