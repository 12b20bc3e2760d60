import { describe, expect, test } from '@jest/globals';
import type { HttpResponse, Problem } from '@sluice/core';
import { mayHaveHappened, refusal } from '../src/server/answer.ts';

const answered = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): HttpResponse => ({ status, text, headers, durationMs: 1 });

describe('a refusal', () => {
  test.each<[status: number, text: string, category: string, reason: string, hint: RegExp]>([
    [400, '{"code":"invalid_param","message":"节点 “回答” is not connected."}', 'platform', 'Dify refused to publish: 节点 “回答” is not connected', /^Correct what the server names\./],
    [400, '{"code":"draft_workflow_not_sync","message":"out of sync"}', 'conflict', 'Dify refused to publish: out of sync', /^Correct/],
    [401, '{"code":"unauthorized","message":"Token has expired."}', 'permission', 'Dify refused to publish: Token has expired', /logs in anew/],
    [403, '{"code":"forbidden","message":"No permission."}', 'permission', 'Dify refused to publish: No permission', /role editor/],
    [404, '{"code":"app_not_found","message":"App not found."}', 'input', 'Dify refused to publish: App not found', /^Check the app id .* workspace/],
    [404, '<html></html>', 'input', 'Dify refused to publish: HTTP 404', /^Check the addresses/],
    [409, '', 'conflict', 'Dify refused to publish: HTTP 409', /nobody edits the app/],
    [429, '{"message":"slow down"}', 'platform', 'Dify refused to publish: slow down', /slow down.*run this again/],
    [500, '{"message":"No space left on device"}', 'platform', 'Dify refused to publish: No space left on device', /log, and at the proxy/],
    [504, '<html></html>', 'timeout', 'Dify refused to publish: HTTP 504', /log, and at the proxy/],
  ])('with status %i and %s says why and what to do', (status, text, category, reason, hint) => {
    expect(refusal(answered(status, text), 'publish', 'https://dify.example.com')).toMatchObject({ category, reason, hint: expect.stringMatching(hint), tried: 'publish' });
  });

  test('keeps a hint that the caller gives, and the request id', () => {
    expect(refusal(answered(500, '', { 'x-request-id': 'r-1' }), 'export', 'here', 'Look at the daemon.')).toMatchObject({ hint: 'Look at the daemon.', answer: { status: 500, requestId: 'r-1' } });
  });
});

describe('a write that failed', () => {
  const problem = (category: Problem['category'], status?: number): Problem => ({ category, reason: 'x', ...(status === undefined ? {} : { answer: { status } }) });
  test.each<[name: string, problem: Problem, may: boolean]>([
    ['a cut connection', problem('platform'), true],
    ['a deadline', problem('timeout'), true],
    ['a page in place of the answer', problem('platform', 200), true],
    ['a redirect', problem('platform', 302), true],
    ["a proxy's 502", problem('platform', 502), true],
    ['408', problem('timeout', 408), true],
    ['a refusal', problem('platform', 400), false],
    ['429', problem('platform', 429), false],
    ['403', problem('permission', 403), false],
    ['a refused address', problem('input'), false],
  ])('by %s may have been carried out or not', (_name, lost, may) => {
    expect(mayHaveHappened(lost)).toBe(may);
  });
});
