import { randomUUID } from 'node:crypto';
import { answerJson, type LabHandler, type LabRequest } from '../server.ts';
import type { SignatureCheck } from './acs3.ts';
import type { Issuer } from './identity.ts';
import type { Keys } from './keys.ts';
import { longestPolicy, readPolicy, type Policy } from './ram.ts';
import { refuse, type Refused } from './reply.ts';

/** Trust is a role with the one job that may take it, and the provider that vouches for the job. */
export interface Trust {
  readonly roleArn: string;
  readonly providerArn: string;
  readonly subject: string;
}

/** TokenService is everything that STS works on. */
export interface TokenService {
  readonly accountId: string;
  readonly keys: Keys;
  readonly check: SignatureCheck;
  readonly issuer: Issuer;
  /** trusts are the roles that jobs may take. */
  trusts(): readonly Trust[];
  now(): number;
}

type Answered = object | Refused;

const audience = 'sts.aliyuncs.com';
const refusedToken = (code: string, message: string): Refused => refuse(401, `AuthenticationFail.OIDCToken.${code}`, message);
const noPermission = (message: string): Refused => refuse(401, 'AuthenticationFail.NoPermission', message);

/** refuseToken goes through the token as STS does: form, signature, issuer, audience, time. */
const refuseToken = ({ issuer, now }: TokenService, token: string): Refused | undefined => {
  if (token.length < 4 || token.length > 20_000) return refusedToken('Invalid', 'The OIDCToken can not empty.');
  const read = issuer.read(token);
  if (read === undefined) return refusedToken('Invalid', "The number of Jwt field should be divided into 3 parts with '.' .");
  if (read.issuer !== issuer.name) return refusedToken('IssuerNotMatch', "The issuer in the OIDC Token doesn't match the OIDC Provider registered.");
  if (!read.genuine) return refusedToken('InvalidSignature', 'OIDC token validate failed: invalid signature.');
  if (!read.audience.includes(audience)) return refusedToken('AudienceNotMatch', 'Invalid audience.');
  return read.expiresAt <= now() ? refusedToken('Expired', 'This JsonWebToken is expired.') : undefined;
};

const parameters = (form: URLSearchParams): Refused | { session: string; seconds: number; policy?: Policy } => {
  const session = form.get('RoleSessionName') ?? '';
  if (!/^[A-Za-z0-9.@_-]{2,64}$/.test(session)) return refuse(400, 'InvalidParameter.RoleSessionName', 'The parameter RoleSessionName is wrongly formed.');
  const seconds = Number(form.get('DurationSeconds') ?? '3600');
  if (!(Number.isInteger(seconds) && seconds >= 900 && seconds <= 3600)) return refuse(400, 'InvalidParameter.DurationSeconds', 'The Min/Max value of DurationSeconds is 15min/1hr.');
  const text = form.get('Policy');
  if (text === null) return { session, seconds };
  if (text.length > longestPolicy) return refuse(400, 'InvalidParameter.PolicySize', `The size of Policy must be smaller than ${longestPolicy} bytes.`);
  const policy = readPolicy(text);
  return policy === undefined ? refuse(400, 'InvalidParameter.PolicyGrammar', 'The parameter Policy has not passed grammar check.') : { session, seconds, policy };
};

const assumeRole = (service: TokenService, form: URLSearchParams): Answered => {
  const provider = service.trusts().find(({ providerArn }) => providerArn === form.get('OIDCProviderArn'));
  if (provider === undefined) return noPermission('No such OIDC Provider registered.');
  const token = form.get('OIDCToken') ?? '';
  const refused = refuseToken(service, token);
  if (refused !== undefined) return refused;
  const roleArn = form.get('RoleArn') ?? '';
  const trusts = service.trusts().filter((one) => one.roleArn === roleArn);
  if (trusts.length === 0) return refuse(404, 'EntityNotExist.Role', `The role not exists: ${roleArn}. `);
  const subject = service.issuer.read(token)?.subject;
  if (!trusts.some((one) => one.subject === subject && one.providerArn === provider.providerArn)) return noPermission('There is no permission');
  const given = parameters(form);
  if ('code' in given) return given;
  const arn = `${roleArn.replace(':role/', ':assumed-role/')}/${given.session}`;
  return {
    AssumedRoleUser: { Arn: arn, AssumedRoleId: `33${service.accountId}:${given.session}` },
    Credentials: service.keys.issue({ arn, seconds: given.seconds, ...(given.policy === undefined ? {} : { policy: given.policy }) }),
  };
};

const callerIdentity = ({ accountId, check, keys }: TokenService, request: LabRequest): Answered => {
  const refused = check.refuse(request);
  if (refused !== undefined) return refused;
  const [, keyId = ''] = /Credential=([^,]+)/.exec(request.headers['authorization'] ?? '') ?? [];
  return { AccountId: accountId, Arn: keys.find(keyId)?.arn ?? '', IdentityType: keyId.startsWith('STS.') ? 'AssumedRoleUser' : 'RAMUser' };
};

/** stsHandler answers two operations of STS, version 2015-04-01. */
export const stsHandler =
  (service: TokenService): LabHandler =>
  (request, response) => {
    const form = new URLSearchParams(request.body.toString('utf8'));
    const action = request.headers['x-acs-action'] ?? request.query.get('Action') ?? form.get('Action') ?? '';
    const version = request.headers['x-acs-version'] ?? request.query.get('Version') ?? form.get('Version') ?? '';
    const known = version === '2015-04-01' && (action === 'AssumeRoleWithOIDC' || action === 'GetCallerIdentity');
    const answered = !known
      ? refuse(404, 'InvalidAction.NotFound', 'Specified api is not found, please check your url and method.')
      : action === 'GetCallerIdentity'
        ? callerIdentity(service, request)
        : assumeRole(service, form);
    const requestId = randomUUID().toUpperCase();
    if ('code' in answered && 'status' in answered) answerJson(response, answered.status, { RequestId: requestId, HostId: 'sts.lab', Code: answered.code, Message: answered.message });
    else answerJson(response, 200, { RequestId: requestId, ...answered });
  };
