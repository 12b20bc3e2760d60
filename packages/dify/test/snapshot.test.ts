import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { done, type HttpClient } from '@sluice/core';
import { parse } from '../src/source/parse.ts';
import { chatflow, sourceOf } from './dsl.ts';
import { madeIn, withSecret } from './fixtures.ts';
import { openHouse, problem, targetOf, value, type House } from './harness.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

/** exporting is a server whose export of the app reads as `change` makes it. */
const exporting = (change: (yaml: string) => string): HttpClient => ({
  ...house.http,
  send: async (request) => {
    const answer = await house.http.send(request);
    if (!answer.ok || !request.url.includes('/export?')) return answer;
    const { data } = JSON.parse(answer.value.text) as { data: string };
    return done({ ...answer.value, text: JSON.stringify({ data: change(data) }) });
  },
});

const withIcon = (icon: string, type = 'emoji') => {
  const dsl = chatflow();
  Object.assign(dsl.app, { icon, icon_type: type, icon_background: '#E4FBCC' });
  return madeIn(house, withSecret(dsl)).appId;
};

test('keeps the emoji that an export of 1.12.1 replaces', async () => {
  const target = await targetOf(house, withIcon('🧭'), sourceOf(chatflow()));
  const text = value(await target.snapshot()).files['app.yml'] ?? '';
  expect(text).toContain('icon: "🧭"');
  expect(text).not.toContain('🤖');
});

test('is the same to the byte when nothing has changed, in whatever order the server writes', async () => {
  const appId = withIcon('🧭');
  const one = value(await (await targetOf(house, appId, sourceOf(chatflow()))).snapshot());
  const turned = (yaml: string): string => {
    const lines = yaml.split('\n');
    const kind = lines.findIndex((line) => line.startsWith('kind:'));
    return [...lines.splice(kind, 1), ...lines].join('\n');
  };
  const other = value(await (await targetOf(house, appId, sourceOf(chatflow()), { http: exporting(turned) })).snapshot());
  expect(other.files).toEqual(one.files);
  const again = parse({ path: 'app.yml', folder: '', text: one.files['app.yml'] ?? '' });
  expect(again.source?.digest).toBe(one.digest);
});

test('holds no value that the environment gives, not even in a variable that is no secret', async () => {
  const dsl = withSecret(chatflow());
  Object.assign(dsl.workflow?.environment_variables[1] ?? {}, { value: 'https://token-in-the-url.example' });
  Object.assign(dsl.workflow?.environment_variables[2] ?? {}, { value: 424242 });
  const { appId } = madeIn(house, dsl);
  const source = sourceOf(chatflow());
  const text = async (environment: Readonly<Record<string, unknown>> = {}): Promise<string> =>
    value(await (await targetOf(house, appId, source, { environment })).snapshot()).files['app.yml'] ?? '';
  expect(await text()).toContain('token-in-the-url');
  const given = await text({ variables: { URL: { env: 'URL' }, LIMIT: { env: 'LIMIT' } } });
  for (const secret of ['token-in-the-url', '424242', 'sk-first']) expect(given).not.toContain(secret);
  expect(await text({ variables: { URL: 'https://plain.example' } })).toContain('token-in-the-url');
});

test('a plugin daemon that is down is named', async () => {
  const { appId } = madeIn(house);
  const down: HttpClient = {
    ...house.http,
    send: async (request) =>
      request.url.includes('/export?') ? done({ status: 500, text: '{"code":"internal_server_error","message":"Failed to request plugin daemon","status":500}', headers: {}, durationMs: 1 }) : house.http.send(request),
  };
  const target = await targetOf(house, appId, sourceOf(chatflow()), { http: down });
  expect(problem(await target.snapshot())).toMatchObject({ category: 'platform', hint: expect.stringContaining('plugin daemon'), answer: { status: 500 } });
});
