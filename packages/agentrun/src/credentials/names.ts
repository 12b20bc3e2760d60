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
  ALIBABA_CLOUD_OIDC_TOKEN: 'identity token of the job for the audience sts.aliyuncs.com, from id_tokens of GitLab',
  ALIBABA_CLOUD_CREDENTIALS_URI: 'address, on this machine or over https, that answers with temporary credentials',
  [apiKeyName]: 'key that the agent asks its callers for (header X-API-Key), when it has a credential',
};

/** agentrunSettings are the environment variables beside them that are no secret. */
export const agentrunSettings: Readonly<Record<string, string>> = {
  ALIBABA_CLOUD_ROLE_ARN: 'ARN of the RAM role that the job takes by its identity token, without a stored key',
  ALIBABA_CLOUD_OIDC_PROVIDER_ARN: "ARN of RAM's identity provider for the CI's tokens",
  ALIBABA_CLOUD_OIDC_TOKEN_FILE: 'path of a file with the identity token, where neither GitHub nor a variable gives one',
  ALIBABA_CLOUD_ECS_METADATA: 'name of the RAM role of the ECS instance that the job runs on; asked from the instance when absent',
  ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'true keeps the instance from being asked for credentials',
  SLUICE_S_COMPONENTS: 'folder in which the Serverless Devs CLI keeps its components between runs, for the cache of the CI; downloaded each time when absent',
  DOCKER_HOST: 'address of Docker, handed to the Serverless Devs CLI for builds, as are the next two',
  DOCKER_TLS_VERIFY: '1 when Docker is spoken to over TLS',
  DOCKER_CERT_PATH: 'folder with the certificates for that',
  ENGINE_PIPELINE_PORTAL_URL: 'set by Yunxiao, whose machines build without Docker; handed to the Serverless Devs CLI',
  FC_CODE_TEMP_OSS_ENDPOINT: 'address of OSS that code is uploaded to, handed to the Serverless Devs CLI',
  HTTPS_PROXY: 'proxy that the Serverless Devs CLI goes through',
  NO_PROXY: 'hosts that it reaches without the proxy',
};
