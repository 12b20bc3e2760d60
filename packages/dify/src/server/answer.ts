import { done, failed, oneLine, readJson, type FailureCategory, type HttpResponse, type Outcome, type Problem } from '@sluice/core';
import type * as z from 'zod/mini';
import { isMapping, mappingOf, textOf } from '../source/shape.ts';

const longestMessage = 300;

/** conflictCodes say that somebody else has changed it; 1.9.1 sends them with status 400. */
const conflictCodes = new Set(['draft_workflow_not_sync']);

const categoryOf = (status: number, code?: string): FailureCategory => {
  if (code !== undefined && conflictCodes.has(code)) return 'conflict';
  if (status === 401 || status === 403) return 'permission';
  if (status === 404) return 'input';
  if (status === 409) return 'conflict';
  return status === 408 || status === 504 ? 'timeout' : 'platform';
};

const said = (response: HttpResponse): { readonly code?: string; readonly message?: string } => {
  const body = readJson(response, 'read an error');
  const error = mappingOf(body.ok ? body.value : undefined);
  // Limits of Flask-RESTful's own form name themselves `custom` (Dify 1.12.1, api/controllers/console/apikey.py).
  const code = textOf(error['code']) || textOf(error['custom']);
  const message = oneLine(textOf(error['message']) || textOf(error['error']), longestMessage);
  return { ...(code === '' ? {} : { code }), ...(message === '' ? {} : { message }) };
};

const requestIdOf = (response: HttpResponse): string | undefined => response.headers['x-request-id'] ?? response.headers['x-trace-id'];

const again = 'Then run this again: what is done already is not done twice.';

/** usualHint says what to do after a refusal that the caller has nothing better to say of. */
const usualHint = (status: number, code?: string): string => {
  if (code === 'app_not_found') return 'Check the app id in sluice.yml, that nobody has deleted the app, and the workspace in which the account works.';
  if (status === 401) return 'Run this again: it logs in anew.';
  if (status === 403) return 'The account may not do this. Give it the role editor in the workspace of the app.';
  if (status === 404) return 'Check the addresses in sluice.yml, and that what is asked for still exists.';
  if (status === 409) return 'Run this again when nobody edits the app in Studio.';
  if (status === 429) return `The server asks to slow down. Wait a while. ${again}`;
  if (status >= 500) return `Look at the server's own log, and at the proxy in front of it. ${again}`;
  return `Correct what the server names. ${again}`;
};

/** refusal turns an answer with an error status into a problem with what the server said. */
export const refusal = (response: HttpResponse, tried: string, where: string, hint?: string): Problem => {
  const { status } = response;
  const requestId = requestIdOf(response);
  const answer = said(response);
  return {
    category: categoryOf(status, answer.code),
    reason: `Dify refused to ${tried}: ${answer.message?.replace(/\.$/, '') ?? `HTTP ${status}`}`,
    tried,
    where,
    answer: { status, ...answer, ...(requestId === undefined ? {} : { requestId }) },
    hint: hint ?? usualHint(status, answer.code),
  };
};

/** mayHaveHappened says whether a write that failed so may have been carried out: no answer came, or a proxy's, or a page in its place. */
export const mayHaveHappened = (problem: Problem): boolean => {
  const status = problem.answer?.status;
  return status === undefined ? problem.category !== 'input' && problem.category !== 'permission' && problem.category !== 'defect' : status < 400 || status >= 500 || status === 408;
};

/** jsonAt gives the JSON of an answer of any status; what is none is a problem with the address. */
export const jsonAt = (response: HttpResponse, tried: string, where: string): Outcome<unknown> => {
  const body = readJson(response, tried);
  return body.ok ? body : failed({ ...body.problem, where });
};

/** jsonOf gives the JSON of a successful answer, else the refusal. */
export const jsonOf = (response: HttpResponse, tried: string, where: string): Outcome<unknown> =>
  response.status >= 400 ? failed(refusal(response, tried, where)) : jsonAt(response, tried, where);

/** shaped checks a server's JSON against a shape; keys that are not in the shape are ignored. */
export const shaped = <T>(schema: z.ZodMiniType<T>, value: unknown, tried: string, where: string): Outcome<T> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return done(parsed.data);
  const issues = parsed.error.issues.slice(0, 3).map((issue) => `${issue.path.join('.') || 'the answer'}: ${issue.message}`);
  return failed({
    category: 'platform',
    reason: `the answer of Dify to "${tried}" has another shape than expected (${issues.join('; ')})`,
    tried,
    where,
    hint: isMapping(value)
      ? 'Check that the address is right and which release of Dify answers there; this release may be newer than Sluice knows.'
      : 'Check that the address is right: this is no answer of the Dify API.',
  });
};
