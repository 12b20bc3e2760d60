import { createHmac } from 'node:crypto';
import { sameText } from '../same-text.ts';
import { readRecord, textAt, type Verdict } from './message.ts';

const skewMs = 5 * 60_000;

const refused = (status: number, reason: string): Verdict => ({ status, body: { error: reason }, refused: reason });

/** webhookSignature signs a body together with its time (milliseconds since 1970), as in the header `x-sluice-signature`. */
export const webhookSignature = (timestamp: string, body: Buffer, secret: string): string =>
  `sha256=${createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex')}`;

/** receiveWebhook judges one request to the generic webhook: signed, fresh and a JSON object. */
export const receiveWebhook = (
  headers: Readonly<Record<string, string | undefined>>,
  body: Buffer,
  secret: string,
  now: number,
): Verdict => {
  const timestamp = headers['x-sluice-timestamp'] ?? '';
  if (!sameText(headers['x-sluice-signature'] ?? '', webhookSignature(timestamp, body, secret))) return refused(401, 'signature does not match');
  if (!/^\d{13}$/.test(timestamp) || Math.abs(Number(timestamp) - now) > skewMs) {
    return refused(401, 'timestamp is too old or not a time in milliseconds');
  }
  const payload = readRecord(body.toString('utf8'));
  if (payload === undefined) return refused(400, 'the body is not a JSON object');
  const title = textAt(payload, 'title');
  return { status: 202, body: {}, message: { ...(title === undefined ? {} : { title }), text: textAt(payload, 'text') ?? '' } };
};
