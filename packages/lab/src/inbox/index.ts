import { randomBytes } from 'node:crypto';
import { answerJson, startServer, type LabRequest } from '../server.ts';
import { DingtalkRobot } from './dingtalk.ts';
import type { Channel, InboxMessage, InboxRefusal, Verdict } from './message.ts';
import { receiveSlack } from './slack.ts';
import { receiveWebhook } from './webhook.ts';
import { RateWindow } from './window.ts';

export type { Channel, InboxMessage, InboxRefusal } from './message.ts';

/** LabInbox receives notifications as Slack, DingTalk and a signed webhook do. */
export interface LabInbox {
  readonly slack: { readonly url: string };
  /** dingtalk's url carries the access token; timestamp and sign are the sender's part. */
  readonly dingtalk: { readonly url: string; readonly secret: string };
  readonly webhook: { readonly url: string; readonly secret: string };
  /** messages are the accepted ones in their order. */
  messages(): InboxMessage[];
  /** refused are those that a receiver did not accept. */
  refused(): InboxRefusal[];
  close(): Promise<void>;
}

interface Receiver {
  readonly channel: Channel;
  receive(request: LabRequest): Verdict;
}

const slackToken = (length: number): string => randomBytes(length).toString('hex').toUpperCase().slice(0, length);

// About one message a second is allowed, and short bursts.
const slackBurst = 10;

const methodRefused: Verdict = { status: 405, body: 'method_not_allowed', refused: 'method_not_allowed' };

const slackReceiver = (timeScale: number): Receiver => {
  const window = new RateWindow(slackBurst, 1000 / timeScale);
  return {
    channel: 'slack',
    receive: (request) => {
      if (!window.admit(Date.now())) {
        return { status: 429, body: 'rate_limited', headers: { 'retry-after': '1' }, refused: 'rate_limited' };
      }
      const form = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
      const text = request.body.toString('utf8');
      return receiveSlack(form ? (new URLSearchParams(text).get('payload') ?? '') : text);
    },
  };
};

/** startLabInbox starts the three receivers on loopback, with random addresses and secrets; `timeScale` shortens their rate limits. */
export const startLabInbox = async (options: { readonly timeScale?: number } = {}): Promise<LabInbox> => {
  const timeScale = options.timeScale ?? 1;
  const accessToken = randomBytes(32).toString('hex');
  const dingtalkSecret = `SEC${randomBytes(32).toString('hex')}`;
  const webhookSecret = randomBytes(32).toString('hex');
  const slackPath = `/services/T${slackToken(8)}/B${slackToken(8)}/${slackToken(24)}`;
  const webhookPath = `/hooks/${randomBytes(16).toString('hex')}`;
  const robot = new DingtalkRobot(accessToken, dingtalkSecret, timeScale);
  const receivers: Readonly<Record<string, Receiver>> = {
    [slackPath]: slackReceiver(timeScale),
    '/robot/send': {
      channel: 'dingtalk',
      receive: ({ query, body, headers }) => robot.receive(query, body, headers['content-type'] ?? '', Date.now()),
    },
    [webhookPath]: {
      channel: 'webhook',
      receive: ({ headers, body }) => receiveWebhook(headers, body, webhookSecret, Date.now()),
    },
  };
  const accepted: InboxMessage[] = [];
  const refusals: InboxRefusal[] = [];
  const server = await startServer((request, response) => {
    // Slack answers so for every webhook that does not exist, or does no more.
    const unknown: Receiver = { channel: 'slack', receive: () => ({ status: 404, body: 'no_service', refused: 'no_service' }) };
    const receiver = receivers[request.path] ?? unknown;
    const verdict = request.method === 'POST' ? receiver.receive(request) : methodRefused;
    const { channel } = receiver;
    const at = Date.now();
    if (verdict.message !== undefined) accepted.push({ channel, ...verdict.message, at });
    if (verdict.refused !== undefined) refusals.push({ channel, reason: verdict.refused, at });
    if (typeof verdict.body !== 'string') {
      answerJson(response, verdict.status, verdict.body, verdict.headers ?? {});
      return;
    }
    response.writeHead(verdict.status, { 'content-type': 'text/plain; charset=utf-8', ...verdict.headers });
    response.end(verdict.body);
  });
  return {
    slack: { url: `${server.origin}${slackPath}` },
    dingtalk: { url: `${server.origin}/robot/send?access_token=${accessToken}`, secret: dingtalkSecret },
    webhook: { url: `${server.origin}${webhookPath}`, secret: webhookSecret },
    messages: () => [...accepted],
    refused: () => [...refusals],
    close: () => server.close(),
  };
};
