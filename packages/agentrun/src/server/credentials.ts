import { done, type Outcome, type SecretReader } from '@sluice/core';
import type { Credentials } from './sign.ts';

const families = ['ALIBABA_CLOUD', 'AGENTRUN', 'ALIYUN'] as const;

/** apiKeyName is the variable of the key that agents with a credential ask for. */
export const apiKeyName = 'AGENTRUN_API_KEY';

/** agentrunSecrets are the environment variables that a connection to AgentRun may read. */
export const agentrunSecrets: Readonly<Record<string, string>> = {
  ALIBABA_CLOUD_ACCESS_KEY_ID: 'access key id of a RAM user or role with rights on AgentRun (also AGENTRUN_ACCESS_KEY_ID, ALIYUN_ACCESS_KEY_ID)',
  ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'secret of that access key (also AGENTRUN_ACCESS_KEY_SECRET, ALIYUN_ACCESS_KEY_SECRET)',
  ALIBABA_CLOUD_SECURITY_TOKEN: 'security token of temporary credentials (also AGENTRUN_SECURITY_TOKEN, ALIYUN_SECURITY_TOKEN)',
  AGENTRUN_ACCESS_KEY_ID: 'another name of ALIBABA_CLOUD_ACCESS_KEY_ID',
  AGENTRUN_ACCESS_KEY_SECRET: 'another name of ALIBABA_CLOUD_ACCESS_KEY_SECRET',
  AGENTRUN_SECURITY_TOKEN: 'another name of ALIBABA_CLOUD_SECURITY_TOKEN',
  ALIYUN_ACCESS_KEY_ID: 'another name of ALIBABA_CLOUD_ACCESS_KEY_ID',
  ALIYUN_ACCESS_KEY_SECRET: 'another name of ALIBABA_CLOUD_ACCESS_KEY_SECRET',
  ALIYUN_SECURITY_TOKEN: 'another name of ALIBABA_CLOUD_SECURITY_TOKEN',
  [apiKeyName]: 'key that the agent asks its callers for (header X-API-Key), when it has a credential',
};

/**
 * readCredentials takes key id, secret and token from one family of names, the first that has a key id, and never
 * mixes them: a token belongs to its key.
 */
export const readCredentials = (secrets: SecretReader): Outcome<Credentials> => {
  const family = families.find((name) => secrets.find(`${name}_ACCESS_KEY_ID`) !== undefined) ?? 'ALIBABA_CLOUD';
  const id = secrets.read(`${family}_ACCESS_KEY_ID`, 'the OpenAPI of AgentRun');
  if (!id.ok) return id;
  const secret = secrets.read(`${family}_ACCESS_KEY_SECRET`, 'the OpenAPI of AgentRun');
  if (!secret.ok) return secret;
  const token = secrets.find(`${family}_SECURITY_TOKEN`);
  return done({ accessKeyId: id.value, accessKeySecret: secret.value, ...(token === undefined ? {} : { securityToken: token }) });
};
