import { done, failed, plainLine, type HttpRequest, type HttpResponse, type Outcome } from '@sluice/core';
import { withoutMentions } from './address.ts';
import { clip } from './clip.ts';
import type { Message } from './message.ts';

/** Slack refuses a header over 150 and a section over 3,000 characters (docs.slack.dev, Block Kit reference). */
const headerLimit = 150;
const sectionLimit = 3000;

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** slackText escapes the three characters that begin Slack's markup and breaks mentions, within `limit` characters. */
export const slackText = (text: string, limit: number): string =>
  clip(text, limit, (codePoint) => entities[codePoint] ?? withoutMentions(codePoint), (written) => written.length);

const section = (text: string): object => ({ type: 'section', text: { type: 'mrkdwn', text, verbatim: true } });

/** slackRequest builds the call of an incoming webhook. */
export const slackRequest = (url: URL, message: Message): HttpRequest => {
  const title = plainLine(`${message.severity} ${message.title}`);
  const lines = message.lines.map((line) => plainLine(line).trim()).filter((line) => line !== '');
  const header = clip(title, headerLimit, withoutMentions, (written) => written.length);
  return {
    method: 'POST',
    url: url.href,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify({
      text: slackText(title, sectionLimit),
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: header, emoji: false } },
        ...(lines.length === 0 ? [] : [section(slackText(lines.join('\n'), sectionLimit))]),
        ...(message.runUrl === '' ? [] : [section(slackText(message.runUrl, sectionLimit))]),
      ],
    }),
    tried: 'send a message to Slack',
    repeatable: false,
  };
};

const saysOk = (text: string): boolean => text.trim() === 'ok' || /^\s*\{\s*"ok"\s*:\s*true\b/.test(text);

/** readSlack takes only status 200 with the body `ok` as delivered. */
export const readSlack = (response: HttpResponse): Outcome<void> =>
  response.status === 200 && saysOk(response.text)
    ? done(undefined)
    : failed({
        category: response.status === 403 || response.status === 404 ? 'permission' : 'platform',
        reason: 'Slack did not accept the message',
        answer: { status: response.status, message: plainLine(response.text).slice(0, 200) },
        hint: 'Check that the webhook still exists and that its channel is not archived.',
      });
