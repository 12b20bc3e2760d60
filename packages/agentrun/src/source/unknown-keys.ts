import { nearest, type Finding, type Json, type KeyPath } from '@sluice/core';
import type { Report } from './findings.ts';
import { isJsonRecord, type JsonRecord } from './json.ts';
import { propsText, type RuleName } from './rules.ts';
import { knownKeys } from './schema.ts';

/** Part is a mapping of s.yaml and the keys that it may have. */
interface Part {
  readonly keys: readonly string[];
  /** closed parts make the component refuse the file when they hold another key; others take it without a word (devsapp/agentrun 1.0.12, src/common/schema.json). */
  readonly closed?: boolean;
  readonly inner?: Readonly<Record<string, Part>>;
}

const mounts = (...keys: readonly string[]): Part => ({ keys, closed: true });

const parts: Readonly<Record<string, Part>> = {
  code: { keys: knownKeys.code },
  customContainerConfig: {
    keys: knownKeys.customContainerConfig,
    inner: {
      registryConfig: {
        keys: ['authConfig', 'certConfig', 'networkConfig'],
        inner: {
          authConfig: { keys: ['userName', 'password'] },
          certConfig: { keys: ['insecure', 'rootCaCertBase64'] },
          networkConfig: { keys: ['vpcId', 'vSwitchId', 'securityGroupId'] },
        },
      },
    },
  },
  vpcConfig: { keys: knownKeys.vpcConfig },
  nasConfig: { keys: ['userId', 'groupId', 'mountPoints'], closed: true, inner: { mountPoints: mounts('serverAddr', 'mountDir', 'enableTLS') } },
  ossMountConfig: { keys: ['mountPoints'], closed: true, inner: { mountPoints: mounts('bucketName', 'bucketPath', 'endpoint', 'mountDir', 'readOnly') } },
  logConfig: { keys: ['project', 'logstore'], closed: true },
  protocolConfiguration: { keys: ['type'] },
  healthCheckConfiguration: { keys: knownKeys.healthCheckConfiguration, closed: true },
  workspace: { keys: ['id', 'name', 'description', 'resourceGroupId'] },
  endpoints: { keys: ['name', 'version', 'description', 'weight'], closed: true },
};

const agentPart: Part = { keys: knownKeys.agent, inner: parts };

/** elsewhere are keys of Function Compute's own component, which people bring along, and what they are called here. */
const elsewhere: ReadonlyMap<string, string> = new Map(Object.entries<string>({
  memorySize: 'memory',
  runtime: 'code.language',
  codeUri: 'code.src',
  handler: 'code.command',
  image: 'customContainerConfig.image',
  env: 'environmentVariables',
}));

const hintOf = (key: string, known: readonly string[], top: boolean): string | undefined => {
  const meant = nearest(key, known) ?? (top ? elsewhere.get(key) : undefined);
  return meant === undefined ? undefined : `Did you mean ${meant}?`;
};

const inPart = (value: Json | undefined, part: Part, path: KeyPath, report: Report): readonly Finding[] => {
  if (Array.isArray(value)) return value.flatMap((item: Json, index) => inPart(item, part, [...path, index], report));
  if (!isJsonRecord(value)) return [];
  const [rule, severity, effect]: [RuleName, 'error' | 'warning', string] = part.closed === true ? ['key-refused', 'error', 'the component refuses it'] : ['unknown-key', 'warning', 'has no effect'];
  return Object.entries(value).flatMap(([key, item]) => {
    const at = [...path, key];
    if (!part.keys.includes(key)) return [report(rule, severity, at, `${propsText(at)} is not known and ${effect}.`, hintOf(key, part.keys, part === agentPart))];
    const inner = part.inner?.[key];
    return inner === undefined ? [] : inPart(item, inner, at, report);
  });
};

/** unknownKeys are about keys of an agent that the component does not know, such as `memroy`: most have no effect, some are refused. */
export const unknownKeys = (agent: JsonRecord, path: KeyPath, report: Report): readonly Finding[] => inPart(agent, agentPart, path, report);

const rootKeys = ['edition', 'name', 'access', 'vars', 'resources', 'actions', 'extend', 'template', 'flow', 'env'];
const resourceKeys = ['component', 'props', 'actions', 'access', 'extend'];

/** mistyped are keys that are almost one which is known; others may be a project's own, as anchors are. */
const mistyped = (value: JsonRecord, known: readonly string[], path: KeyPath, report: Report): readonly Finding[] =>
  Object.keys(value).flatMap((key) => {
    const meant = known.includes(key) ? undefined : nearest(key, known);
    return meant === undefined || Object.hasOwn(value, meant) ? [] : [report('unknown-key', 'warning', [...path, key], `${[...path, key].join('.')} is not known and has no effect.`, `Did you mean ${meant}?`)];
  });

/** propsKeys are about keys beside `region` and `agent`, most of which belong into `agent`. */
export const propsKeys = (props: JsonRecord, path: KeyPath, report: Report): readonly Finding[] =>
  Object.keys(props)
    .filter((key) => key !== 'region' && key !== 'agent')
    .map((key) => {
      const hint = knownKeys.agent.includes(key) ? 'It belongs into agent, one level deeper.' : hintOf(key, ['region', 'agent'], false);
      return report('unknown-key', 'warning', [...path, key], `${key} is not known beside region and agent, and has no effect.`, hint);
    });

/** documentKeys are about the file's own keys and those of its resources. */
export const documentKeys = (document: JsonRecord, report: Report): readonly Finding[] => [
  ...mistyped(document, rootKeys, [], report),
  ...Object.entries(isJsonRecord(document['resources']) ? document['resources'] : {}).flatMap(([id, resource]) => (isJsonRecord(resource) ? mistyped(resource, resourceKeys, ['resources', id], report) : [])),
];
