import { createHmac } from 'node:crypto';
import { done, failed, plainLine, type HttpRequest, type HttpResponse, type Outcome } from '@sluice/core';
import type { Message } from './message.ts';

/** webhookSignature is `sha256=` and the hex HMAC-SHA256 of `<timestamp>.<body>`. */
export const webhookSignature = (timestamp: string, body: string, secret: string): string =>
  `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;

/**
 * webhookRequest builds a call of a receiver of one's own: JSON with the message's fields and `text`, which is the title
 * and the lines in one. With a secret it is signed; `x-sluice-timestamp` is milliseconds since 1970.
 */
export const webhookRequest = (url: URL, message: Message, secret: string | undefined, now: number): HttpRequest => {
  const timestamp = String(now);
  const lines = message.lines.map((line) => plainLine(line).trim()).filter((line) => line !== '');
  const body = JSON.stringify({
    title: plainLine(message.title),
    severity: message.severity,
    status: message.status,
    text: [plainLine(message.title), ...lines].join('\n'),
    lines,
    runUrl: message.runUrl,
  });
  return {
    method: 'POST',
    url: url.href,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'x-sluice-timestamp': timestamp,
      ...(secret === undefined ? {} : { 'x-sluice-signature': webhookSignature(timestamp, body, secret) }),
    },
    body,
    tried: 'send a message to the webhook',
    repeatable: false,
  };
};

/** readWebhook takes any status from 200 to 299 as delivered. */
export const readWebhook = (response: HttpResponse): Outcome<void> =>
  response.status >= 200 && response.status < 300
    ? done(undefined)
    : failed({
        category: response.status === 401 || response.status === 403 ? 'permission' : 'platform',
        reason: 'the webhook did not accept the message',
        answer: { status: response.status, message: plainLine(response.text).slice(0, 200) },
      });
