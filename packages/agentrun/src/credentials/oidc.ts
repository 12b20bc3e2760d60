import { done, failed, type Outcome } from '@sluice/core';
import type { CredentialSource, Surroundings } from './source.ts';

const roleName = 'ALIBABA_CLOUD_ROLE_ARN';
const providerName = 'ALIBABA_CLOUD_OIDC_PROVIDER_ARN';
const tried = "take a role by the job's identity token";

const accountOf = (arn: string): string | undefined => /^acs:ram::(\d+):/.exec(arn)?.[1];

/**
 * jobRole is the role that a job takes by its identity token, so that no key is stored. It is undefined when neither
 * the role nor the provider is set; one of them alone is `input`.
 */
export const jobRole = (surroundings: Surroundings): Outcome<CredentialSource | undefined> => {
  const { setting } = surroundings;
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
    obtain: async () => (await import('./assume-role.ts')).takeRole(surroundings, { role, provider, account }),
  });
};
