import { done, failed, type Outcome } from '@sluice/core';
import { credentialAddress } from './address.ts';
import { jobRole } from './oidc.ts';
import type { CredentialSource, Surroundings } from './source.ts';
import { storedKey } from './stored.ts';

const looked = [
  'ALIBABA_CLOUD_ACCESS_KEY_ID, AGENTRUN_ACCESS_KEY_ID and ALIYUN_ACCESS_KEY_ID are not set',
  'ALIBABA_CLOUD_ROLE_ARN is not set',
  'ALIBABA_CLOUD_CREDENTIALS_URI is not set',
];

/** noCredentials is the reason of having none at all. */
export const noCredentials = 'there are no credentials for Alibaba Cloud';

const nothing = (instance: string) => (): Outcome<never> =>
  failed({
    category: 'input',
    reason: noCredentials,
    tried: 'find credentials for Alibaba Cloud',
    where: [...looked, instance].join('; '),
    hint: 'Set ALIBABA_CLOUD_ROLE_ARN and ALIBABA_CLOUD_OIDC_PROVIDER_ARN, so that the job needs no stored key (docs/ram-policies.md), or ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET as secrets of the CI.',
  });

/** isDisabled says that the instance may not be asked. */
const isDisabled = ({ setting }: Pick<Surroundings, 'setting'>): boolean => /^(?:true|1)$/i.test(setting('ALIBABA_CLOUD_ECS_METADATA_DISABLED') ?? '');

/** instanceRole is the RAM role of the ECS instance that the job runs on. */
const instanceRole = (surroundings: Surroundings): CredentialSource => ({
  kind: 'the RAM role of this ECS instance',
  renews: true,
  obtain: async () => (await import('./instance.ts')).roleOfInstance(surroundings, nothing('no ECS instance answers at 100.100.100.200')),
});

/**
 * chooseSource is where credentials come from: the first that is set up, and never a mixture. The order is that of
 * Alibaba Cloud's own clients (@alicloud/credentials 2.4.7): a key in the environment, a role by the job's identity
 * token, then what the machine has. There an address of credentials comes after the instance's role; here it comes
 * before, because it was set on purpose. So a stored key wins over a role, which `note` then says.
 */
export const chooseSource = (surroundings: Surroundings, note: (line: string) => void): Outcome<CredentialSource> => {
  const key = storedKey(surroundings.secrets);
  if (!key.ok) return key;
  if (key.value !== undefined) {
    if (surroundings.setting('ALIBABA_CLOUD_OIDC_PROVIDER_ARN') !== undefined) note(`${key.value.kind} is used and no role is taken, since a key in the environment comes first; take the key away to do without one`);
    return done(key.value);
  }
  const role = jobRole(surroundings);
  if (!role.ok) return role;
  if (role.value !== undefined) return done(role.value);
  const address = credentialAddress(surroundings);
  if (!address.ok) return address;
  if (address.value !== undefined) return done(address.value);
  if (isDisabled(surroundings)) return nothing('ALIBABA_CLOUD_ECS_METADATA_DISABLED keeps the instance from being asked')();
  return done(instanceRole(surroundings));
};
