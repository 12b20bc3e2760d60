import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startLabDify, type LabDify } from '../src/dify/index.ts';
import { chain, chatApp, chatflow, file, node, workflow } from './dify-apps.ts';
import { admin, events, service, type Got, owner } from './dify-client.ts';

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

const names = (got: Got): unknown[] => events(got.text).map((event) => event['event']);

describe('a key', () => {
  test.each([
    [undefined, "Authorization header must be provided and start with 'Bearer'"],
    ['Basic x', "Authorization scheme must be 'Bearer'"],
    ['Bearer app-unknown', 'Access token is invalid'],
  ])('%s is refused', async (authorization, message) => {
    const response = await fetch(`${lab.origin}/v1/info`, { headers: authorization === undefined ? {} : { authorization } });
    expect(await response.json()).toEqual({ code: 'unauthorized', message, status: 401 });
  });

  test('opens only while the API is on', async () => {
    const { appId, apiKey } = lab.createApp(workflow());
    const ask = service(lab, apiKey);
    expect((await ask('GET', '/info')).body).toMatchObject({ name: 'Lab app', mode: 'workflow' });
    await admin(lab)('POST', `/apps/${appId}/api-enable`, { enable_api: false });
    expect(await ask('GET', '/info')).toMatchObject({ status: 403, body: { code: 'forbidden', message: "The app's API service has been disabled." } });
  });
});

describe('a workflow', () => {
  test('answers in one piece, with the version that ran', async () => {
    const { apiKey, published } = lab.createApp(workflow());
    const got = await run(service(lab, apiKey));
    expect(got).toMatchObject({
      status: 200,
      body: { data: { workflow_id: published, status: 'succeeded', outputs: { result: 'Summary: About tea' }, error: null, total_steps: 3 } },
    });
    expect(Object.keys(got.body['data'] as object)).toEqual([
      'id', 'workflow_id', 'status', 'outputs', 'error', 'elapsed_time', 'total_tokens', 'total_steps', 'created_at', 'finished_at',
    ]);
    expect(lab.standIns()).toEqual(['llm "Summary"']);
  });

  test('streams its events in Dify\'s order and format', async () => {
    const { apiKey, published } = lab.createApp(workflow());
    const got = await run(service(lab, apiKey), { response_mode: 'streaming' });
    expect(got.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(got.text).toMatch(/^(data: \{.*\}\n\n)+$/);
    expect(names(got)).toEqual([
      'workflow_started', 'node_started', 'node_finished', 'node_started', 'text_chunk', 'text_chunk', 'text_chunk',
      'node_finished', 'node_started', 'node_finished', 'workflow_finished',
    ]);
    const all = events(got.text);
    expect(all[0]).toMatchObject({ data: { workflow_id: published, inputs: { topic: 'tea', 'sys.user_id': 'u1' } } });
    expect(all.filter((event) => event['event'] === 'text_chunk').map((event) => (event['data'] as { text: string }).text).join('')).toBe('Summary: About tea');
    expect(all[7]).toMatchObject({ data: { node_type: 'llm', execution_metadata: { currency: 'USD' } } });
    expect(all.at(-1)).toMatchObject({ data: { status: 'succeeded', created_by: { user: 'u1' }, exceptions_count: 0 } });
  });

  test.each([
    [{ user: undefined }, 'Arg user must be provided.'],
    [{ inputs: {} }, 'topic is required in input form'],
    [{ inputs: { topic: 5 } }, "(type 'text-input') topic in input form must be a string"],
    [{ inputs: { topic: 'x'.repeat(49) } }, 'topic in input form must be less than 48 characters'],
    [{ inputs: undefined }, '1 validation error for WorkflowRunPayload\ninputs\n  Field required'],
    [{ response_mode: 'later' }, "Input should be 'blocking' or 'streaming'"],
  ])('refuses %j', async (more, message) => {
    const { apiKey } = lab.createApp(workflow());
    const got = await run(service(lab, apiKey), more);
    expect(got).toMatchObject({ status: 400, body: { code: 'invalid_param', status: 400 } });
    expect(String(got.body['message'])).toContain(message);
  });

  test('checks selects, numbers, files and defaults', async () => {
    const variables = [
      { variable: 'tone', label: 't', type: 'select', required: true, options: ['kind', 'plain'] },
      { variable: 'count', label: 'c', type: 'number', required: false, default: 2 },
      { variable: 'paper', label: 'p', type: 'file', required: false },
      { variable: 'papers', label: 'p', type: 'file-list', required: false, max_length: 1 },
    ];
    const outputs = variables.map(({ variable }) => ({ variable, value_selector: ['start', variable] }));
    const { apiKey } = lab.createApp(
      file('workflow', [node('start', { type: 'start', variables }), node('end', { type: 'end', outputs })], chain('start', 'end')),
    );
    const paper = { type: 'document', transfer_method: 'remote_url', url: 'https://files.example/a.pdf' };
    const ask = service(lab, apiKey);
    const got = await run(ask, { inputs: { tone: 'kind', count: '3', paper, extra: 1 } });
    expect(got.body['data']).toMatchObject({ outputs: { tone: 'kind', count: 3, paper: { filename: 'a.pdf' }, papers: null } });
    expect((await run(ask, { inputs: { tone: 'kind' } })).body['data']).toMatchObject({ outputs: { count: 2 } });
    const refusal = async (inputs: object): Promise<unknown> => (await run(ask, { inputs })).body['message'];
    expect(await refusal({ tone: 'loud' })).toBe("tone in input form must be one of the following: ['kind', 'plain']");
    expect(await refusal({ tone: 'kind', count: 'many' })).toBe('count in input form must be a valid number');
    expect(await refusal({ tone: 'kind', paper: 'x' })).toBe('paper in input form must be a file');
    expect(await refusal({ tone: 'kind', paper: { transfer_method: 'remote_url' } })).toBe('Invalid file url');
    expect(await refusal({ tone: 'kind', papers: [paper, paper] })).toBe('papers in input form must be less than 1 files');
  });

  test('that was never published has no parameters and does not run', async () => {
    const { apiKey } = lab.createApp(workflow(), { publish: false });
    const ask = service(lab, apiKey);
    expect(await ask('GET', '/parameters')).toMatchObject({ status: 400, body: { code: 'app_unavailable' } });
    expect(await run(ask)).toMatchObject({ status: 400, body: { code: 'invalid_param', message: 'Workflow not published' } });
  });

  test('runs a pinned version, and only a published one', async () => {
    const { appId, apiKey, published = '' } = lab.createApp(workflow('Old'));
    await admin(lab)('POST', '/apps/imports', { mode: 'yaml-content', yaml_content: workflow('New'), app_id: appId });
    await admin(lab)('POST', `/apps/${appId}/workflows/publish`, {});
    const draft = String((await admin(lab)('GET', `/apps/${appId}/workflows/draft`)).body['id']);
    const ask = service(lab, apiKey);
    const at = (id: string): Promise<Got> => run(ask, {}, `/workflows/${id}/run`);
    expect((await at(published)).body['data']).toMatchObject({ workflow_id: published, outputs: { result: 'Old: About tea' } });
    expect((await run(ask)).body['data']).toMatchObject({ outputs: { result: 'New: About tea' } });
    expect(await at('nonsense')).toMatchObject({ status: 400, body: { code: 'bad_request', message: "Invalid workflow_id format: 'nonsense'. " } });
    expect(await at(draft)).toMatchObject({ status: 400, body: { code: 'bad_request' } });
    expect(await at('00000000-0000-4000-8000-000000000000')).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(lab.served(appId)).toEqual({ [published]: 1, [lab.published(appId) ?? '']: 1 });
  });

  test('writes logs that name the version, failed runs among them', async () => {
    const { appId, apiKey, published } = lab.createApp(workflow());
    const ask = service(lab, apiKey);
    const first = await run(ask);
    lab.setFaults(appId, undefined, { errors: 1 });
    await run(ask, { user: 'u2' });
    const logs = (await ask('GET', '/workflows/logs')).body;
    const versions = ((await admin(lab)('GET', `/apps/${appId}/workflows`)).body['items'] as { id: string; version: string }[]);
    const version = versions.find((row) => row.id === published)?.version;
    expect(logs).toMatchObject({ total: 2, has_more: false, data: [{ workflow_run: { status: 'failed', version } }, { workflow_run: { status: 'succeeded', version } }] });
    expect((await ask('GET', '/workflows/logs?status=failed')).body['total']).toBe(1);
    expect((await ask('GET', '/workflows/logs?created_by_end_user_session_id=u2')).body['total']).toBe(1);
    expect((await ask('GET', `/workflows/logs?created_at__after=${new Date(Date.now() + 60_000).toISOString()}`)).body['total']).toBe(0);
    const id = String(first.body['workflow_run_id']);
    expect((await ask('GET', `/workflows/run/${id}`)).body).toMatchObject({ id, workflow_id: published, outputs: '{"result": "Summary: About tea"}' });
  });

  test('can be stopped', async () => {
    const slow = await startLabDify({ usualLatencyMs: 60_000 });
    try {
      const { apiKey } = slow.createApp(workflow());
      const ask = service(slow, apiKey);
      const response = await fetch(`${slow.origin}/v1/workflows/run`, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ inputs: { topic: 'tea' }, user: 'u', response_mode: 'streaming' }),
      });
      let text = '';
      for await (const chunk of response.body ?? []) {
        const before = text;
        text += Buffer.from(chunk).toString('utf8');
        const task = /"task_id":"([^"]+)"/.exec(text)?.[1];
        if (before === '' && task !== undefined) await ask('POST', `/workflows/tasks/${task}/stop`, { user: 'u' });
      }
      expect(events(text).at(-1)).toMatchObject({ event: 'workflow_finished', data: { status: 'stopped', error: 'Stopped by user.' } });
    } finally {
      await slow.close();
    }
  });

  test('pings while it thinks', async () => {
    const fast = await startLabDify({ usualLatencyMs: 100_000, timeScale: 1000 });
    try {
      const { apiKey } = fast.createApp(workflow());
      const got = await run(service(fast, apiKey), { response_mode: 'streaming' });
      expect(got.text.split('event: ping\n\n').length).toBeGreaterThan(3);
    } finally {
      await fast.close();
    }
  });
});

describe('a chatflow', () => {
  test('answers in one piece, without the id of its version', async () => {
    const { apiKey } = lab.createApp(chatflow());
    const got = await chat(service(lab, apiKey));
    expect(got).toMatchObject({
      status: 200,
      body: { event: 'message', mode: 'advanced-chat', answer: 'Bot says: 回答: How are you?', metadata: { usage: { currency: 'USD' }, retriever_resources: [] } },
    });
    expect(got.body).not.toHaveProperty('workflow_id');
    const usage = (got.body['metadata'] as { usage: Record<string, unknown> }).usage;
    expect(usage['total_tokens']).toBe(Number(usage['prompt_tokens']) + Number(usage['completion_tokens']));
    expect(usage['total_price']).toMatch(/^0\.\d{7}$/);
  });

  test('streams its events in Dify\'s order, its model\'s text before the answer node', async () => {
    const { apiKey, published } = lab.createApp(chatflow());
    const got = await chat(service(lab, apiKey), { response_mode: 'streaming' });
    expect(names(got)).toEqual([
      'workflow_started', 'node_started', 'message', 'node_finished', 'node_started', 'message', 'message', 'message',
      'node_finished', 'node_started', 'node_finished', 'workflow_finished', 'message_end',
    ]);
    const all = events(got.text);
    expect(all[0]).toMatchObject({ data: { workflow_id: published } });
    expect(all.filter((event) => event['event'] === 'message').map((event) => event['answer']).join('')).toBe('Bot says: 回答: How are you?');
    expect(all[7]).toMatchObject({ event: 'message', answer: '' });
    expect(new Set(all.map((event) => event['conversation_id'])).size).toBe(1);
  });

  test('pins a version by workflow_id', async () => {
    const { appId, apiKey, published } = lab.createApp(chatflow('Old'));
    await admin(lab)('POST', '/apps/imports', { mode: 'yaml-content', yaml_content: chatflow('New'), app_id: appId });
    await admin(lab)('POST', `/apps/${appId}/workflows/publish`, {});
    const ask = service(lab, apiKey);
    expect((await chat(ask, { workflow_id: published })).body['answer']).toContain('Old');
    expect((await chat(ask)).body['answer']).toContain('New');
    expect((await chat(ask, { workflow_id: 'x' })).status).toBe(400);
    expect((await chat(ask, { workflow_id: '00000000-0000-4000-8000-000000000000' })).status).toBe(404);
  });

  test.each([
    [{ user: '' }, 400, 'Arg user must be provided.'],
    [{ query: '' }, 400, 'query is required'],
    [{ query: undefined }, 400, 'validation error for ChatRequestPayload\nquery\n  Field required'],
    [{ conversation_id: 'abc' }, 400, 'conversation_id must be a valid UUID'],
    [{ conversation_id: '00000000-0000-4000-8000-000000000000' }, 404, 'Conversation Not Exists.'],
  ])('refuses %j', async (more, status, message) => {
    const { apiKey } = lab.createApp(chatflow());
    const got = await chat(service(lab, apiKey), more);
    expect(got.status).toBe(status);
    expect(String(got.body['message'])).toContain(message);
  });

  test('keeps a conversation to its user and its variables across turns', async () => {
    const dsl = file(
      'advanced-chat',
      [
        node('start', { type: 'start', variables: [] }),
        node('more', { type: 'assigner', version: '2', items: [{ variable_selector: ['conversation', 'count'], input_type: 'constant', operation: '+=', value: 1 }] }),
        node('answer', { type: 'answer', answer: '{{#conversation.count#}}/{{#sys.dialogue_count#}}' }),
      ],
      chain('start', 'more', 'answer'),
      { workflow: { conversation_variables: [{ id: 'c', name: 'count', value_type: 'number', value: 0 }] } },
    );
    const ask = service(lab, lab.createApp(dsl).apiKey);
    const first = await chat(ask);
    const more = { conversation_id: first.body['conversation_id'] };
    expect([first.body['answer'], (await chat(ask, more)).body['answer'], (await chat(ask)).body['answer']]).toEqual(['1/1', '2/2', '1/1']);
    expect((await chat(ask, { ...more, user: 'u2' })).status).toBe(404);
  });

  test('that fails answers 400 in one piece and an error event in a stream', async () => {
    const { appId, apiKey } = lab.createApp(chatflow());
    lab.setFaults(appId, undefined, { errors: 1 });
    const ask = service(lab, apiKey);
    expect(await chat(ask)).toMatchObject({ status: 400, body: { code: 'invalid_param', message: expect.stringMatching(/^Run failed: /) } });
    const got = await chat(ask, { response_mode: 'streaming' });
    expect(got.status).toBe(200);
    expect(names(got).slice(-3)).toEqual(['node_finished', 'workflow_finished', 'error']);
    expect(events(got.text).at(-1)).toMatchObject({ code: 'invalid_param', status: 400 });
  });

  test('is no workflow app, and a workflow is no chat', async () => {
    const flow = service(lab, lab.createApp(chatflow()).apiKey);
    expect(await run(flow)).toMatchObject({ status: 400, body: { code: 'not_workflow_app' } });
    expect(await chat(service(lab, lab.createApp(workflow()).apiKey))).toMatchObject({ status: 400, body: { code: 'not_chat_app' } });
    await chat(flow);
    expect((await flow('GET', '/workflows/logs')).body['total']).toBe(0);
  });
});

describe('an app without a workflow', () => {
  test('answers messages', async () => {
    const ask = service(lab, lab.createApp(chatApp()).apiKey);
    expect(await chat(ask)).toMatchObject({ status: 400, body: { message: 'city is required in input form' } });
    expect(await chat(ask, { inputs: { city: 'Kyoto' } })).toMatchObject({ status: 200, body: { mode: 'chat', answer: 'Plain chat: How are you? Kyoto' } });
    const got = await chat(ask, { inputs: { city: 'Kyoto' }, response_mode: 'streaming' });
    expect([names(got)[0], names(got).at(-1)]).toEqual(['message', 'message_end']);
    expect((await ask('GET', '/parameters')).body['user_input_form']).toMatchObject([{ 'text-input': { variable: 'city' } }]);
  });

  test('an agent cannot block', async () => {
    const ask = service(lab, lab.createApp(chatApp('agent-chat')).apiKey);
    expect((await chat(ask, { inputs: { city: 'x' } })).body['message']).toBe('Agent Chat App does not support blocking mode');
    expect(names(await chat(ask, { inputs: { city: 'x' }, response_mode: 'streaming' }))).toContain('agent_message');
  });

  test('a completion app completes', async () => {
    const ask = service(lab, lab.createApp(chatApp('completion')).apiKey);
    const got = await ask('POST', '/completion-messages', { inputs: { city: 'Kyoto' }, user: 'u' });
    expect(got).toMatchObject({ status: 200, body: { mode: 'completion', answer: 'Plain chat: Kyoto' } });
    expect(got.body).not.toHaveProperty('conversation_id');
  });
});

describe('the draft', () => {
  test('runs as a stream through the console, and its runs are listed as debugging', async () => {
    const { appId, published } = lab.createApp(chatflow());
    const ask = await owner(lab);
    const got = await ask('POST', `/apps/${appId}/advanced-chat/workflows/draft/run`, { query: 'x', inputs: {} });
    expect(names(got).at(-1)).toBe('message_end');
    const draft = (await ask('GET', `/apps/${appId}/workflows/draft`)).body['id'];
    expect(events(got.text)[0]).toMatchObject({ data: { workflow_id: draft } });
    expect(draft).not.toBe(published);
    expect((await ask('GET', `/apps/${appId}/advanced-chat/workflow-runs`)).body).toMatchObject({ has_more: false, data: [{ version: 'draft', status: 'succeeded', conversation_id: expect.any(String) }] });
    expect((await ask('GET', `/apps/${appId}/workflow-runs?triggered_from=app-run`)).body['data']).toEqual([]);
    expect(lab.served(appId)).toEqual({});
    expect((await ask('POST', `/apps/${appId}/workflows/draft/run`, { inputs: {} })).status).toBe(404);
  });

  test('of a workflow wants inputs', async () => {
    const { appId } = lab.createApp(workflow(), { publish: false });
    const path = `/apps/${appId}/workflows/draft/run`;
    expect((await admin(lab)('POST', path, {})).status).toBe(400);
    expect((await admin(lab)('POST', path, { inputs: {} })).body['message']).toBe('topic is required in input form');
    expect(names(await admin(lab)('POST', path, { inputs: { topic: 'x' } })).at(-1)).toBe('workflow_finished');
  });

  test('runs are paged by the last id', async () => {
    const { appId, apiKey } = lab.createApp(workflow());
    for (let index = 0; index < 3; index += 1) await run(service(lab, apiKey));
    const list = async (query: string): Promise<{ has_more: boolean; data: { id: string }[] }> =>
      (await admin(lab)('GET', `/apps/${appId}/workflow-runs?triggered_from=app-run&${query}`)).body as never;
    const first = await list('limit=2');
    expect([first.data.length, first.has_more]).toEqual([2, true]);
    const rest = await list(`limit=2&last_id=${first.data[1]?.id ?? ''}`);
    expect([rest.data.length, rest.has_more]).toEqual([1, false]);
    expect((await list('status=failed')).data).toEqual([]);
  });
});
