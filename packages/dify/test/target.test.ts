import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DeployOptions, Question } from '@sluice/core';
import { parse } from '../src/source/parse.ts';
import { overlay } from '../src/source/overlay.ts';
import { DifySource } from '../src/source/source.ts';
import { chatApp, chatflow, node, sourceOf, textOf, workflowApp, type Dsl } from './dsl.ts';
import { connectionTo, openHouse, problem, secretsOf, targetOf, value, type House } from './harness.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

const careful: DeployOptions = { create: false, overwrite: false };
const hello: Question = { query: 'hello', inputs: { city: '杭州' }, user: 'tester', streaming: true };
const never = new AbortController().signal;

const greeting = (text: string, change: (dsl: ReturnType<typeof chatflow>) => void = () => undefined): Dsl => {
  const dsl = chatflow();
  dsl.workflow.features['opening_statement'] = text;
  change(dsl);
  return dsl;
};

/** withSecret is a file whose secret has a value, as the overlay puts it there. */
const withSecret = (dsl: Dsl, secret = 'sk-first'): Dsl => {
  Object.assign(dsl.workflow?.environment_variables[0] ?? {}, { value: secret });
  return dsl;
};

const made = (dsl: Dsl = withSecret(chatflow()), publish = true) => house.lab.createApp(textOf(dsl), { publish });

describe('inspect', () => {
  test('tells server, live and candidate, by content', async () => {
    const app = made();
    const inspection = value(await (await targetOf(house, app.appId, sourceOf(chatflow()))).inspect());
    expect(inspection).toMatchObject({ exists: true, server: 'Dify 1.12.1', live: { id: app.published }, candidate: { id: 'draft' } });
    expect(inspection.live?.digest).toBe(sourceOf(chatflow()).digest);
    expect(inspection.candidate?.digest).toBe(inspection.live?.digest);
  });

  test('an app that was never published has no live version', async () => {
    const app = made(withSecret(chatflow()), false);
    const inspection = value(await (await targetOf(house, app.appId, sourceOf(chatflow()))).inspect());
    expect(inspection.live).toBeUndefined();
    expect(inspection.candidate?.id).toBe('draft');
  });

  test('an unknown app is a problem, no app is none', async () => {
    const target = await targetOf(house, '5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f', sourceOf(chatflow()));
    expect(problem(await target.inspect())).toMatchObject({ category: 'input' });
    expect(value(await (await targetOf(house, '', sourceOf(chatflow()))).inspect())).toMatchObject({ exists: false });
  });
});

describe('deploy', () => {
  test('writes the draft, keeps the stored secret, and does nothing the second time', async () => {
    const app = made();
    const source = sourceOf(greeting('Hello 您好'));
    const target = await targetOf(house, app.appId, source);
    const first = value(await target.deploy(source, careful));
    expect(first).toMatchObject({ changed: true, version: { id: 'draft', digest: source.digest } });
    const again = value(await target.deploy(source, careful));
    expect(again.changed).toBe(false);
    expect(house.lab.published(app.appId)).toBe(app.published);
    const secret = await storedSecret(app.appId);
    expect(secret).toBe('sk-first');
  });

  test('sets a secret that the environment gives, also when nothing else has changed', async () => {
    const app = made();
    const source = value(overlay(sourceOf(chatflow()), connectionTo(house, app.appId, sourceOf(chatflow()), { environment: { variables: { TOKEN: { env: 'NEW' } } } }).environment, secretsOf({ NEW: 'sk-second' })));
    const target = await targetOf(house, app.appId, source);
    expect(value(await target.deploy(source, careful)).changed).toBe(true);
    expect(await storedSecret(app.appId)).toBe('sk-second');
    expect(value(await target.deploy(source, careful)).changed).toBe(false);
  });

  test('a new secret without a value stops before anything is written', async () => {
    const app = made();
    const source = sourceOf(greeting('x', (dsl) => dsl.workflow.environment_variables.push({ id: '9f1b7c52-3f0e-4f0b-9a55-1d2f6e0c8b41', name: 'MORE', value_type: 'secret', value: '' })));
    const target = await targetOf(house, app.appId, source);
    expect(problem(await target.deploy(source, careful))).toMatchObject({ category: 'input', hint: 'Add to the environment in sluice.yml: variables: { MORE: { env: MORE } }.' });
    expect(value(await target.inspect()).candidate?.digest).toBe(sourceOf(chatflow()).digest);
  });

  test('does not overwrite what somebody edited, unless told to or it is the last release', async () => {
    const app = made();
    const theirs = sourceOf(greeting('edited by hand'));
    const other = await targetOf(house, app.appId, theirs);
    const lastDigest = value(await other.deploy(theirs, careful)).version.digest ?? '';
    const source = sourceOf(greeting('from git'));
    const target = await targetOf(house, app.appId, source);
    expect(problem(await target.deploy(source, careful))).toMatchObject({ category: 'conflict' });
    expect(value(await target.deploy(source, { ...careful, lastDigest })).changed).toBe(true);
    expect(value(await other.deploy(theirs, { ...careful, overwrite: true })).changed).toBe(true);
  });

  test('compares the mode first', async () => {
    const app = made();
    const source = sourceOf(workflowApp());
    const target = await targetOf(house, app.appId, source);
    expect(problem(await target.deploy(source, careful)).reason).toContain('The file is a workflow app');
  });

  test.each([['0.9.0', 'confirmed'], ['0.1.0', 'warning'], ['0.5.0', '']])('DSL version %s: %s', async (version, said) => {
    const app = made();
    const source = sourceOf(greeting(`version ${version}`, (dsl) => (dsl.version = version)));
    const deployment = value(await (await targetOf(house, app.appId, source)).deploy(source, careful));
    expect(deployment.notes.join(' ')).toContain(said);
    expect(deployment.notes.filter((note) => note.includes('DSL version')).length).toBe(said === '' ? 0 : 1);
  });

  test('stops at datasets of another workspace, and names what to add', async () => {
    const app = made();
    const foreign = 'AAAAAAAAAAAAAAAAAAAAAA==';
    const knowledge = (id: string) => greeting('kb', (dsl) => dsl.workflow.graph?.nodes.push(node('kb', 'knowledge-retrieval', { dataset_ids: [id], query_variable_selector: ['start', 'city'] })));
    const source = sourceOf(knowledge(foreign));
    const target = await targetOf(house, app.appId, source);
    const refused = problem(await target.deploy(source, careful));
    expect(refused).toMatchObject({ category: 'input' });
    expect(refused.hint).toContain(`datasets: { "${foreign}":`);
    const here = sourceOf(knowledge('4c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f'));
    expect(value(await target.deploy(here, careful)).version.digest).toBe(here.digest);
  });

  test('refuses to write in a dry run', async () => {
    const app = made();
    const source = sourceOf(greeting('dry'));
    const target = await targetOf(house, app.appId, source, { readOnly: true });
    expect(problem(await target.deploy(source, careful)).reason).toContain('dry run');
    expect(problem(await target.publish({ name: 'x', marks: {} })).reason).toContain('dry run');
    expect(problem(await target.restore(app.published ?? '', {})).reason).toContain('dry run');
    expect(target.mark === undefined ? undefined : problem(await target.mark(app.published ?? '', { verdict: 'passed' })).reason).toContain('dry run');
    expect(value(await target.inspect()).candidate?.digest).toBe(sourceOf(chatflow()).digest);
  });

  test('creates an app with the lines to add, and needs every secret then', async () => {
    const blank = sourceOf(chatflow());
    const target = await targetOf(house, '', blank);
    expect(problem(await target.deploy(blank, careful)).hint).toContain('Deploy with create');
    expect(problem(await target.deploy(blank, { ...careful, create: true })).reason).toContain('TOKEN');
    const source = sourceOf(withSecret(chatflow()));
    const deployment = value(await target.deploy(source, { ...careful, create: true }));
    expect(deployment.created?.lines).toEqual(['dify:', `  app: ${target.application}`]);
    expect(deployment.version.digest).toBe(source.digest);
    expect(value(await target.inspect()).exists).toBe(true);
  });
});

const storedSecret = async (app: string, { lab, http }: House = house): Promise<string | undefined> => {
  const response = await http.send({
    method: 'GET',
    url: `${lab.origin}/console/api/apps/${app}/workflows/draft/environment-variables`,
    headers: { authorization: `Bearer ${lab.credentials.adminKey}`, 'x-workspace-id': lab.credentials.workspaceId },
    tried: 'look',
  });
  const body: unknown = JSON.parse(value(response).text);
  return /"value":\s*"(sk-[a-z]+)"/.exec(JSON.stringify(body))?.[1];
};

describe('publish, versions and marks', () => {
  test('publishes what was judged, tells its id, and shortens the texts', async () => {
    const app = made();
    const source = sourceOf(greeting('next'));
    const target = await targetOf(house, app.appId, source);
    const { version } = value(await target.deploy(source, careful));
    const published = value(await target.publish({ name: 'a name that is far too long for Dify', marks: { commit: 'c'.repeat(40) }, digest: version.digest ?? '' }));
    expect(published).toMatchObject({ digest: source.digest, name: 'a name that is far t', comment: `commit=${'c'.repeat(12)}` });
    expect(house.lab.published(app.appId)).toBe(published.id);
    const versions = value((await target.versions?.()) ?? { ok: false, problem: { category: 'defect', reason: 'none' } });
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
      expect(await storedSecret(app.appId, own)).toBe('sk-first');
    } finally {
      await own.close();
    }
  });

  test('an unknown version lists the newest', async () => {
    const app = made();
    const target = await targetOf(house, app.appId, sourceOf(chatflow()));
    const refused = problem(await target.restore('5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f', {}));
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
    const gone = value(await target.open('5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f'));
    expect(problem(await gone.ask(hello, never))).toMatchObject({ category: 'input' });
    expect(problem(await target.open('v1'))).toMatchObject({ category: 'input' });
    const { email, password } = house.lab.credentials;
    const wrong = await targetOf(house, app.appId, sourceOf(chatflow()), { secrets: { DIFY_EMAIL: email, DIFY_PASSWORD: password, DIFY_APP_KEY: 'app-wrong' } });
    expect(problem(await (value(await wrong.open('live'))).ask(hello, never))).toMatchObject({ category: 'permission' });
  });
});

describe('logs', () => {
  test('counts runs by version, with errors, and not those of the editor', async () => {
    const app = made();
    const source = sourceOf(greeting('next'));
    const target = await targetOf(house, app.appId, source);
    value(await target.deploy(source, careful));
    const next = value(await target.publish({ name: 'next', marks: {} }));
    house.lab.setFaults(app.appId, app.published, { errors: 1 });
    const ask = async (version: string, times: number) => {
      const opened = value(await target.open(version));
      for (let time = 0; time < times; time += 1) await opened.ask(hello, never);
    };
    const from = Date.now() - 1000;
    await ask(app.published ?? '', 3);
    await ask(next.id, 2);
    await ask('draft', 1);
    const arms = value((await target.logs?.read([app.published ?? '', next.id], from, Date.now() + 2000)) ?? { ok: false, problem: { category: 'defect', reason: 'none' } });
    expect(arms).toMatchObject([
      { version: app.published, answers: 3, errors: 0 },
      { version: next.id, answers: 2, errors: 2 },
    ]);
    expect(arms[0]?.latenciesMs).toHaveLength(3);
    expect(arms[0]?.tokens.every((tokens) => tokens > 0)).toBe(true);
    const empty = value((await target.logs?.read([next.id], from - 60_000, from - 30_000)) ?? { ok: false, problem: { category: 'defect', reason: 'none' } });
    expect(empty).toEqual([{ version: next.id, answers: 0, errors: 0, latenciesMs: [], tokens: [] }]);
    expect((await target.logs?.read(['5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f'], 0, 1))?.ok).toBe(false);
  });
});

describe('gateway', () => {
  test('pins the live version before publishing, splits, and follows a restore', async () => {
    const app = made();
    const gateway = await house.gateway();
    const source = sourceOf(greeting('next'));
    const target = await targetOf(house, app.appId, source, { gateway });
    expect(target.exposure.title).toBe('Dify behind a gateway');
    value(await target.deploy(source, careful));
    const next = value(await target.publish({ name: 'next', marks: {} }));
    const traffic = target.traffic;
    if (traffic === undefined) throw new Error('no traffic');
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

  test('a gateway is no use for an app without versions', async () => {
    const gateway = await house.gateway();
    await expect(targetOf(house, '', sourceOf(chatApp()), { gateway })).rejects.toThrow('cannot split a chat app');
  });
});

describe('checks', () => {
  test('pass on a server that is set up, before the first publication too, and fail with a wrong key', async () => {
    for (const publish of [true, false]) {
      const app = made(withSecret(chatflow()), publish);
      const target = await targetOf(house, app.appId, sourceOf(chatflow()));
      for (const rung of target.checks()) value(await rung.run(never));
    }
    const target = await targetOf(house, made().appId, sourceOf(chatflow()), { secrets: { DIFY_APP_KEY: 'app-wrong' } });
    const [console, service] = await Promise.all(target.checks().map((rung) => rung.run(never)));
    expect(console?.ok).toBe(true);
    expect(service).toMatchObject({ ok: false, problem: { category: 'permission' } });
  });
});

describe('chat apps', () => {
  const next = (prompt: string): Dsl => {
    const dsl = chatApp();
    return { ...dsl, model_config: { ...dsl.model_config, pre_prompt: prompt } };
  };

  test('are live at once, which must be allowed', async () => {
    const app = made(chatApp(), false);
    const source = sourceOf(next('Be kind. 请友善。'));
    const strict = await targetOf(house, app.appId, source);
    expect(problem(await strict.deploy(source, careful)).hint).toContain('live-at-once');
    const target = await targetOf(house, app.appId, source, { environment: { 'live-at-once': true } });
    expect(target.traffic ?? target.versions ?? target.mark ?? target.logs).toBeUndefined();
    expect(target.lacking.traffic).toContain('no draft');
    const deployed = value(await target.deploy(source, careful));
    expect(deployed).toMatchObject({ changed: true, version: { id: 'live' } });
    expect(value(await target.deploy(source, careful)).changed).toBe(false);
    expect(value(await target.publish({ name: 'x', marks: {} }))).toMatchObject({ id: 'live' });
    expect(problem(await target.restore('live', {}))).toMatchObject({ category: 'input' });
    expect(problem(await target.deploy(sourceOf(next('third')), { ...careful, lastDigest: 'sha256:other' }))).toMatchObject({ category: 'conflict' });
    expect(Object.keys(value(await target.snapshot()).files)).toEqual(['app.yml']);
    expect(value(await (value(await target.open('live'))).ask({ ...hello, inputs: { tone: 'warm' } }, never)).failed).toBeUndefined();
  });
});

describe('the example', () => {
  const folder = new URL('../../../examples/support-bot/', import.meta.url);
  const read = (path: string): string => readFileSync(new URL(path, folder), 'utf8');

  test('has no findings and answers its own health questions', async () => {
    const { source, findings } = parse({ path: 'app/support-bot.yml', folder: '', text: read('app/support-bot.yml') });
    expect(findings).toEqual([]);
    if (!(source instanceof DifySource)) throw new Error('no source');
    const text = read('app/support-bot.yml').replace("value: ''", 'value: sk-x');
    const app = house.lab.createApp(text);
    const target = await targetOf(house, app.appId, source);
    const opened = value(await target.open('live'));
    const english = value(await opened.ask({ query: 'My parcel has not arrived.', inputs: { language: 'English' }, user: 'u', streaming: true }, never));
    const chinese = value(await opened.ask({ query: '我的包裹还没有到。', inputs: { language: '中文' }, user: 'u', streaming: true }, never));
    expect(english).toMatchObject({ text: expect.stringMatching(/English support.*parcel/) });
    expect(chinese).toMatchObject({ text: expect.stringMatching(/中文客服.*包裹/) });
  });
});
