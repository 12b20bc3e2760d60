import { oneLine, type Answer, type FailureCategory, type HttpResponse, type Problem } from '@sluice/core';
import { isRecord } from '../source/json.ts';

const textAt = (body: unknown, ...keys: readonly string[]): string => {
  if (!isRecord(body)) return '';
  const value = keys.map((key) => body[key]).find((item) => typeof item === 'string' && item !== '');
  return typeof value === 'string' ? oneLine(value, 300) : '';
};

/** answerOf reads both error forms, `Code/Message/RequestId` of the gateway and `code/message/requestId` of AgentRun. */
export const answerOf = (response: HttpResponse, body: unknown): Answer => {
  const code = textAt(body, 'Code', 'code');
  const message = textAt(body, 'Message', 'message');
  const requestId = textAt(body, 'RequestId', 'requestId') || oneLine(response.headers['x-acs-request-id'] ?? '', 80);
  return {
    status: response.status,
    ...(code === '' ? {} : { code }),
    ...(message === '' ? {} : { message }),
    ...(requestId === '' ? {} : { requestId }),
  };
};

/** isThrottled says that the request was refused before anything was done, because there are too many. */
export const isThrottled = ({ status, code = '' }: Answer): boolean => status === 429 || code.includes('Throttling');

const permissionCode = /AccessKey|Signature|SecurityToken|NoPermission|Forbidden|AccessDenied|Unauthorized/i;

interface Meaning {
  readonly category: FailureCategory;
  readonly reason: string;
  readonly hint?: string;
}

const meaningOf = (answer: Answer): Meaning => {
  const { status = 0, code = '', message = '' } = answer;
  if (isThrottled(answer)) return { category: 'platform', reason: 'AgentRun refuses more requests for now', hint: 'Run the step again in a few minutes.' };
  if (code.startsWith('InvalidTimeStamp')) return { category: 'input', reason: 'the clock of this machine differs from that of Alibaba Cloud', hint: 'Set the clock of the runner.' };
  if (status === 401 || status === 403 || permissionCode.test(code)) {
    return {
      category: 'permission',
      reason: 'Alibaba Cloud does not accept the access key for this',
      hint: 'Check the key id and the secret, and that the RAM user or role may do this action on agentrun.',
    };
  }
  if (status === 409 || /already exists/i.test(message)) return { category: 'conflict', reason: 'something of this name exists already or is being changed', hint: 'Look at it in the AgentRun console and run the step again.' };
  if (status === 404) return { category: 'platform', reason: 'AgentRun does not know what was asked for' };
  return { category: 'platform', reason: status >= 500 ? 'AgentRun failed' : 'AgentRun refused the request' };
};

/** refusal makes the problem of an answer that is an error. */
export const refusal = (answer: Answer, tried: string, where: string): Problem => ({ ...meaningOf(answer), tried, where, answer });
