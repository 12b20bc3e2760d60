import { randomUUID } from 'node:crypto';
import { done, failed, readJson, type Clock, type Connection, type HttpClient, type Outcome } from '@sluice/core';
import { answerOf, refusal } from '../server/refusal.ts';
import { queryText, signedHeaders, type Credentials } from '../server/sign.ts';
import { isRecord } from '../source/json.ts';
import { readIssued } from './answer.ts';
import { oidcRefusal, type Wish } from './oidc-refusal.ts';
import type { Issued } from './source.ts';

const apiVersion = '2015-04-01';
const deadlineMs = 15_000;

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

/** RoleRequest is what a role is taken with. */
export interface RoleRequest extends Wish {
  readonly session: string;
  readonly policy: string;
  readonly seconds: number;
}

const timestamp = (clock: Clock): string => new Date(clock.now()).toISOString().replace(/\.\d{3}Z$/, 'Z');

/** assumeRoleWithOidc takes a role by an identity token. The request is not signed: the token alone proves the job. */
export const assumeRoleWithOidc = async ({ http, clock, signal, sts }: StsParts, wish: RoleRequest, mask: Connection['mask']): Promise<Outcome<Issued>> => {
  const tried = `take the role ${wish.role} by the job's identity token`;
  const query = { Action: 'AssumeRoleWithOIDC', Version: apiVersion, Format: 'JSON', Timestamp: timestamp(clock) };
  const form = { OIDCProviderArn: wish.provider, RoleArn: wish.role, OIDCToken: wish.token, RoleSessionName: wish.session, DurationSeconds: String(wish.seconds), Policy: wish.policy };
  const sent = await http.send({
    method: 'POST',
    url: `${sts}/?${queryText(query)}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: queryText(form),
    credentials: 'exchanged',
    tried,
    deadlineMs,
    // It changes nothing, and a second session does no harm.
    repeatable: true,
    signal,
  });
  if (!sent.ok) return sent;
  const json = readJson(sent.value, tried);
  const body = json.ok ? json.value : undefined;
  if (sent.value.status >= 400) return failed(oidcRefusal(answerOf(sent.value, body), wish, tried, sts));
  return json.ok ? readIssued(isRecord(body) ? body['Credentials'] : undefined, tried, sts, mask) : json;
};

/** callerAccount asks whose credentials these are (GetCallerIdentity, which needs no right). */
export const callerAccount = async ({ http, clock, signal, sts }: StsParts, credentials: Credentials): Promise<Outcome<string>> => {
  const tried = 'find out which account the credentials belong to';
  const url = `${sts}/`;
  const headers = signedHeaders({ method: 'POST', url, action: 'GetCallerIdentity', version: apiVersion, body: '', at: clock.now(), nonce: randomUUID() }, credentials);
  const sent = await http.send({ method: 'POST', url, headers: { ...headers, accept: 'application/json' }, tried, deadlineMs, repeatable: false, signal });
  if (!sent.ok) return sent;
  const json = readJson(sent.value, tried);
  const body = json.ok ? json.value : undefined;
  if (sent.value.status >= 400) return failed(refusal(answerOf(sent.value, body), tried, sts));
  if (!json.ok) return json;
  const account = isRecord(body) ? body['AccountId'] : undefined;
  if (typeof account === 'string' && account !== '') return done(account);
  return failed({ category: 'platform', reason: 'STS answered without an account', tried, where: sts, hint: 'Check agentrun.sts in sluice.yml.' });
};
