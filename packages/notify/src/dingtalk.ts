import { createHmac } from 'node:crypto';
import { done, failed, plainLine, type HttpRequest, type HttpResponse, type Outcome } from '@sluice/core';
import { withoutMentions } from './address.ts';
import { clip, jsonBytes } from './clip.ts';
import type { Message } from './message.ts';

/** DingTalk refuses a body over 20,000 bytes with errcode 460101 or 101002. */
const bodyLimit = 20_000;
const titleLimit = 200;

const markup = new Set('\\`*_[]()<>#~|!');

const escaped = (codePoint: string): string => (markup.has(codePoint) ? `\\${codePoint}` : withoutMentions(codePoint));

/** dingtalkText escapes Markdown and breaks mentions, within `limit` bytes of a JSON string. */
export const dingtalkText = (text: string, limit: number): string => clip(text, limit, escaped, jsonBytes);

/** dingtalkSign is base64(HMAC-SHA256(secret, timestamp + "\n" + secret)); the query encodes it, once. */
export const dingtalkSign = (timestampMs: number, secret: string): string =>
  createHmac('sha256', secret).update(`${timestampMs}\n${secret}`).digest('base64');

const signed = (url: URL, secret: string | undefined, now: number): string => {
  if (secret === undefined) return url.href;
  const copy = new URL(url.href);
  copy.searchParams.set('timestamp', String(now));
  copy.searchParams.set('sign', dingtalkSign(now, secret));
  return copy.href;
};

const linkText = (runUrl: string): string => {
  if (!/^https?:/.test(runUrl) || !URL.canParse(runUrl)) return '';
  return `\n\n[Run](${new URL(runUrl).href.replaceAll('(', '%28').replaceAll(')', '%29')})`;
};

const bodyOf = (title: string, text: string): string =>
  JSON.stringify({ msgtype: 'markdown', markdown: { title, text }, at: { isAtAll: false } });

/** dingtalkRequest builds the call of a custom robot; `now` is milliseconds since 1970 and goes into the signature. */
export const dingtalkRequest = (url: URL, message: Message, secret: string | undefined, now: number): HttpRequest => {
  const plain = plainLine(`${message.severity} ${message.title}`);
  const title = clip(plain, titleLimit, withoutMentions, jsonBytes);
  const heading = `### ${dingtalkText(plain, titleLimit * 2)}\n\n`;
  const link = linkText(message.runUrl);
  const lines = message.lines.map((line) => plainLine(line).trim()).filter((line) => line !== '');
  const room = bodyLimit - Buffer.byteLength(bodyOf(title, heading + link), 'utf8');
  return {
    method: 'POST',
    url: signed(url, secret, now),
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: bodyOf(title, heading + list(lines, room) + link),
    tried: 'send a message to DingTalk',
    repeatable: false,
  };
};

const bullet = '- ';

/** list writes one list item a line and cuts the last one that fits in part; `room` is in bytes of a JSON string. */
const list = (lines: readonly string[], room: number): string => {
  const items: string[] = [];
  let left = room;
  for (const line of lines) {
    const start = items.length === 0 ? bullet : `\n${bullet}`;
    left -= jsonBytes(start);
    if (left <= 0) break;
    const text = dingtalkText(line, left);
    if (text === '') break;
    items.push(`${bullet}${text}`);
    left -= jsonBytes(text);
  }
  return items.join('\n');
};

const hints: Readonly<Record<number, string>> = {
  310000: 'The robot refused the signature, the keyword or the address of this runner. Compare its security settings with `secret`.',
  300005: 'The access token is unknown. Copy the webhook address of the robot again.',
  101002: 'The message is longer than 20,000 bytes.',
  460101: 'The message is longer than 20,000 bytes.',
};

const answerOf = (text: string): { code: number; message: string } | undefined => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Not JSON: no errcode was said, and the caller treats that as not delivered.
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || !('errcode' in parsed) || typeof parsed.errcode !== 'number') return undefined;
  return { code: parsed.errcode, message: 'errmsg' in parsed ? plainLine(String(parsed.errmsg)).slice(0, 200) : '' };
};

/** readDingtalk takes only status 200 with errcode 0 as delivered: DingTalk answers 200 also when it refuses. */
export const readDingtalk = (response: HttpResponse): Outcome<void> => {
  const answer = answerOf(response.text);
  if (response.status === 200 && answer?.code === 0) return done(undefined);
  const hint = answer === undefined ? undefined : hints[answer.code];
  return failed({
    category: answer?.code === 310000 || answer?.code === 300005 ? 'permission' : 'platform',
    reason: answer === undefined ? 'DingTalk gave no answer that says the message was sent' : 'DingTalk refused the message',
    answer: {
      status: response.status,
      ...(answer === undefined ? {} : { code: `errcode ${answer.code}`, message: answer.message }),
    },
    ...(hint === undefined ? {} : { hint }),
  });
};
