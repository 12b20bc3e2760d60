import { mayReceiveCredentials, type CredentialHosts, type EnvironmentConfig, type Outcome } from '@sluice/core';

/**
 * credentialAddresses are all addresses in an environment that a run sends credentials or signatures to. Those that a
 * platform works out by itself are not here: `Platform.ownHost` tells them.
 */
export const credentialAddresses = (environment: EnvironmentConfig): readonly string[] => {
  const { dify, agentrun, gateway } = environment;
  const long = typeof dify === 'object' ? [dify.console, dify.api] : [dify];
  return [...long, agentrun?.control, agentrun?.data, agentrun?.sts, agentrun?.logs, agentrun?.metrics, gateway?.address].filter((address) => address !== undefined);
};

/** checkCredentialAddresses refuses an environment whose credentials would go where they may not; it gives warnings. */
export const checkCredentialAddresses = (
  environment: EnvironmentConfig,
  hosts: CredentialHosts,
  onCi: boolean,
): Outcome<readonly string[]> => {
  const warnings = new Set<string>();
  for (const address of credentialAddresses(environment)) {
    const allowed = mayReceiveCredentials(address, hosts, { onCi, insecureHttp: environment['insecure-http'] });
    if (!allowed.ok) return allowed;
    if (allowed.value.warning !== undefined) warnings.add(allowed.value.warning);
  }
  return { ok: true, value: [...warnings] };
};
