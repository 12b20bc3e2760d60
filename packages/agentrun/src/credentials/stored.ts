import { done, type Outcome, type SecretReader } from '@sluice/core';
import type { Credentials } from '../server/sign.ts';
import type { CredentialSource } from './source.ts';

const families = ['ALIBABA_CLOUD', 'AGENTRUN', 'ALIYUN'] as const;

/**
 * storedKey takes key id, secret and token from one family of names, the first that has a key id, and never mixes them:
 * a token belongs to its key. It is undefined when no family has a key id; a key id without its secret is `input`.
 */
export const storedKey = (secrets: SecretReader): Outcome<CredentialSource | undefined> => {
  const family = families.find((name) => secrets.find(`${name}_ACCESS_KEY_ID`) !== undefined);
  if (family === undefined) return done(undefined);
  const id = secrets.read(`${family}_ACCESS_KEY_ID`, 'the OpenAPI of AgentRun');
  if (!id.ok) return id;
  const secret = secrets.read(`${family}_ACCESS_KEY_SECRET`, 'the OpenAPI of AgentRun');
  if (!secret.ok) return secret;
  const securityToken = secrets.find(`${family}_SECURITY_TOKEN`);
  const credentials: Credentials = { accessKeyId: id.value, accessKeySecret: secret.value, ...(securityToken === undefined ? {} : { securityToken }) };
  return done({
    kind: `${securityToken === undefined ? 'the stored key' : 'the temporary key'} in ${family}_ACCESS_KEY_ID`,
    renews: false,
    obtain: () => Promise.resolve(done({ credentials })),
  });
};
