import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startLabDify, type LabDify } from '../src/dify/index.ts';
import { chain, chatApp, chatflow, edge, file, node, workflow } from './dify-apps.ts';
import { admin, events, service, type Got } from './dify-client.ts';

let lab: LabDify;
beforeEach(async () => {
  lab = await startLabDify({ usualLatencyMs: 0 });
});
afterEach(() => lab.close());

type Ask = ReturnType<typeof service>;

const run = (ask: Ask, more: object = {}, path = '/workflows/run'): Promise<Got> =>
  ask('POST', path, { inputs: { topic: 'tea' }, user: 'u1', ...more });

const chat = (ask: Ask, more: object = {}): Promise<Got> =>
  ask('POST', '/chat-messages', { inputs: {}, query: 'How are you?', user: 'u1', ...more });

const codeOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

describe('faults', () => {
  test('strike every version but the good one, evenly and exactly', async () => {
    const { appId, apiKey, published = '' } = lab.createApp(workflow());
    await admin(lab)('POST', '/apps/imports', { mode: 'yaml-content', yaml_content: workflow('Another summary'), app_id: appId });
    await admin(lab)('POST', `/apps/${appId}/workflows/publish`, {});
    lab.setFaults(appId, published, { errors: 0.25 });
    const ask = service(lab, apiKey);
    const statuses = async (id: string): Promise<string> => {
      const all: unknown[] = [];
      for (let index = 0; index < 8; index += 1) all.push(((await run(ask, {}, `/workflows/${id}/run`)).body['data'] as { status: string }).status);
      return all.map((status) => (status === 'failed' ? 'F' : '.')).join('');
    };
    expect(await statuses(published)).toBe('........');
    expect(await statuses(lab.published(appId) ?? '')).toBe('...F...F');
    expect(lab.served(appId)).toEqual({ [published]: 8, [lab.published(appId) ?? '']: 8 });
    expect(lab.sameContent(appId, published, lab.published(appId) ?? '')).toBe(false);
  });

  test('spare a copy of the good version, as a restore makes one', async () => {
    const { appId, apiKey, published = '' } = lab.createApp(workflow());
    await admin(lab)('POST', `/apps/${appId}/workflows/publish`, {});
    lab.setFaults(appId, published, { errors: 1 });
    const copy = lab.published(appId) ?? '';
    expect(copy).not.toBe(published);
    expect(lab.sameContent(appId, published, copy)).toBe(true);
    expect((await run(service(lab, apiKey), {}, `/workflows/${copy}/run`)).body['data']).toMatchObject({ status: 'succeeded' });
  });

  test('count the draft and a version apart', async () => {
    const { appId, apiKey } = lab.createApp(workflow());
    lab.setFaults(appId, undefined, { errors: 0.5 });
    const ask = service(lab, apiKey);
    const draft = async (): Promise<unknown> =>
      (events((await admin(lab)('POST', `/apps/${appId}/workflows/draft/run`, { inputs: { topic: 'x' } })).text).at(-1)?.['data'] as { status: string }).status;
    const live = async (): Promise<unknown> => ((await run(ask)).body['data'] as { status: string }).status;
    expect([await draft(), await live(), await draft(), await live()]).toEqual(['succeeded', 'succeeded', 'failed', 'failed']);
  });

  test('fail an app without a model at its answer', async () => {
    const dsl = file('workflow', [node('start', { type: 'start' }), node('end', { type: 'end', outputs: [] })], chain('start', 'end'));
    const { appId, apiKey } = lab.createApp(dsl);
    lab.setFaults(appId, undefined, { errors: 1 });
    expect((await run(service(lab, apiKey))).body['data']).toMatchObject({ status: 'failed', error: expect.stringContaining('Server Unavailable') });
  });

  test('pass by a node that handles its own errors', async () => {
    const dsl = file(
      'workflow',
      [node('start', { type: 'start' }), node('llm', { type: 'llm', prompt_template: [], error_strategy: 'fail-branch' }), node('end', { type: 'end', outputs: [] })],
      [...chain('start', 'llm'), edge('llm', 'end'), edge('llm', 'end', 'fail-branch')],
    );
    const { appId, apiKey } = lab.createApp(dsl);
    lab.setFaults(appId, undefined, { errors: 1 });
    expect((await run(service(lab, apiKey))).body['data']).toMatchObject({ status: 'failed', total_steps: 2 });
  });

  test('throttle before anything runs', async () => {
    const { appId, apiKey } = lab.createApp(workflow());
    lab.setFaults(appId, undefined, { throttled: 0.5 });
    const ask = service(lab, apiKey);
    const all = [await run(ask), await run(ask), await run(ask), await run(ask)];
    expect(all.map((got) => got.status)).toEqual([200, 429, 200, 429]);
    expect(all[1]?.body).toMatchObject({ code: 'too_many_requests', status: 429 });
    expect(Object.values(lab.served(appId))).toEqual([2]);
    expect((await ask('GET', '/workflows/logs')).body['total']).toBe(2);
  });

  test('cut connections, in one piece and in a stream', async () => {
    const { appId, apiKey } = lab.createApp(chatflow());
    lab.setFaults(appId, undefined, { dropped: 1 });
    const ask = service(lab, apiKey);
    await expect(chat(ask)).rejects.toThrow();
    const response = await fetch(`${lab.origin}/v1/chat-messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: {}, query: 'x', user: 'u', response_mode: 'streaming' }),
    });
    expect(response.status).toBe(200);
    let text = '';
    let error = '';
    try {
      for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString('utf8');
    } catch (caught) {
      error = codeOf(caught);
    }
    expect(error).not.toBe('');
    expect(text).not.toContain('"event":"message"');
    expect(lab.served(appId)).toEqual({});
  });

  test('answer something else, with nothing of what was asked in it', async () => {
    const { appId, apiKey } = lab.createApp(chatflow());
    lab.setFaults(appId, undefined, { wrong: 0.5 });
    const ask = service(lab, apiKey);
    const answers = [await chat(ask), await chat(ask, { response_mode: 'streaming' })];
    expect(answers[0]?.body['answer']).toContain('How are you?');
    const streamedText = events(answers[1]?.text ?? '').filter((event) => event['event'] === 'message').map((event) => event['answer']).join('');
    expect(streamedText).toBe('The tide table for Tuesday is out of print.');
    const other = lab.createApp(workflow());
    lab.setFaults(other.appId, undefined, { wrong: 1 });
    expect((await run(service(lab, other.apiKey), { inputs: { topic: 'tide' } })).body['data']).toMatchObject({ outputs: { result: '紫色的桥在星期四休息。' } });
  });

  test('slow answers down and make them longer', async () => {
    const timed = await startLabDify({ usualLatencyMs: 20 });
    try {
      const { appId, apiKey } = timed.createApp(workflow());
      const ask = service(timed, apiKey);
      const measure = async (more: object = {}): Promise<{ ms: number; tokens: number }> => {
        const from = performance.now();
        const got = await run(ask, more);
        const found = got.body['data'] as { total_tokens: number } | undefined;
        return { ms: performance.now() - from, tokens: found?.total_tokens ?? 0 };
      };
      const usual = await measure();
      timed.setFaults(appId, undefined, { latency: 40, tokens: 3 });
      const slow = await measure();
      timed.setFaults(appId, undefined, { latencyMs: 800 });
      const added = await measure();
      timed.setFaults(appId, undefined, { firstTokenMs: 800 });
      const blocked = await measure();
      const late = await measure({ response_mode: 'streaming' });
      expect(usual.ms).toBeLessThan(600);
      expect(slow.ms).toBeGreaterThan(620);
      expect(slow.tokens / usual.tokens).toBeCloseTo(3, 0);
      expect(added.ms).toBeGreaterThan(800);
      expect(blocked.ms).toBeLessThan(600);
      expect(late.ms).toBeGreaterThan(800);
    } finally {
      await timed.close();
    }
  });

  test('strike apps without a workflow, too', async () => {
    const { appId, apiKey } = lab.createApp(chatApp());
    lab.setFaults(appId, undefined, { errors: 1 });
    expect(await chat(service(lab, apiKey), { inputs: { city: 'x' } })).toMatchObject({ status: 400, body: { code: 'completion_request_error' } });
    lab.setFaults(appId, lab.published(appId), { errors: 1 });
    expect((await chat(service(lab, apiKey), { inputs: { city: 'x' } })).status).toBe(200);
  });
});
