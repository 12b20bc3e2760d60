import { done, failed, type Outcome } from '@sluice/core';
import type { CredentialSource, Surroundings } from './source.ts';
import { assumeRoleWithOidc } from './sts.ts';
import { audience, tokenParts } from './token.ts';

const roleName = 'ALIBABA_CLOUD_ROLE_ARN';
const providerName = 'ALIBABA_CLOUD_OIDC_PROVIDER_ARN';
const tokenName = 'ALIBABA_CLOUD_OIDC_TOKEN';
const fileName = 'ALIBABA_CLOUD_OIDC_TOKEN_FILE';
const tried = "take a role by the job's identity token";

// STS: DurationSeconds from 900 to the role's MaxSessionDuration, which is 3600 or more.
const shortestSeconds = 900;
const longestSeconds = 3600;
/** graceMs is what a step may take beyond its deadline to put things right. */
const graceMs = 5 * 60_000;

const accountOf = (arn: string): string | undefined => /^acs:ram::(\d+):/.exec(arn)?.[1];

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
    reason: `${roleName} is set, and the job has no identity token`,
    tried,
    where: `${tokenName}, ${fileName}`,
    hint: `On GitHub give the job \`permissions: { id-token: write, contents: read }\`. On GitLab give the job \`id_tokens: { ${tokenName}: { aud: ${audience} } }\`. Elsewhere set ${fileName}.`,
  });
};

/**
 * jobRole is the role that a job takes by its identity token, so that no key is stored. It is undefined when neither
 * the role nor the provider is set; one of them alone is `input`.
 */
export const jobRole = (surroundings: Surroundings): Outcome<CredentialSource | undefined> => {
  const { setting, mask, name, deadlineMs } = surroundings;
  const [role, provider] = [setting(roleName), setting(providerName)];
  if (role === undefined && provider === undefined) return done(undefined);
  if (role === undefined || provider === undefined) {
    const [set, missing] = role === undefined ? [providerName, roleName] : [roleName, providerName];
    return failed({ category: 'input', reason: `${set} is set, and ${missing} is not`, tried, where: missing, hint: `Set both, or neither: a role is taken by an identity token that the provider vouches for.` });
  }
  const account = accountOf(role);
  if (account === undefined) return failed({ category: 'input', reason: `${roleName} is no ARN of a RAM role`, tried, where: roleName, hint: 'Write it as acs:ram::<account id>:role/<name>.' });
  return done({
    kind: `the role ${role}, by the job's identity token`,
    account,
    renews: true,
    obtain: async () => {
      const token = await identityToken(surroundings);
      if (!token.ok) return token;
      for (const part of tokenParts(token.value)) mask(part);
      return assumeRoleWithOidc(surroundings, { role, provider, token: token.value, session: sessionName(name), policy: surroundings.policy(account), seconds: sessionSeconds(deadlineMs) }, mask);
    },
  });
};
