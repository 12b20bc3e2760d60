import { scryptSync } from 'node:crypto';
import type { Json } from '@sluice/core';
import type { CodeArchive } from './code.ts';
import { canonicalJson, isJsonRecord, sha256, toJson, type JsonRecord } from './json.ts';
import type { Agent } from './schema.ts';

/** Configuration is what one version of a runtime is made of, in the words of AgentRun's API 2025-09-10. */
export type Configuration = JsonRecord;

const artifactOf = ({ code, customContainerConfig: container }: Agent, archive: CodeArchive | undefined): Readonly<Record<string, unknown>> => {
  if (code !== undefined) {
    const { language, command, ossBucketName, ossObjectName, checksum } = code;
    return { artifactType: 'Code', codeConfiguration: { language, command, ossBucketName, ossObjectName, checksum: archive?.checksum ?? checksum } };
  }
  if (container === undefined) return {};
  const { image, port, command, imageRegistryType, acrInstanceId, registryConfig } = container;
  return { artifactType: 'Container', containerConfiguration: { image, port, command, imageRegistryType, acrInstanceId, registryConfig } };
};

const networkOf = ({ vpcConfig, internetAccess }: Agent): Readonly<Record<string, unknown>> => {
  const open = internetAccess !== false;
  if (vpcConfig === undefined) return { networkMode: open ? 'PUBLIC' : 'PRIVATE' };
  return {
    networkMode: open ? 'PUBLIC_AND_PRIVATE' : 'PRIVATE',
    vpcId: vpcConfig.vpcId,
    vswitchIds: [vpcConfig.vSwitchIds].flat(),
    securityGroupId: vpcConfig.securityGroupId,
  };
};

/** Own names of an account: the role that a bare name means, and the log store of `logConfig: auto`. */
const accountParts = (agent: Agent, region: string, account: string | undefined): Readonly<Record<string, unknown>> => ({
  executionRoleArn:
    agent.role === undefined || agent.role.startsWith('acs:') || account === undefined ? agent.role : `acs:ram::${account}:role/${agent.role}`,
  logConfiguration:
    agent.logConfig === 'auto'
      ? account === undefined
        ? 'auto'
        : { project: `aliyun-serverless-${account}-${region}`, logstore: 'default-logs' }
      : agent.logConfig,
});

const healthOf = ({ healthCheckConfiguration: given }: Agent): unknown =>
  given === undefined
    ? undefined
    : { httpGetUrl: '/health', initialDelaySeconds: 30, periodSeconds: 30, timeoutSeconds: 3, failureThreshold: 3, successThreshold: 1, ...given };

/** configurationOf translates `props.agent` as the component 1.0.12 does (src/impl/agentrun.ts). What s.yaml leaves out is not sent. */
export const configurationOf = (agent: Agent, region: string, account: string | undefined, archive: CodeArchive | undefined): Configuration => {
  const json = toJson({
    description: agent.description,
    ...artifactOf(agent, archive),
    cpu: agent.cpu,
    memory: agent.memory,
    diskSize: agent.diskSize,
    port: agent.port,
    networkConfiguration: networkOf(agent),
    environmentVariables: agent.environmentVariables,
    ...accountParts(agent, region, account),
    credentialName: agent.credentialName,
    protocolConfiguration: agent.protocolConfiguration,
    healthCheckConfiguration: healthOf(agent),
    nasConfig: agent.nasConfig,
    ossMountConfig: agent.ossMountConfig,
    sessionConcurrencyLimitPerInstance: agent.instanceConcurrency,
    sessionIdleTimeoutSeconds: agent.sessionIdleTimeoutSeconds,
    enableSessionIsolation: agent.enableSessionIsolation,
    disableSessionAffinity: agent.disableSessionAffinity,
  });
  return isJsonRecord(json) ? json : {};
};

/** contentKeys are the parts of a runtime that make its content; ids, states and times are not among them. */
const contentKeys = [
  'description', 'artifactType', 'codeConfiguration', 'containerConfiguration', 'cpu', 'memory', 'diskSize', 'port',
  'networkConfiguration', 'environmentVariables', 'executionRoleArn', 'credentialName', 'logConfiguration',
  'protocolConfiguration', 'healthCheckConfiguration', 'nasConfig', 'ossMountConfig', 'sessionConcurrencyLimitPerInstance',
  'sessionIdleTimeoutSeconds', 'enableSessionIsolation', 'disableSessionAffinity',
] as const;

/** Values that mean the same as no value: what the platform shows for fields that nobody set. */
const initialValues: Readonly<Record<string, Json>> = { diskSize: 512 };
const secretKeys = new Set(['zipFile', 'authConfig', 'armsLicenseKey']);

const isEmpty = (value: Json): boolean =>
  value === null || value === '' || value === false || (typeof value === 'object' && Object.keys(value).length === 0);

const withoutEmpty = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (!isJsonRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !secretKeys.has(key))
      .map(([key, item]): [string, Json] => [key, withoutEmpty(item)])
      .filter(([, item]) => !isEmpty(item)),
  );
};

/** contentOf takes from a configuration, or from a runtime as the platform shows it, what makes its content, without secrets of registries. */
export const contentOf = (shown: JsonRecord): JsonRecord =>
  Object.fromEntries(
    contentKeys.flatMap((key): [string, Json][] => {
      const value = shown[key];
      if (value === undefined || value === initialValues[key]) return [];
      const kept = key === 'environmentVariables' ? value : withoutEmpty(value);
      return isEmpty(kept) ? [] : [[key, kept]];
    }),
  );

/** showsCode says whether a configuration tells one code from another: by an image, a checksum or an object in OSS. */
export const showsCode = (content: JsonRecord): boolean => {
  const { codeConfiguration: code, containerConfiguration: container } = content;
  if (isJsonRecord(container)) return typeof container['image'] === 'string';
  return isJsonRecord(code) && (typeof code['checksum'] === 'string' || typeof code['ossObjectName'] === 'string');
};

/** codeOf leaves out where in OSS a code lies whose checksum is known: the Serverless Devs CLI takes another place each time. */
const codeOf = (content: JsonRecord): JsonRecord => {
  const { codeConfiguration: code, ...rest } = content;
  if (!isJsonRecord(code) || typeof code['checksum'] !== 'string') return content;
  const { ossBucketName: _bucket, ossObjectName: _object, ...known } = code;
  return { ...rest, codeConfiguration: known };
};

/**
 * digestOf is the digest of a configuration's content, undefined when it does not show its code. Values of environment
 * variables go in through scrypt, so that a printed digest does not let a short secret be guessed by trying.
 */
export const digestOf = (configuration: JsonRecord): string | undefined => {
  const content = codeOf(contentOf(configuration));
  if (!showsCode(content)) return undefined;
  const { environmentVariables: variables, ...rest } = content;
  if (!isJsonRecord(variables)) return sha256(canonicalJson(rest));
  const names = Object.keys(variables).sort().join('\n');
  const sealed = scryptSync(canonicalJson(variables), `sluice agentrun ${names}`, 32, { N: 4096 }).toString('hex');
  return sha256(canonicalJson({ ...rest, environmentVariables: sealed }));
};
