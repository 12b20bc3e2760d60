import { clause, oneLine, type Answer, type FailureCategory, type HttpResponse, type Problem } from '@sluice/core';
import { isRecord } from '../source/json.ts';

const textAt = (body: unknown, ...keys: readonly string[]): string => {
  if (!isRecord(body)) return '';
  const value = keys.map((key) => body[key]).find((item) => typeof item === 'string' && item !== '');
  return typeof value === 'string' ? oneLine(value, 300) : '';
};

/** plainText is what an error says that is no JSON, such as a proxy's page; damaged JSON may hold what it was asked for. */
const plainText = (response: HttpResponse, body: unknown): string =>
  response.status < 400 || body !== undefined || /^\s*[[{"]/.test(response.text) ? '' : oneLine(response.text.slice(0, 4000).replace(/<[^>]*>/g, ' '), 160);

/** answerOf reads both error forms, `Code/Message/RequestId` of the gateway and `code/message/requestId` of AgentRun, and what a proxy in front of them says. */
export const answerOf = (response: HttpResponse, body: unknown): Answer => {
  const code = textAt(body, 'Code', 'code');
  const message = textAt(body, 'Message', 'message', 'error') || plainText(response, body);
  const { headers } = response;
  const requestId = textAt(body, 'RequestId', 'requestId') || oneLine(headers['x-acs-request-id'] ?? headers['x-fc-request-id'] ?? headers['x-request-id'] ?? '', 80);
  return {
    status: response.status,
    ...(code === '' ? {} : { code }),
    ...(message === '' ? {} : { message }),
    ...(requestId === '' ? {} : { requestId }),
  };
};

/** isThrottled says that the request was refused before anything was done, because there are too many. */
export const isThrottled = ({ status, code = '' }: Answer): boolean => status === 429 || code.includes('Throttling');

/** isExpired says that temporary credentials have ended, so that others may be taken. */
export const isExpired = ({ code = '' }: Answer = {}): boolean => /SecurityToken/i.test(code) && /expired/i.test(code);

/** isReplayed says that this very request had arrived before: something on the way sends requests twice, and whether the first was carried out stays open. */
export const isReplayed = ({ code = '' }: Answer): boolean => code.startsWith('SignatureNonceUsed');

const permissionCode = /AccessKey|Signature|SecurityToken|NoPermission|Forbidden|AccessDenied|Unauthorized/i;

interface Meaning {
  readonly category: FailureCategory;
  readonly reason: string;
  readonly hint: string;
}

/** withMessage puts the server's own words behind a reason: in a summary and an annotation the reason stands alone. */
const withMessage = (reason: string, message: string): string => (message === '' ? reason : `${reason}: ${clause(oneLine(message, 160))}`);

/** failure is an answer that blames AgentRun itself, or what stands in front of it. */
const failure = ({ status = 0, message = '', requestId }: Answer): Meaning => ({
  category: 'platform',
  reason: withMessage(`AgentRun failed with HTTP ${status}`, message),
  hint: `Run the step again in a few minutes. If it fails again, give ${requestId === undefined ? 'the time and the address' : `the request id ${requestId}`} to the support of Alibaba Cloud.`,
});

const meaningOf = (answer: Answer): Meaning => {
  const { status = 0, code = '', message = '' } = answer;
  if (isThrottled(answer)) return { category: 'platform', reason: withMessage('AgentRun refuses more requests for now', message), hint: 'Run the step again in a few minutes.' };
  if (code.startsWith('InvalidTimeStamp')) return { category: 'input', reason: 'the clock of this machine differs from that of Alibaba Cloud', hint: 'Set the clock of the runner.' };
  if (isReplayed(answer)) return { category: 'platform', reason: 'AgentRun got the request twice, and refused the second', hint: 'Something between this machine and Alibaba Cloud repeats requests: look at the proxy.' };
  if (/^(?:NoPermission|Forbidden)/.test(code)) {
    return {
      category: 'permission',
      reason: withMessage('the RAM user or role may not do this', message),
      hint: 'Give it the rights that docs/ram-policies.md lists for this step. A role that was taken by an identity token has, in this step, no rights but those.',
    };
  }
  if (status === 401 || status === 403 || permissionCode.test(code)) {
    return {
      category: 'permission',
      reason: 'Alibaba Cloud does not accept the access key for this',
      hint: 'Check the key id and the secret, and that the RAM user or role may do this action on agentrun.',
    };
  }
  if (status === 409 || /already exists/i.test(message)) return { category: 'conflict', reason: withMessage('something of this name exists already or is being changed', message), hint: 'Look at it in the AgentRun console and run the step again.' };
  if (status === 404) {
    return {
      category: 'platform',
      reason: withMessage('AgentRun does not know what was asked for', message),
      hint: 'Check that the runtime and the endpoint exist in the region of s.yaml, in the account that the access key belongs to.',
    };
  }
  if (status >= 500) return failure(answer);
  return { category: 'platform', reason: withMessage('AgentRun refused the request', message), hint: 'Put right what the answer names, in s.yaml or sluice.yml, and run the step again.' };
};

/** refusal makes the problem of an answer that is an error. */
export const refusal = (answer: Answer, tried: string, where: string): Problem => ({ ...meaningOf(answer), tried, where, answer });
