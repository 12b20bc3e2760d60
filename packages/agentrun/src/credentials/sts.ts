import { randomUUID } from 'node:crypto';
import { done, failed, readJson, type Clock, type HttpClient, type Outcome } from '@sluice/core';
import { answerOf, refusal } from '../server/refusal.ts';
import { signedHeaders, type Credentials } from '../server/sign.ts';
import { isRecord } from '../source/json.ts';

/** stsVersion is the version of STS's OpenAPI, and stsDeadlineMs how long one of its answers may take. */
export const stsVersion = '2015-04-01';
export const stsDeadlineMs = 15_000;

/**
 * stsAddress is STS in the runtime's own region unless sluice.yml names another: a release there depends on that region
 * anyway, and on no second one, as it would with sts.aliyuncs.com, which stands in Hangzhou.
 */
export const stsAddress = (region: string, named: string | undefined): string => (named ?? `https://sts.${region}.aliyuncs.com`).replace(/\/$/, '');

/** StsParts are what a call to STS needs. */
export interface StsParts {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly sts: string;
}

/** callerAccount asks whose credentials these are (GetCallerIdentity, which needs no right). */
export const callerAccount = async ({ http, clock, signal, sts }: StsParts, credentials: Credentials): Promise<Outcome<string>> => {
  const tried = 'find out which account the credentials belong to';
  const url = `${sts}/`;
  const headers = signedHeaders({ method: 'POST', url, action: 'GetCallerIdentity', version: stsVersion, body: '', at: clock.now(), nonce: randomUUID() }, credentials);
  const sent = await http.send({ method: 'POST', url, headers: { ...headers, accept: 'application/json' }, tried, deadlineMs: stsDeadlineMs, repeatable: false, signal });
  if (!sent.ok) return sent;
  const json = readJson(sent.value, tried);
  const body = json.ok ? json.value : undefined;
  if (sent.value.status >= 400) return failed(refusal(answerOf(sent.value, body), tried, sts));
  if (!json.ok) return json;
  const account = isRecord(body) ? body['AccountId'] : undefined;
  if (typeof account === 'string' && account !== '') return done(account);
  return failed({ category: 'platform', reason: 'STS answered without an account', tried, where: sts, hint: 'Check agentrun.sts in sluice.yml.' });
};
