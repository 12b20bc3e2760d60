import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { startLabDify, type LabDify } from '../src/dify/index.ts';
import { chain, chatApp, chatflow, file, node, workflow } from './dify-apps.ts';
import { admin, caller, read, type Got } from './dify-client.ts';

let lab: LabDify;
beforeEach(async () => {
  lab = await startLabDify({ usualLatencyMs: 0 });
});
afterEach(() => lab.close());

const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Got> =>
  caller(`${lab.origin}/console/api`, headers)('POST', path, body);

const base64 = (value: string): string => Buffer.from(value, 'utf8').toString('base64');

const login = (password: string): Promise<Got> => post('/login', { email: lab.credentials.email, password });

const jar = (got: Got): Record<string, string> =>
  Object.fromEntries(got.headers.getSetCookie().map((line) => (line.split(';')[0] ?? '').split('=') as [string, string]));

const cookies = (all: Record<string, string>): string => Object.entries(all).map(([name, value]) => `${name}=${value}`).join('; ');

const importing = async (dsl: string, more: object = {}): Promise<Got> =>
  admin(lab)('POST', '/apps/imports', { mode: 'yaml-content', yaml_content: dsl, ...more });

const imported = async (dsl: string): Promise<string> => String((await importing(dsl)).body['app_id']);

describe('the server', () => {
  test('says its version on every answer', async () => {
    for (const path of ['/console/api/ping', '/console/api/apps', '/v1/', '/v1/info', '/console/api/nothing']) {
      const got = await read(await fetch(`${lab.origin}${path}`));
      expect([path, got.headers.get('x-version')]).toEqual([path, '1.12.1']);
    }
  });

  test.each([
    ['/console/api/ping', 200, { result: 'pong' }],
    ['/console/api/setup', 200, { step: 'finished' }],
    ['/console/api/system-features', 200, { enable_email_password_login: true }],
    ['/v1/', 404, {}],
  ])('%s answers without a session', async (path, status, body) => {
    expect(await read(await fetch(`${lab.origin}${path}`))).toMatchObject({ status, body });
  });

  test('shows the web app for whatever it does not route, /health too', async () => {
    for (const path of ['/', '/health', '/apps']) {
      const got = await read(await fetch(`${lab.origin}${path}`));
      expect([path, got.status, got.headers.get('content-type')]).toEqual([path, 200, 'text/html; charset=utf-8']);
    }
  });

  test('has an HTML page for an unknown API path and a JSON answer for a wrong method', async () => {
    const unknown = await read(await fetch(`${lab.origin}/console/api/nothing`));
    expect([unknown.status, unknown.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
    expect(await read(await fetch(`${lab.origin}/console/api/ping`, { method: 'DELETE' }))).toMatchObject({
      status: 405,
      body: { code: 'method_not_allowed' },
    });
  });
});

describe('password login', () => {
  test('wants the password in base64 and sets three cookies', async () => {
    const got = await login(base64(lab.credentials.password));
    expect(got).toMatchObject({ status: 200, body: { result: 'success' } });
    const lines = got.headers.getSetCookie();
    expect(lines.map((line) => line.split('=')[0])).toEqual(['access_token', 'refresh_token', 'csrf_token']);
    expect(lines.map((line) => line.includes('HttpOnly'))).toEqual([true, true, false]);
  });

  test('refuses a plain password', async () => {
    expect(await login('ünsecure')).toMatchObject({ status: 401, body: { code: 'authentication_failed' } });
    expect(await login(lab.credentials.password)).toMatchObject({ status: 401, body: { code: 'authentication_failed' } });
  });

  test('locks the account after more than five wrong tries', async () => {
    const tries: unknown[] = [];
    for (let index = 0; index < 7; index += 1) tries.push((await login(base64('Wrong12345'))).body['code']);
    expect(tries).toEqual([...Array.from({ length: 6 }, () => 'authentication_failed'), 'email_code_login_limit']);
    expect((await login(base64(lab.credentials.password))).status).toBe(429);
  });

  test('a session needs the CSRF token twice, for reading too', async () => {
    const session = jar(await login(base64(lab.credentials.password)));
    const get = (headers: Record<string, string>): Promise<Got> => caller(`${lab.origin}/console/api`, headers)('GET', '/apps');
    const csrf = session['csrf_token'] ?? '';
    expect(await get({ cookie: cookies(session), 'x-csrf-token': csrf })).toMatchObject({ status: 200, body: { data: [] } });
    for (const headers of [
      { cookie: cookies(session) },
      { cookie: cookies(session), 'x-csrf-token': `${csrf}x` },
      { cookie: cookies({ access_token: session['access_token'] ?? '' }), 'x-csrf-token': csrf },
      { cookie: cookies({ ...session, csrf_token: 'a.b.c' }), 'x-csrf-token': 'a.b.c' },
    ]) {
      expect(await get(headers)).toMatchObject({
        status: 401,
        body: { code: 'unauthorized', message: 'CSRF token is missing or invalid.', status: 401 },
      });
    }
    expect(await get({})).toMatchObject({ status: 401, body: { message: 'Invalid Authorization token.' } });
  });

  test('the draft is exempt from the CSRF check, the chatflow run is not', async () => {
    const session = jar(await login(base64(lab.credentials.password)));
    const ask = caller(`${lab.origin}/console/api`, { cookie: `access_token=${session['access_token'] ?? ''}` });
    const { appId } = lab.createApp(chatflow());
    expect((await ask('GET', `/apps/${appId}/workflows/draft`)).status).toBe(200);
    expect((await ask('GET', `/apps/${appId}/workflows/publish`)).status).toBe(401);
    expect((await ask('POST', `/apps/${appId}/advanced-chat/workflows/draft/run`, { query: 'x', inputs: {} })).status).toBe(401);
  });

  test('a refresh token works once', async () => {
    const session = jar(await login(base64(lab.credentials.password)));
    const refresh = (token: string): Promise<Got> => post('/refresh-token', {}, { cookie: `refresh_token=${token}` });
    const renewed = await refresh(session['refresh_token'] ?? '');
    expect(renewed).toMatchObject({ status: 200, body: { result: 'success' } });
    expect(await refresh(session['refresh_token'] ?? '')).toMatchObject({ status: 401, body: { result: 'fail', message: 'Invalid refresh token' } });
    const again = jar(renewed);
    await post('/logout', {}, { cookie: cookies(again), 'x-csrf-token': again['csrf_token'] ?? '' });
    expect((await refresh(again['refresh_token'] ?? '')).status).toBe(401);
  });
});

describe('the admin key', () => {
  test('acts as the owner of the named workspace, without a CSRF token', async () => {
    expect(await admin(lab)('GET', '/account/profile')).toMatchObject({ status: 200, body: { email: lab.credentials.email } });
    const other = caller(`${lab.origin}/console/api`, { authorization: `Bearer ${lab.credentials.adminKey}`, 'x-workspace-id': 'other' });
    expect(await other('GET', '/apps')).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
  });

  test('lists the workspaces by itself', async () => {
    const ask = caller(`${lab.origin}/console/api`, { authorization: `Bearer ${lab.credentials.adminKey}` });
    expect(await ask('GET', '/all-workspaces')).toMatchObject({ status: 200, body: { total: 1, data: [{ id: lab.credentials.workspaceId }] } });
    expect((await caller(`${lab.origin}/console/api`, { authorization: 'Bearer x' })('GET', '/all-workspaces')).status).toBe(401);
  });
});

describe('imports', () => {
  test.each([
    ['0.5.0', 200, 'completed'],
    ['0.5.1', 202, 'pending'],
    ['0.6.0', 202, 'pending'],
    ['1.0.0', 202, 'pending'],
    ['0.4.9', 200, 'completed-with-warnings'],
    ['0.1.0', 200, 'completed-with-warnings'],
    ['next', 400, 'failed'],
  ])('a file of DSL %s gives %i %s', async (version, status, said) => {
    expect(await importing(chatflow('x', 'y', version))).toMatchObject({ status, body: { status: said, current_dsl_version: '0.5.0' } });
  });

  test.each([
    ['text', 'Invalid YAML format: content must be a mapping'],
    ['a: [', 'Invalid YAML format'],
    ['version: 0.5\napp: {mode: workflow}', "Invalid version type, expected str, got <class 'float'>"],
    ['version: 0.5.0', 'Missing app data in YAML content'],
    ['version: 0.5.0\napp: {name: x}', 'loss app mode'],
    ['version: 0.5.0\napp: {mode: workflow}', 'Missing workflow data for workflow/advanced chat app'],
    ['version: 0.5.0\napp: {mode: strange}', "'strange' is not a valid AppMode"],
  ])('%j fails', async (content, error) => {
    const got = await importing(content);
    expect(got).toMatchObject({ status: 400, body: { status: 'failed', app_id: null } });
    expect(String(got.body['error'])).toContain(error);
  });

  test('an unknown node type is refused at once', async () => {
    expect(await importing(file('workflow', [node('n', { type: 'teleport' })], []))).toMatchObject({
      status: 400,
      body: { error: "'teleport' is not a valid NodeType" },
    });
  });

  test('a pending import waits for its confirmation and can be confirmed once', async () => {
    const pending = await importing(chatflow('x', 'y', '0.9.0'));
    const confirm = (): Promise<Got> => admin(lab)('POST', `/apps/imports/${String(pending.body['id'])}/confirm`);
    expect(await confirm()).toMatchObject({ status: 200, body: { status: 'completed', imported_dsl_version: '0.9.0' } });
    expect(await confirm()).toMatchObject({ status: 400, body: { error: 'Import information expired or does not exist' } });
  });

  test('only workflow and chatflow apps can be overwritten, whatever the file holds', async () => {
    const flow = await imported(chatflow());
    const chat = await imported(chatApp());
    expect(await importing(workflow(), { app_id: chat })).toMatchObject({
      status: 400,
      body: { error: 'Only workflow or advanced chat apps can be overwritten' },
    });
    expect(await importing(workflow(), { app_id: '00000000-0000-4000-8000-000000000000' })).toMatchObject({ body: { error: 'App not found' } });
    expect(await importing(workflow(), { app_id: flow })).toMatchObject({ status: 200, body: { app_id: flow, app_mode: 'advanced-chat' } });
  });

  test('an id of a knowledge base from another workspace is lost without a word', async () => {
    const plain = '11111111-2222-4333-8444-555555555555';
    const retrieval = node('kb', { type: 'knowledge-retrieval', dataset_ids: [plain, 'c29tZXRoaW5nIGVsc2Ugb2YgMzIgYnl0ZXMhISE='] });
    const id = await imported(file('workflow', [node('start', { type: 'start' }), retrieval], chain('start', 'kb')));
    const exported = await admin(lab)('GET', `/apps/${id}/export`);
    const secret = parse(String(exported.body['data'])) as { workflow: { graph: { nodes: { data: { dataset_ids?: string[] } }[] } } };
    const hidden = secret.workflow.graph.nodes[1]?.data.dataset_ids ?? [];
    expect(hidden).toHaveLength(1);
    expect(hidden[0]).not.toBe(plain);
    const again = await imported(String(exported.body['data']));
    const draft = await admin(lab)('GET', `/apps/${again}/workflows/draft`);
    expect(draft.body['graph']).toMatchObject({ nodes: [{}, { data: { dataset_ids: [plain] } }] });
  });
});

describe('secrets', () => {
  const id = '5b2b1b5e-0000-4000-8000-000000000001';
  const withSecret = (value: string): string =>
    workflow('Summary', { environment_variables: [{ id, name: 'TOKEN', value_type: 'secret', value, description: '' }] });
  const stored = async (app: string): Promise<unknown> =>
    ((await admin(lab)('GET', `/apps/${app}/workflows/draft/environment-variables`)).body['items'] as { value: unknown }[])[0]?.value;

  test('are stars in the draft, gone from the export, there when asked for', async () => {
    const app = await imported(withSecret('s3cret'));
    const draft = await admin(lab)('GET', `/apps/${app}/workflows/draft`);
    expect(draft.body['environment_variables']).toMatchObject([{ id, value: '*'.repeat(20), value_type: 'secret' }]);
    const exported = async (query: string): Promise<string> => String((await admin(lab)('GET', `/apps/${app}/export${query}`)).body['data']);
    expect(await exported('')).not.toContain('s3cret');
    expect(await exported('?include_secret=true')).toContain('s3cret');
  });

  test('[__HIDDEN__] keeps the stored value, an empty text blanks it', async () => {
    const app = await imported(withSecret('s3cret'));
    await importing(withSecret('[__HIDDEN__]'), { app_id: app });
    expect(await stored(app)).toBe('s3cret');
    await importing(withSecret(''), { app_id: app });
    expect(await stored(app)).toBe('');
  });

  test('a first import takes [__HIDDEN__] at its word', async () => {
    expect(await stored(await imported(withSecret('[__HIDDEN__]')))).toBe('[__HIDDEN__]');
  });
});

describe('the draft', () => {
  test('is written only with its hash', async () => {
    const { appId } = lab.createApp(workflow());
    const ask = admin(lab);
    const draft = (await ask('GET', `/apps/${appId}/workflows/draft`)).body;
    const change = (hash: unknown, features: object): Promise<Got> =>
      ask('POST', `/apps/${appId}/workflows/draft`, { graph: draft['graph'], features, hash });
    expect(await change('0'.repeat(64), {})).toMatchObject({
      status: 409,
      body: { code: 'draft_workflow_not_sync', message: 'Workflow graph might have been modified, please refresh and resubmit.' },
    });
    expect((await change(undefined, {})).status).toBe(409);
    const changed = await change(draft['hash'], { opening_statement: 'hi' });
    expect(changed).toMatchObject({ status: 200, body: { result: 'success' } });
    expect(changed.body['hash']).not.toBe(draft['hash']);
    expect((await change(draft['hash'], {})).status).toBe(409);
  });

  test('of an app without one is unknown', async () => {
    const app = await admin(lab)('POST', '/apps', { name: 'Empty', mode: 'workflow' });
    expect(app.status).toBe(201);
    const path = `/apps/${String(app.body['id'])}/workflows`;
    expect(await admin(lab)('GET', `${path}/draft`)).toMatchObject({ status: 404, body: { code: 'draft_workflow_not_exist' } });
    expect(await admin(lab)('POST', `${path}/publish`, {})).toMatchObject({ status: 400, body: { message: 'No valid workflow found.' } });
  });
});

describe('versions', () => {
  test('come after the draft, newest first; an app that was never published has none', async () => {
    const { appId, published } = lab.createApp(workflow(), { publish: false });
    const ask = admin(lab);
    expect(published).toBeUndefined();
    expect((await ask('GET', `/apps/${appId}/workflows`)).body).toEqual({ items: [], page: 1, limit: 10, has_more: false });
    expect((await ask('GET', `/apps/${appId}/workflows/publish`)).body['id']).toBeNull();
    for (const name of ['one', 'two', 'three']) await ask('POST', `/apps/${appId}/workflows/publish`, { marked_name: name });
    const list = async (query: string): Promise<unknown[]> =>
      ((await ask('GET', `/apps/${appId}/workflows${query}`)).body['items'] as { version: string; marked_name: string }[]).map((row) =>
        row.version === 'draft' ? 'draft' : row.marked_name,
      );
    expect(await list('')).toEqual(['draft', 'three', 'two', 'one']);
    expect(await list('?page=2&limit=2')).toEqual(['two', 'one']);
    expect(await list('?named_only=true')).toEqual(['three', 'two', 'one']);
    expect((await ask('GET', `/apps/${appId}/workflows/publish`)).body['id']).toBe(lab.published(appId));
  });

  test.each([
    [{ marked_name: 'x'.repeat(20), marked_comment: 'y'.repeat(100) }, 200],
    [{ marked_name: '版'.repeat(20) }, 200],
    [{ marked_name: 'x'.repeat(21) }, 400],
    [{ marked_comment: 'y'.repeat(101) }, 400],
  ])('publishing with %j gives %i', async (body, status) => {
    const { appId } = lab.createApp(workflow());
    const got = await admin(lab)('POST', `/apps/${appId}/workflows/publish`, body);
    expect(got.status).toBe(status);
    if (status === 400) {
      expect(got.body['code']).toBe('invalid_param');
      expect(String(got.body['message'])).toContain('validation error for PublishWorkflowPayload');
    }
  });

  test('publishing without a JSON body is 415', async () => {
    const { appId } = lab.createApp(workflow());
    expect(await admin(lab)('POST', `/apps/${appId}/workflows/publish`)).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
  });

  test('are renamed and deleted, except the live one and the draft', async () => {
    const { appId, published = '' } = lab.createApp(workflow());
    const ask = admin(lab);
    const path = `/apps/${appId}/workflows`;
    expect(await ask('PATCH', `${path}/${published}`, { marked_name: 'good' })).toMatchObject({ status: 200, body: { marked_name: 'good' } });
    expect(await ask('DELETE', `${path}/${published}`)).toMatchObject({ status: 400, body: { code: 'bad_request' } });
    const draft = (await ask('GET', `${path}/draft`)).body['id'];
    expect(await ask('DELETE', `${path}/${String(draft)}`)).toMatchObject({ status: 400, body: { message: 'Cannot delete draft workflow versions' } });
    await ask('POST', `${path}/publish`, {});
    expect((await ask('DELETE', `${path}/${published}`)).status).toBe(204);
    expect((await ask('DELETE', `${path}/${published}`)).status).toBe(404);
  });

  test('cannot be restored in 1.12.1', async () => {
    const { appId, published = '' } = lab.createApp(workflow());
    expect((await admin(lab)('POST', `/apps/${appId}/workflows/${published}/restore`)).status).toBe(404);
  });

  test('are restored with their secrets from 1.13.3 on', async () => {
    const newer = await startLabDify({ usualLatencyMs: 0, version: '1.13.3' });
    try {
      const { appId, published = '' } = newer.createApp(workflow('Old', { environment_variables: [{ id: 'a', name: 'K', value_type: 'secret', value: 'v' }] }));
      const ask = admin(newer);
      await ask('POST', '/apps/imports', { mode: 'yaml-content', yaml_content: workflow('New'), app_id: appId });
      expect(await ask('POST', `/apps/${appId}/workflows/${published}/restore`)).toMatchObject({ status: 200, body: { result: 'success' } });
      const exported = String((await ask('GET', `/apps/${appId}/export?include_secret=true`)).body['data']);
      expect(exported).toContain('title: Old');
      expect(exported).toContain('value: v');
      const draft = (await ask('GET', `/apps/${appId}/workflows/draft`)).body['id'];
      expect((await ask('POST', `/apps/${appId}/workflows/${String(draft)}/restore`)).status).toBe(400);
    } finally {
      await newer.close();
    }
  });

  test('a version is exported by its id, the draft without one', async () => {
    const { appId, published = '' } = lab.createApp(workflow('Old'));
    const ask = admin(lab);
    await ask('POST', '/apps/imports', { mode: 'yaml-content', yaml_content: workflow('New'), app_id: appId });
    const exported = async (query: string): Promise<string> => String((await ask('GET', `/apps/${appId}/export${query}`)).body['data']);
    expect(await exported('')).toContain('title: New');
    expect(await exported(`?workflow_id=${published}`)).toContain('title: Old');
    const keys = Object.keys(parse(await exported('')) as object);
    expect(keys).toEqual([...keys].sort());
  });

  test('an export leaves credentials of tools and agents out unless secrets are asked for', async () => {
    const tools = { tools: { value: [{ tool_name: 't', credential_id: 'cred-agent' }] } };
    const nodes = [node('start', { type: 'start' }), node('tool', { type: 'tool', credential_id: 'cred-tool' }), node('agent', { type: 'agent', agent_parameters: tools })];
    const { appId } = lab.createApp(file('workflow', nodes, chain('start', 'tool', 'agent')));
    const exported = async (query: string): Promise<string[]> => String((await admin(lab)('GET', `/apps/${appId}/export${query}`)).body['data']).match(/cred-\w+/g) ?? [];
    expect(await exported('')).toEqual([]);
    expect(await exported('?include_secret=true')).toEqual(['cred-tool', 'cred-agent']);
  });

  test('an export comes back as the same export', async () => {
    const first = await imported(chatflow('多行\n标题: "x"', '第一行\n- 第二行 {{#llm.text#}}\n'));
    const one = String((await admin(lab)('GET', `/apps/${first}/export`)).body['data']);
    const second = await imported(one);
    expect(String((await admin(lab)('GET', `/apps/${second}/export`)).body['data'])).toBe(one);
  });
});

describe('apps and keys', () => {
  test('keys are listed in the clear, ten at most', async () => {
    const { appId, apiKey } = lab.createApp(workflow());
    const ask = admin(lab);
    const codes: number[] = [];
    for (let index = 0; index < 10; index += 1) codes.push((await ask('POST', `/apps/${appId}/api-keys`)).status);
    expect(codes).toEqual([...Array.from({ length: 9 }, () => 201), 400]);
    const keys = (await ask('GET', `/apps/${appId}/api-keys`)).body['data'] as { id: string; token: string }[];
    expect(keys.map((key) => /^app-[A-Za-z0-9]{24}$/.test(key.token))).toEqual(Array.from({ length: 10 }, () => true));
    expect(keys[0]).toMatchObject({ token: apiKey, last_used_at: null });
    await fetch(`${lab.origin}/v1/info`, { headers: { authorization: `Bearer ${apiKey}` } });
    expect((await ask('GET', `/apps/${appId}/api-keys`)).body['data']).toMatchObject([{ last_used_at: expect.any(Number) }, ...Array.from({ length: 9 }, () => ({ last_used_at: null }))]);
    expect((await ask('DELETE', `/apps/${appId}/api-keys/${keys[0]?.id ?? ''}`)).status).toBe(204);
    expect((await fetch(`${lab.origin}/v1/info`, { headers: { authorization: `Bearer ${apiKey}` } })).status).toBe(401);
  });

  test('apps are listed, found and deleted', async () => {
    const first = await imported(chatflow());
    await imported(chatApp());
    const ask = admin(lab);
    expect((await ask('GET', '/apps?limit=1')).body).toMatchObject({ total: 2, has_more: true, limit: 1 });
    expect((await ask('GET', '/apps?mode=chat')).body).toMatchObject({ total: 1, data: [{ name: 'Plain chat' }] });
    expect(await ask('GET', '/apps?limit=101')).toMatchObject({ status: 400, body: { code: 'invalid_param' } });
    expect((await ask('GET', `/apps/${first}`)).body).toMatchObject({ mode: 'advanced-chat', enable_api: true });
    expect((await ask('DELETE', `/apps/${first}`)).status).toBe(204);
    expect(await ask('GET', `/apps/${first}`)).toMatchObject({ status: 404, body: { code: 'app_not_found', message: 'App not found.' } });
  });

  test('a model config is live at once', async () => {
    const { appId } = lab.createApp(chatApp());
    const before = lab.published(appId);
    const ask = admin(lab);
    expect(await ask('POST', `/apps/${appId}/model-config`, { pre_prompt: 'x' })).toMatchObject({ status: 400, body: { message: 'model is required' } });
    lab.stock({ models: ['p/p/p/m'] });
    const model = { provider: 'p/p/p', name: 'm', completion_params: {} };
    expect((await ask('POST', `/apps/${appId}/model-config`, { model })).body).toEqual({ result: 'success' });
    expect(lab.published(appId)).not.toBe(before);
    expect((await ask('GET', `/apps/${appId}/workflows/draft`)).status).toBe(404);
  });
});
