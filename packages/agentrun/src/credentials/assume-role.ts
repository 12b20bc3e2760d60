import { done, failed, readJson, type Clock, type Connection, type Outcome } from '@sluice/core';
import { answerOf } from '../server/refusal.ts';
import { queryText } from '../server/sign.ts';
import { isRecord } from '../source/json.ts';
import { readIssued } from './answer.ts';
import { oidcRefusal, type Wish } from './oidc-refusal.ts';
import type { Issued, Surroundings } from './source.ts';
import { stsDeadlineMs, stsVersion, type StsParts } from './sts.ts';
import { audience, tokenParts } from './token.ts';

const tokenName = 'ALIBABA_CLOUD_OIDC_TOKEN';
const fileName = 'ALIBABA_CLOUD_OIDC_TOKEN_FILE';
const tried = "take a role by the job's identity token";

// STS: DurationSeconds from 900 to the role's MaxSessionDuration, which is 3600 or more.
const shortestSeconds = 900;
const longestSeconds = 3600;
/** graceMs is what a step may take beyond its deadline to put things right. */
const graceMs = 5 * 60_000;

/** sessionSeconds is how long a session lasts: as long as the step may, within what STS takes. */
export const sessionSeconds = (deadlineMs: number): number => Math.min(longestSeconds, Math.max(shortestSeconds, Math.ceil((deadlineMs + graceMs) / 1000)));

/** sessionName is a connection's name as STS takes one: 2 to 64 letters, digits and `.@-_`. */
export const sessionName = (name: string): string => name.replace(/[^A-Za-z0-9.@_-]/g, '-').slice(0, 64).padEnd(2, '-');

/**
 * identityToken is the token that was given by name, else by file, else the one that the CI gives out: GitHub on
 * request, GitLab only as a variable that .gitlab-ci.yml names. A file is read each time, since it is renewed.
 */
const identityToken = async ({ secrets, setting, credentialFile, identityToken: ask, mask }: Surroundings): Promise<Outcome<string>> => {
  const token = secrets.find(tokenName);
  if (token !== undefined) return done(token);
  const path = setting(fileName);
  if (path !== undefined) {
    const read = await credentialFile(path);
    if (!read.ok) return read;
    const inFile = read.value.trim();
    mask(inFile);
    return inFile === '' ? failed({ category: 'input', reason: `the file in ${fileName} is empty`, tried, where: fileName, hint: 'Let it hold the identity token and nothing else.' }) : done(inFile);
  }
  if (ask !== undefined) return ask(audience);
  return failed({
    category: 'input',
    reason: 'ALIBABA_CLOUD_ROLE_ARN is set, and the job has no identity token',
    tried,
    where: `${tokenName}, ${fileName}`,
    hint: `On GitHub give the job \`permissions: { id-token: write, contents: read }\`. On GitLab give the job \`id_tokens: { ${tokenName}: { aud: ${audience} } }\`. Elsewhere set ${fileName}.`,
  });
};

/** RoleRequest is what a role is taken with. */
interface RoleRequest extends Wish {
  readonly session: string;
  readonly policy: string;
  readonly seconds: number;
}

const timestamp = (clock: Clock): string => new Date(clock.now()).toISOString().replace(/\.\d{3}Z$/, 'Z');

/** assumeRoleWithOidc takes a role by an identity token. The request is not signed: the token alone proves the job. */
const assumeRoleWithOidc = async ({ http, clock, signal, sts }: StsParts, wish: RoleRequest, mask: Connection['mask']): Promise<Outcome<Issued>> => {
  const tried = `take the role ${wish.role} by the job's identity token`;
  const query = { Action: 'AssumeRoleWithOIDC', Version: stsVersion, Format: 'JSON', Timestamp: timestamp(clock) };
  const form = { OIDCProviderArn: wish.provider, RoleArn: wish.role, OIDCToken: wish.token, RoleSessionName: wish.session, DurationSeconds: String(wish.seconds), Policy: wish.policy };
  const sent = await http.send({
    method: 'POST',
    url: `${sts}/?${queryText(query)}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: queryText(form),
    credentials: 'exchanged',
    tried,
    deadlineMs: stsDeadlineMs,
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

/** takeRole takes the role with the rights of the step alone. */
export const takeRole = async (surroundings: Surroundings, { role, provider, account }: { readonly role: string; readonly provider: string; readonly account: string }): Promise<Outcome<Issued>> => {
  const { mask, name, deadlineMs } = surroundings;
  const token = await identityToken(surroundings);
  if (!token.ok) return token;
  for (const part of tokenParts(token.value)) mask(part);
  const policy = await surroundings.policy(account);
  return assumeRoleWithOidc(surroundings, { role, provider, token: token.value, session: sessionName(name), policy, seconds: sessionSeconds(deadlineMs) }, mask);
};
