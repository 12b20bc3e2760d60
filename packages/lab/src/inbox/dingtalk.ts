import { createHmac } from 'node:crypto';
import { sameText } from '../same-text.ts';
import { isRecord, readRecord, textAt, type JsonRecord, type Verdict } from './message.ts';
import { RateWindow } from './window.ts';

const hourMs = 3_600_000;
const largestBody = 20_000;

// DingTalk refuses with HTTP 200: only errcode tells.
const refused = (errcode: number, errmsg: string): Verdict => ({
  status: 200,
  body: { errcode, errmsg },
  refused: `${errcode} ${errmsg}`,
});

/** dingtalkSign is the signature of a custom robot: base64 of HMAC-SHA256 over the time in milliseconds, a line feed and the secret. */
export const dingtalkSign = (timestamp: string, secret: string): string =>
  createHmac('sha256', secret).update(`${timestamp}\n${secret}`).digest('base64');

const content = (payload: JsonRecord): { title?: string; text: string } | undefined => {
  const kind = textAt(payload, 'msgtype');
  const part = kind === undefined ? undefined : payload[kind];
  if (!isRecord(part)) return undefined;
  if (kind === 'text') {
    const text = textAt(part, 'content');
    return text === undefined ? undefined : { text };
  }
  if (kind !== 'markdown' && kind !== 'actionCard' && kind !== 'link') return undefined;
  const title = textAt(part, 'title');
  const text = textAt(part, 'text');
  return title === undefined || text === undefined ? undefined : { title, text };
};

/** DingtalkRobot is one custom robot with a signing secret. */
export class DingtalkRobot {
  readonly #token: string;
  readonly #secret: string;
  readonly #muteMs: number;
  readonly #window: RateWindow;
  #mutedUntil = 0;

  /** The limit is 20 messages a minute, and silence for ten minutes after more; both are shorter by `timeScale`. */
  constructor(token: string, secret: string, timeScale: number) {
    this.#token = token;
    this.#secret = secret;
    this.#muteMs = (10 * 60_000) / timeScale;
    this.#window = new RateWindow(20, 60_000 / timeScale);
  }

  /** receive judges one request to `/robot/send`. */
  receive(query: URLSearchParams, body: Buffer, contentType: string, now: number): Verdict {
    if (!sameText(query.get('access_token') ?? '', this.#token)) return refused(300_005, 'token is not exist');
    if (!contentType.startsWith('application/json')) return refused(43_004, 'invalid content-type');
    const fault = this.#signatureFault(query, now);
    if (fault !== undefined) return refused(310_000, fault);
    if (body.length > largestBody) return refused(460_101, 'message too long, exceed 20000 bytes');
    const payload = readRecord(body.toString('utf8'));
    if (payload === undefined) return refused(40_035, 'invalid parameter: json');
    const message = content(payload);
    if (message === undefined) return refused(400_105, 'unsupported msgtype, or a part of the message is missing');
    if (now < this.#mutedUntil) return refused(410_100, 'send too fast, the robot is muted');
    if (!this.#window.admit(now)) {
      this.#mutedUntil = now + this.#muteMs;
      return refused(410_100, 'send too fast, exceed 20 times per minute');
    }
    return { status: 200, body: { errcode: 0, errmsg: 'ok' }, message };
  }

  #signatureFault(query: URLSearchParams, now: number): string | undefined {
    const timestamp = query.get('timestamp') ?? '';
    if (!/^\d{13}$/.test(timestamp) || Math.abs(Number(timestamp) - now) > hourMs) return 'invalid timestamp';
    return sameText(query.get('sign') ?? '', dingtalkSign(timestamp, this.#secret)) ? undefined : 'sign not match';
  }
}
