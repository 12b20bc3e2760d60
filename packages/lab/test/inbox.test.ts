import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { startLabInbox, type LabInbox } from '../src/inbox/index.ts';

let inbox: LabInbox;
beforeEach(async () => {
  inbox = await startLabInbox();
});
afterEach(() => inbox.close());

const post = (url: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

describe('Slack', () => {
  test('answers ok and keeps the message', async () => {
    const blocks = [
      { type: 'header', text: { type: 'plain_text', text: '发布失败' } },
      { type: 'section', text: { type: 'mrkdwn', text: 'The canary was aborted.' } },
    ];
    const response = await post(inbox.slack.url, JSON.stringify({ text: 'aborted', blocks }));
    expect([response.status, await response.text()]).toEqual([200, 'ok']);
    expect(inbox.messages()).toEqual([
      { channel: 'slack', title: '发布失败', text: 'aborted\nThe canary was aborted.', at: expect.any(Number) },
    ]);
  });

  test('takes the payload as a form, too', async () => {
    const form = new URLSearchParams({ payload: '{"text":"hi"}' }).toString();
    await post(inbox.slack.url, form, { 'content-type': 'application/x-www-form-urlencoded' });
    expect(inbox.messages()).toMatchObject([{ text: 'hi' }]);
  });

  test.each([
    ['no JSON', 'hello', 'invalid_payload'],
    ['a list', '[]', 'invalid_payload'],
    ['no text', '{}', 'no_text'],
    ['a section over 3,000 characters', JSON.stringify({ blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'x'.repeat(3001) } }] }), 'invalid_blocks'],
    ['too many blocks', JSON.stringify({ blocks: Array.from({ length: 51 }, () => ({ type: 'divider' })) }), 'invalid_blocks'],
    ['a text over 40,000 characters', JSON.stringify({ text: 'x'.repeat(40_001) }), 'msg_too_long'],
  ])('refuses %s', async (_what, body, said) => {
    const response = await post(inbox.slack.url, body);
    expect([response.status, await response.text()]).toEqual([400, said]);
    expect(inbox.messages()).toEqual([]);
    expect(inbox.refused()).toMatchObject([{ channel: 'slack', reason: said }]);
  });

  test('knows no other address, and is throttled after a burst', async () => {
    const unknown = await post(`${inbox.slack.url}x`, '{"text":"hi"}');
    expect([unknown.status, await unknown.text()]).toEqual([404, 'no_service']);
    const statuses = await Promise.all(Array.from({ length: 11 }, async () => (await post(inbox.slack.url, '{"text":"hi"}')).status));
    expect(statuses.filter((status) => status === 429)).toHaveLength(1);
  });
});

describe('DingTalk', () => {
  const signed = (timestamp = String(Date.now()), secret = inbox.dingtalk.secret): string => {
    const sign = createHmac('sha256', secret).update(`${timestamp}\n${secret}`).digest('base64');
    return `${inbox.dingtalk.url}&timestamp=${timestamp}&sign=${encodeURIComponent(sign)}`;
  };
  const markdown = JSON.stringify({ msgtype: 'markdown', markdown: { title: '发布失败', text: '### 发布失败\n金丝雀已中止' } });
  const send = async (url: string, body = markdown, headers = {}): Promise<{ status: number; errcode: unknown }> => {
    const response = await post(url, body, headers);
    const answer: unknown = await response.json();
    return { status: response.status, errcode: typeof answer === 'object' && answer !== null && 'errcode' in answer ? answer.errcode : undefined };
  };

  test('takes a signed message', async () => {
    expect(await send(signed())).toEqual({ status: 200, errcode: 0 });
    expect(inbox.messages()).toMatchObject([{ channel: 'dingtalk', title: '发布失败', text: '### 发布失败\n金丝雀已中止' }]);
  });

  test.each<[string, () => [string, string?, object?], number]>([
    ['another secret', () => [signed(undefined, 'SECwrong')], 310_000],
    ['a signature encoded twice', () => [signed().replace(/&sign=(.*)$/, (_all, sign: string) => `&sign=${encodeURIComponent(sign)}`)], 310_000],
    ['no signature', () => [inbox.dingtalk.url], 310_000],
    ['a time of two hours ago', () => [signed(String(Date.now() - 7_200_000))], 310_000],
    ['a time in seconds', () => [signed(String(Math.floor(Date.now() / 1000)))], 310_000],
    ['another token', () => [signed().replace(/access_token=[^&]*/, 'access_token=x')], 300_005],
    ['over 20,000 bytes of 6,700 characters', () => [signed(), JSON.stringify({ msgtype: 'text', text: { content: '中'.repeat(6700) } })], 460_101],
    ['no JSON', () => [signed(), 'x'], 40_035],
    ['markdown without a title', () => [signed(), JSON.stringify({ msgtype: 'markdown', markdown: { text: 'x' } })], 400_105],
    ['another content type', () => [signed(), markdown, { 'content-type': 'text/plain' }], 43_004],
  ])('refuses %s with HTTP 200', async (_what, parts, errcode) => {
    const [url, body, headers] = parts();
    expect(await send(url, body, headers)).toEqual({ status: 200, errcode });
    expect(inbox.messages()).toEqual([]);
    expect(inbox.refused()).toHaveLength(1);
  });

  test('takes 20 messages a minute and is then silent for ten minutes, shortened', async () => {
    await inbox.close();
    inbox = await startLabInbox({ timeScale: 300 });
    const all = await Promise.all(Array.from({ length: 21 }, () => send(signed())));
    expect(all.filter(({ errcode }) => errcode === 0)).toHaveLength(20);
    expect(all.filter(({ errcode }) => errcode === 410_100)).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await send(signed())).errcode).toBe(410_100);
    await new Promise((resolve) => setTimeout(resolve, 2200));
    expect((await send(signed())).errcode).toBe(0);
  });
});

describe('the generic webhook', () => {
  const headers = (body: string, timestamp = String(Date.now())): Record<string, string> => ({
    'x-sluice-timestamp': timestamp,
    'x-sluice-signature': `sha256=${createHmac('sha256', inbox.webhook.secret).update(`${timestamp}.${body}`).digest('hex')}`,
  });
  const body = JSON.stringify({ title: '发布失败', text: 'The canary was aborted.' });

  test('takes a signed message', async () => {
    expect((await post(inbox.webhook.url, body, headers(body))).status).toBe(202);
    expect(inbox.messages()).toMatchObject([{ channel: 'webhook', title: '发布失败', text: 'The canary was aborted.' }]);
  });

  test.each<[string, () => [string, Record<string, string>], number]>([
    ['no signature', () => [body, {}], 401],
    ['another body', () => [`${body} `, headers(body)], 401],
    ['an old time', () => [body, headers(body, String(Date.now() - 600_000))], 401],
    ['a list', () => ['[]', headers('[]')], 400],
  ])('refuses %s', async (_what, parts, status) => {
    const [sent, given] = parts();
    expect((await post(inbox.webhook.url, sent, given)).status).toBe(status);
    expect(inbox.refused()).toHaveLength(1);
  });

  test('is only posted to', async () => {
    expect((await fetch(inbox.webhook.url)).status).toBe(405);
  });
});
