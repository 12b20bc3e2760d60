import * as z from 'zod/mini';
import { hasPlaceholder } from './placeholders.ts';

const languages = ['python3.10', 'python3.12', 'nodejs18', 'nodejs20', 'java8', 'java11', 'java17', 'custom'] as const;

const matching = (pattern: RegExp, message: string): z.ZodMiniType<string> =>
  z.string(message).check(z.refine((value) => hasPlaceholder(value) || pattern.test(value), message));

/** numeric is a number, or a text that is one, because placeholders give text. */
const numeric = (minimum: number, maximum: number, whole: boolean): z.ZodMiniType<number | string> => {
  const message = `must be a ${whole ? 'whole number' : 'number'} from ${minimum} to ${maximum}`;
  const number = z.number(message).check(z.refine((value) => value >= minimum && value <= maximum && (!whole || Number.isInteger(value)), message));
  return z.pipe(
    z.transform((value: unknown) => (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value)),
    z.union([number, z.string().check(z.refine(hasPlaceholder, message))], message),
  );
};

const toggle = z.pipe(
  z.transform((value: unknown) => (value === 'true' ? true : value === 'false' ? false : value)),
  z.boolean('must be true or false'),
);
const words = z.array(z.string('must be a text'), 'must be a list of texts');
const text = z.string('must be a text').check(z.minLength(1, 'must not be empty'));

const code = z
  .looseObject(
    {
      language: z.enum(languages, `must be one of ${languages.join(', ')}`),
      src: z.optional(text),
      ossBucketName: z.optional(text),
      ossObjectName: z.optional(text),
      command: z.optional(words),
      checksum: z.optional(matching(/^\d{1,20}$/, 'must be the CRC-64 of the archive as a decimal number in quotes')),
    },
    'must be a mapping with language and src, or ossBucketName and ossObjectName',
  );

const container = z.looseObject(
  {
    image: text,
    port: z.optional(numeric(1, 65_535, true)),
    command: z.optional(words),
    imageRegistryType: z.optional(z.enum(['ACR', 'ACREE', 'CUSTOM'], 'must be ACR, ACREE or CUSTOM')),
    acrInstanceId: z.optional(text),
    registryConfig: z.optional(z.looseObject({})),
  },
  'must be a mapping with image',
);

const vswitch = matching(/^vsw-[a-z0-9]+$/, 'must be a vSwitch id such as vsw-abc123');

const vpc = z.looseObject(
  {
    vpcId: matching(/^vpc-[a-z0-9]+$/, 'must be a VPC id such as vpc-abc123'),
    vSwitchIds: z.union([vswitch, z.array(vswitch).check(z.minLength(1))], 'must be a vSwitch id such as vsw-abc123, or a list of them'),
    securityGroupId: matching(/^sg-[a-z0-9]+$/, 'must be a security group id such as sg-abc123'),
  },
  'must be a mapping with vpcId, vSwitchIds and securityGroupId',
);

const health = z.looseObject({
  httpGetUrl: z.optional(text),
  initialDelaySeconds: z.optional(numeric(0, 300, true)),
  periodSeconds: z.optional(numeric(1, 300, true)),
  timeoutSeconds: z.optional(numeric(1, 60, true)),
  failureThreshold: z.optional(numeric(1, 10, true)),
  successThreshold: z.optional(numeric(1, 10, true)),
});

/** endpointName is the form of an endpoint's name. */
export const endpointName = /^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/;

const versionMessage = 'must be LATEST or the number of a version, from 1';

const endpointSchema = z.looseObject({
  name: matching(endpointName, 'must begin with a letter and have letters, digits, _ and - only, at most 64'),
  version: z.optional(z.union([z.number().check(z.minimum(1)), matching(/^(?:LATEST|[1-9][0-9]*)$/, versionMessage)], versionMessage)),
  description: z.optional(z.string('must be a text').check(z.maxLength(256, 'must have at most 256 characters'))),
  weight: z.optional(z.number('must be a number')),
});

const mountsOf = <Shape extends z.core.$ZodLooseShape>(point: Shape) =>
  z.looseObject({ mountPoints: z.array(z.looseObject(point, 'must be a mapping'), 'must be a list').check(z.minLength(1, 'needs at least one mount point')) }, 'must be a mapping with mountPoints');

const nas = mountsOf({ serverAddr: text, mountDir: text, enableTLS: z.optional(toggle) });
const oss = mountsOf({ bucketName: text, mountDir: text, bucketPath: z.optional(text), endpoint: z.optional(text), readOnly: z.optional(toggle) });

// Without one of them the component ends with an error (src/impl/agentrun.ts, getWorkspace).
const workspace = z
  .looseObject({ id: z.optional(text), name: z.optional(text) }, 'must be a mapping with id or name')
  .check(z.refine((value) => Object.keys(value).length === 0 || value.id !== undefined || value.name !== undefined, 'needs id or name'));

/**
 * agentSchema is `props.agent` of s.yaml (devsapp/agentrun 1.0.12, src/common/schema.json). cpu, memory and port are
 * required here, because the component sends no default for them and the platform then refuses to create the runtime.
 * What keys say together is looked at by togetherFindings.
 */
export const agentSchema = z.looseObject(
  {
    name: matching(/^[a-zA-Z][a-zA-Z0-9_-]{0,127}$/, 'must begin with a letter and have letters, digits, _ and - only, at most 128'),
    description: z.optional(z.string('must be a text').check(z.maxLength(256, 'must have at most 256 characters'))),
    code: z.optional(code),
    customContainerConfig: z.optional(container),
    cpu: numeric(0.05, 16, false),
    memory: numeric(128, 32_768, true),
    diskSize: z.optional(numeric(512, 10_240, true).check(z.refine((value) => typeof value === 'string' || value === 512 || value === 10_240, 'must be 512 or 10240'))),
    port: numeric(1, 65_535, true),
    instanceConcurrency: z.optional(numeric(1, 200, true)),
    sessionIdleTimeoutSeconds: z.optional(numeric(60, 86_400, true)),
    enableSessionIsolation: z.optional(toggle),
    disableSessionAffinity: z.optional(toggle),
    vpcConfig: z.optional(vpc),
    internetAccess: z.optional(toggle),
    nasConfig: z.optional(nas),
    ossMountConfig: z.optional(oss),
    environmentVariables: z.optional(z.record(z.string(), z.string('must be a text; put numbers and booleans in quotes'), 'must be a mapping of names to texts')),
    role: z.optional(matching(/^(acs:ram::[0-9]+:role\/)?[a-zA-Z][a-zA-Z0-9_/-]{0,127}$/, 'must be a role name or acs:ram::<account>:role/<name>')),
    credentialName: z.optional(matching(/^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/, 'must begin with a letter and have letters, digits, _ and - only, at most 64')),
    logConfig: z.optional(z.union([z.literal('auto'), z.looseObject({ project: text, logstore: text })], 'must be auto, or a mapping with project and logstore')),
    protocolConfiguration: z.optional(z.looseObject({ type: z.optional(z.enum(['HTTP', 'HTTPS'], 'must be HTTP or HTTPS')) })),
    healthCheckConfiguration: z.optional(health),
    workspace: z.optional(workspace),
    endpoints: z.optional(z.array(endpointSchema, 'must be a list')),
    customDomain: z.optional(z.looseObject({})),
    armsConfiguration: z.optional(z.looseObject({})),
  },
  'must be a mapping',
);

/** Agent is a checked `props.agent`; numbers are text where they still wait for an environment variable. */
export type Agent = z.output<typeof agentSchema>;

/** knownKeys are the keys of each part that people mistype; others pass through the real component without a word. */
export const knownKeys = {
  agent: Object.keys(agentSchema.shape),
  code: Object.keys(code.shape),
  customContainerConfig: Object.keys(container.shape),
  vpcConfig: Object.keys(vpc.shape),
  healthCheckConfiguration: Object.keys(health.shape),
};

/** numericKeys and switchKeys are keys of an agent that the component takes as numbers, and as true or false, only. */
export const numericKeys: readonly string[] = ['cpu', 'memory', 'diskSize', 'port', 'instanceConcurrency', 'sessionIdleTimeoutSeconds'];
export const switchKeys: readonly string[] = ['enableSessionIsolation', 'disableSessionAffinity', 'internetAccess'];
