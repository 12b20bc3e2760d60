import { clause, oneLine, type Answer, type FailureCategory, type Problem } from '@sluice/core';
import { isThrottled } from '../server/refusal.ts';
import { audience, claimsOf, trustPolicy } from './token.ts';

interface Meaning {
  readonly category: FailureCategory;
  readonly reason: string;
  readonly next: string;
}

/** Wish is the role that was asked for. */
export interface Wish {
  readonly role: string;
  readonly provider: string;
  readonly token: string;
}

const meaningOf = ({ status = 0, code = '', message = '' }: Answer, { role, provider }: Wish): Meaning => {
  const said = oneLine(message, 160);
  const permission = (reason: string, next: string): Meaning => ({ category: 'permission', reason, next });
  if (isThrottled({ status, code }) || status >= 500) return { category: 'platform', reason: `STS gives no credentials now: HTTP ${status}${said === '' ? '' : `, ${clause(said)}`}`, next: 'Run the step again in a few minutes.' };
  if (code.startsWith('EntityNotExist.Role')) return { category: 'input', reason: `there is no RAM role ${role}`, next: 'Correct ALIBABA_CLOUD_ROLE_ARN.' };
  if (code.endsWith('OIDCToken.Expired')) return permission('the identity token of the job has expired', 'Start the job again; a job that waits long before this step gets a token for a shorter time than it runs.');
  if (code.endsWith('OIDCToken.AudienceNotMatch')) return permission(`RAM's identity provider does not know the audience of the token`, `Add the client id ${audience} to ${provider}.`);
  if (code.endsWith('OIDCToken.IssuerNotMatch')) return permission(`the identity provider ${provider} is of another issuer`, 'Make a provider in RAM whose issuer is that of the token.');
  if (/provider/i.test(message)) return permission(`RAM does not know the identity provider ${provider}`, 'Correct ALIBABA_CLOUD_OIDC_PROVIDER_ARN, or make the provider in RAM.');
  if (code.startsWith('AuthenticationFail')) return permission(`STS does not let this job take the role ${role}${said === '' ? '' : `: ${clause(said)}`}`, 'Let the trust policy of the role say what is below.');
  return { category: 'platform', reason: `STS refused the request${said === '' ? '' : `: ${clause(said)}`}`, next: 'Put right what the answer names.' };
};

/**
 * oidcRefusal makes the problem of a refused AssumeRoleWithOIDC: with the token's issuer, subject and audience, which a
 * person has to compare with RAM, and the trust policy that would let the job in (error codes: STS 2015-04-01).
 */
export const oidcRefusal = (answer: Answer, wish: Wish, tried: string, where: string): Problem => {
  const { category, reason, next } = meaningOf(answer, wish);
  const claims = claimsOf(wish.token);
  const facts = `The token says iss=${claims.issuer}, sub=${claims.subject}, aud=${claims.audience}.`;
  const policy = category === 'permission' ? ` Trust policy for this job: ${JSON.stringify(trustPolicy(wish.provider, claims))}` : '';
  return { category, reason, tried, where, answer, hint: category === 'platform' ? next : `${next} ${facts}${policy}` };
};
