import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHttpClient, done, systemClock, type ChannelConfig, type HttpClient } from '@sluice/core';
import { startLabInbox, type LabInbox } from '@sluice/lab';
import { deliver, type Message } from '../src/index.ts';

const clock = systemClock();
let inbox: LabInbox;
let http: HttpClient;

beforeAll(async () => {
  inbox = await startLabInbox({ timeScale: 1000 });
  http = createHttpClient({ clock, signal: new AbortController().signal, userAgent: 'sluice/test', loopbackOnly: true });
});
afterAll(async () => {
  await http.close();
  await inbox.close();
});

const send = (message: Message, values: Record<string, string>) => {
  const read = (name: string): string => values[name] ?? '';
  const channels: ChannelConfig[] = [
    { slack: { env: 'SLACK' }, 'at-least': 'P2' },
    { dingtalk: { env: 'DING' }, secret: { env: 'DING_SECRET' }, 'at-least': 'P2' },
    { webhook: { env: 'HOOK' }, secret: { env: 'HOOK_SECRET' }, 'at-least': 'P2' },
  ];
  const secrets = { read: (name: string) => done(read(name)), find: read };
  return deliver(channels, message, { http, clock, secrets, signal: new AbortController().signal, redact: (text) => text });
};

const addresses = () => ({
  SLACK: inbox.slack.url, DING: inbox.dingtalk.url, HOOK: inbox.webhook.url,
  DING_SECRET: inbox.dingtalk.secret, HOOK_SECRET: inbox.webhook.secret,
});

const message: Message = {
  severity: 'P1', title: '客服机器人 production: 已回滚', status: 'failed', runUrl: 'https://ci.example.com/run/7',
  lines: ['candidate 12 failed 5 of 30', ...Array.from({ length: 400 }, (_, index) => `第${index}行 <!channel> @所有人 "x" \\ & ${'字'.repeat(40)}`)],
};

test('all three receivers accept a long message in Chinese with markup in it', async () => {
  expect((await send(message, addresses())).map(({ channel, delivered }) => [channel, delivered])).toEqual([
    ['slack (SLACK)', true],
    ['dingtalk (DING)', true],
    ['webhook (HOOK)', true],
  ]);
  expect(inbox.refused()).toEqual([]);
  expect(inbox.messages().every(({ text }) => text.includes('candidate 12 failed 5 of 30'))).toBe(true);
});

test('none of them is believed when it refuses, and no address is in what is said', async () => {
  const wrong = {
    SLACK: inbox.slack.url.replace(/.{4}$/, '0000'), DING: inbox.dingtalk.url, HOOK: inbox.webhook.url,
    DING_SECRET: 'SECwrong', HOOK_SECRET: 'wrong',
  };
  const deliveries = await send(message, wrong);
  expect(deliveries.map(({ delivered }) => delivered)).toEqual([false, false, false]);
  expect(deliveries.map(({ reason }) => reason)).toEqual([
    expect.stringContaining('HTTP 404 no_service'),
    expect.stringContaining('errcode 310000 sign not match'),
    expect.stringContaining('HTTP 401'),
  ]);
  const said = JSON.stringify(deliveries);
  for (const address of Object.values(wrong).filter((value) => value.startsWith('http'))) {
    const url = new URL(address);
    expect(said).not.toContain(url.pathname === '/robot/send' ? String(url.searchParams.get('access_token')) : url.pathname);
  }
});

test('a receiver that is gone is said by its host alone', async () => {
  const gone = await startLabInbox();
  await gone.close();
  const [slack] = await send(message, { ...addresses(), SLACK: gone.slack.url });
  expect(slack).toMatchObject({ delivered: false, reason: expect.stringContaining(new URL(gone.slack.url).host) });
  expect(JSON.stringify(slack)).not.toContain('/services/');
});
