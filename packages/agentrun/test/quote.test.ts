import { expect, test } from '@jest/globals';
import { readWhole } from '../src/server/chat.ts';

const secret = 'sk-live-0123456789abcdefghij';

test.each([
  ['an error inside an answer', 200, JSON.stringify({ error: { message: `${'x'.repeat(190)}${secret}` } })],
  ['a finish that is an error', 200, JSON.stringify({ choices: [{ message: { content: `${'x'.repeat(190)}${secret}` }, finish_reason: 'error' }] })],
  ['what is no chat completion', 200, `"${'x'.repeat(110)}${secret}"`],
  ['a refusal', 500, `${'x'.repeat(110)}${secret}`],
])('%s is quoted with the whole of a secret, so that redaction finds it before anybody cuts', (_, status, text) => {
  expect(readWhole({ status, text, headers: {}, durationMs: 1 }).failed).toContain(secret);
});
