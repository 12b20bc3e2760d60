import { crc64 } from './crc64.ts';

/** Configuration is what one version of a runtime is made of: the fields of AgentRuntime that clients set. */
export type Configuration = Readonly<Record<string, unknown>>;

const names = [
  'artifactType', 'codeConfiguration', 'containerConfiguration', 'cpu', 'memory', 'diskSize', 'port', 'networkConfiguration',
  'environmentVariables', 'executionRoleArn', 'credentialName', 'logConfiguration', 'healthCheckConfiguration',
  'protocolConfiguration', 'nasConfig', 'ossMountConfig', 'armsConfiguration', 'sessionConcurrencyLimitPerInstance',
  'sessionIdleTimeoutSeconds', 'sessionAffinityType', 'headerFieldName', 'disableSessionAffinity', 'enableSessionIsolation',
  'disableOndemand', 'externalAgentEndpointUrl', 'description', 'systemTags',
] as const;

const isRecord = (value: unknown): value is Configuration => typeof value === 'object' && value !== null && !Array.isArray(value);

const outside = (value: unknown, low: number, high: number): boolean =>
  value !== undefined && (typeof value !== 'number' || value < low || value > high);

const archiveFault = (code: Configuration): string | undefined => {
  const { zipFile, checksum } = code;
  if (typeof zipFile !== 'string') return undefined;
  const bytes = Buffer.from(zipFile, 'base64');
  if (bytes.toString('base64') !== zipFile || bytes.subarray(0, 2).toString('latin1') !== 'PK') {
    return 'codeConfiguration.zipFile must be a zip archive in base64';
  }
  return checksum === undefined || checksum === '' || checksum === crc64(bytes)
    ? undefined
    : 'codeConfiguration.checksum is not the CRC-64 of the archive';
};

const codeFault = (code: unknown): string | undefined => {
  if (!isRecord(code)) return 'codeConfiguration is required for artifactType Code';
  if (typeof code['language'] !== 'string') return 'codeConfiguration.language is required';
  const inline = typeof code['zipFile'] === 'string' && code['zipFile'] !== '';
  const stored = typeof code['ossBucketName'] === 'string' && typeof code['ossObjectName'] === 'string';
  return inline === stored ? 'codeConfiguration needs either zipFile or ossBucketName and ossObjectName' : archiveFault(code);
};

const artifactFault = (configuration: Configuration): string | undefined => {
  const { artifactType, codeConfiguration, containerConfiguration } = configuration;
  if (artifactType === 'Code') return codeFault(codeConfiguration);
  if (artifactType !== 'Container') return 'artifactType must be Code or Container';
  return isRecord(containerConfiguration) && typeof containerConfiguration['image'] === 'string'
    ? undefined
    : 'containerConfiguration.image is required for artifactType Container';
};

const variablesFault = (variables: unknown): string | undefined =>
  variables === undefined || (isRecord(variables) && Object.values(variables).every((value) => typeof value === 'string'))
    ? undefined
    : 'environmentVariables must map names to strings';

/** configurationFault is the sentence that refuses a configuration, undefined when it is complete. */
export const configurationFault = (configuration: Configuration): string | undefined => {
  const { cpu, memory, port, networkConfiguration } = configuration;
  const missing = [...(cpu === undefined ? ['CPU'] : []), ...(memory === undefined ? ['Memory'] : []), ...(port === undefined ? ['Port'] : [])];
  if (missing.length > 0) return missing.map((name) => `${name} is required`).join('; ');
  if (outside(cpu, 0.05, 16)) return 'cpu must be from 0.05 to 16';
  if (outside(memory, 128, 32_768)) return 'memory must be from 128 to 32768';
  if (outside(port, 1, 65_535)) return 'port must be from 1 to 65535';
  if (!isRecord(networkConfiguration)) return 'networkConfiguration is required';
  return variablesFault(configuration['environmentVariables']) ?? artifactFault(configuration);
};

/** pickConfiguration takes the fields of a configuration from a request's body; null counts as absent, unknown fields are ignored. */
export const pickConfiguration = (body: Configuration): Configuration =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = body[name];
      return value === undefined || value === null ? [] : [[name, value]];
    }),
  );

/** codeBytes is the archive that was sent inline, undefined for other artifacts. */
export const codeBytes = (configuration: Configuration): Buffer | undefined => {
  const code = configuration['codeConfiguration'];
  return isRecord(code) && typeof code['zipFile'] === 'string' ? Buffer.from(code['zipFile'], 'base64') : undefined;
};

/** shownConfiguration is what Get answers: the archive's checksum instead of the archive, environment variables in clear. */
export const shownConfiguration = (configuration: Configuration): Configuration => {
  const code = configuration['codeConfiguration'];
  const bytes = codeBytes(configuration);
  if (!isRecord(code) || bytes === undefined) return configuration;
  const rest = Object.fromEntries(Object.entries(code).filter(([name]) => name !== 'zipFile'));
  return { ...configuration, codeConfiguration: { ...rest, checksum: crc64(bytes) } };
};
