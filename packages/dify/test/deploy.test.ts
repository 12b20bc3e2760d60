import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from '../src/source/parse.ts';
import { overlay } from '../src/source/overlay.ts';
import { DifySource } from '../src/source/source.ts';
import { chatApp, chatflow, node, sourceOf, workflowApp, type Dsl } from './dsl.ts';
import { careful, greeting, hello, madeIn, never, storedSecret, unknownId, withSecret } from './fixtures.ts';
import { connectionTo, openHouse, problem, secretsOf, targetOf, value, type House } from './harness.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

const made = (dsl?: Dsl, publish?: boolean) => madeIn(house, dsl, publish);

describe('inspect', () => {
  test('tells server, live and candidate, by content', async () => {
    const app = made();
    const inspection = value(await (await targetOf(house, app.appId, sourceOf(chatflow()))).inspect());
    expect(inspection).toMatchObject({ exists: true, server: 'Dify 1.12.1', live: { id: app.published }, candidate: { id: 'draft' } });
    expect(inspection.live?.digest).toBe(sourceOf(chatflow()).digest);
    expect(inspection.candidate?.digest).toBe(inspection.live?.digest);
  });

  test('an app that was never published has no live version', async () => {
    const app = made(undefined, false);
    const inspection = value(await (await targetOf(house, app.appId, sourceOf(chatflow()))).inspect());
    expect(inspection.live).toBeUndefined();
    expect(inspection.candidate?.id).toBe('draft');
  });

  test('an unknown app is a problem, no app is none', async () => {
    const target = await targetOf(house, unknownId, sourceOf(chatflow()));
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
    const secret = await storedSecret(house, app.appId);
    expect(secret).toBe('sk-first');
  });

  test('sets a secret that the environment gives, also when nothing else has changed', async () => {
    const app = made();
    const source = value(overlay(sourceOf(chatflow()), connectionTo(house, app.appId, sourceOf(chatflow()), { environment: { variables: { TOKEN: { env: 'NEW' } } } }).environment, secretsOf({ NEW: 'sk-second' })));
    const target = await targetOf(house, app.appId, source);
    expect(value(await target.deploy(source, careful)).changed).toBe(true);
    expect(await storedSecret(house, app.appId)).toBe('sk-second');
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
    expect(value(await target.deploy(source, { ...careful, ours: [lastDigest] })).changed).toBe(true);
    expect(value(await other.deploy(theirs, { ...careful, overwrite: true })).changed).toBe(true);
  });

  const byHand = async (app: string, text: string): Promise<string> => {
    const theirs = sourceOf(greeting(text));
    return value(await (await targetOf(house, app, theirs)).deploy(theirs, { ...careful, overwrite: true })).version.digest ?? '';
  };
  const published = async (app: string, marks: { readonly commit?: string }): Promise<void> => {
    value(await (await targetOf(house, app, sourceOf(chatflow()))).publish({ name: 'v', marks }));
  };
  const mine = sourceOf(greeting('from git, again'));
  const deployed = async (app: string, lastDigest?: string) => (await targetOf(house, app, mine)).deploy(mine, { ...careful, ours: lastDigest === undefined ? [] : [lastDigest] });

  test.each<[string, readonly ('draft' | 'publish' | 'release')[], boolean, string]>([
    ['a draft that was never published, with no release known', ['draft'], false, 'was edited since the last release'],
    ['a version published by hand, with no release known', ['publish'], false, ''],
    ['a version published by hand after a release, known from its marks', ['release', 'publish'], false, 'was published by hand'],
    ['a version published by hand after a release that is remembered', ['publish'], true, 'was published by hand'],
    ['a version that a release published, such as a rollback', ['release'], true, ''],
    ['a draft edited after a release', ['release', 'draft'], true, 'was edited since the last release'],
    ['a draft edited after a release, known from its marks', ['release', 'draft'], false, 'was edited since the last release'],
  ])('%s', async (_name, happened, remembered, said) => {
    const app = made();
    for (const [index, event] of happened.entries()) {
      await byHand(app.appId, `hand ${index}`);
      if (event !== 'draft') await published(app.appId, event === 'release' ? { commit: '0123456789ab' } : {});
    }
    const outcome = await deployed(app.appId, remembered ? 'sha256:before' : undefined);
    if (said === '') expect(value(outcome).changed).toBe(true);
    else expect(problem(outcome)).toMatchObject({ category: 'conflict', reason: expect.stringContaining(said), hint: expect.stringContaining('overwrite') });
  });

  test('compares the mode first', async () => {
    const app = made();
    const source = sourceOf(workflowApp());
    const target = await targetOf(house, app.appId, source);
    expect(problem(await target.deploy(source, careful)).reason).toContain('the file is a workflow app');
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
    house.lab.stock({ datasets: ['4c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f'] });
    const here = sourceOf(knowledge('4c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f'));
    expect(value(await target.deploy(here, careful)).version.digest).toBe(here.digest);
  });

  test('names what the server did not keep', async () => {
    const app = made();
    const llm = node('llm', 'llm', { model: { provider: 'p', name: 'm' }, prompt_template: [{ role: 'system', text: 'A new prompt' }] });
    const source = sourceOf(greeting('kept', (dsl) => Object.assign(dsl.workflow.graph?.nodes[1] ?? {}, llm)));
    let written = false;
    const forgetful: typeof house.http = {
      ...house.http,
      send: async (request) => {
        const answer = await house.http.send(request);
        if (request.url.endsWith('/apps/imports')) written = true;
        if (!answer.ok || !written || !request.url.endsWith('/workflows/draft')) return answer;
        return { ok: true, value: { ...answer.value, text: answer.value.text.replace('A new prompt', 'An old prompt') } };
      },
    };
    const target = await targetOf(house, app.appId, source, { http: forgetful });
    const refused = problem(await target.deploy(source, careful));
    expect(refused.category).toBe('platform');
    expect(refused.reason).toContain('prompt 1 (system) of node "Node llm": sent A new prompt, the server has An old prompt');
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
    const named = (dsl: Dsl): Dsl => ({ ...dsl, app: { ...dsl.app, name: 'brand new' } });
    const blank = sourceOf(named(chatflow()));
    const target = await targetOf(house, '', blank);
    expect(problem(await target.deploy(blank, careful)).hint).toContain('Deploy with create');
    expect(problem(await target.deploy(blank, { ...careful, create: true })).reason).toContain('TOKEN');
    const source = sourceOf(named(withSecret(chatflow())));
    const deployment = value(await target.deploy(source, { ...careful, create: true }));
    expect(deployment.created?.lines).toEqual(['dify:', `  app: ${target.application}`]);
    expect(deployment.version.digest).toBe(source.digest);
    expect(value(await target.inspect()).exists).toBe(true);
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
    expect(problem(await target.deploy(sourceOf(next('third')), { ...careful, ours: ['sha256:other'] }))).toMatchObject({ category: 'conflict' });
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
