import type { RuleName } from '../src/source/rules.ts';
import type { Pick } from '../../../test/picker.ts';

/** Part is a mapping of an s.yaml as mutations change it, in place. */
export type Part = Record<string, unknown>;

/** Document is an s.yaml with one agent. */
export interface Document extends Part {
  vars?: Part;
  resources: Record<string, { component: string; props: { region: unknown; agent: Part } & Part } & Part>;
}

/** Mutation breaks an s.yaml; false where it has nothing to break in that way. */
export interface Mutation {
  readonly kind: string;
  readonly rule: RuleName;
  apply(document: Document, pick: Pick): boolean;
}

const isPart = (value: unknown): value is Part => typeof value === 'object' && value !== null && !Array.isArray(value);
const agentOf = ({ resources }: Document) => Object.values(resources)[0];
const partOf = (document: Document, ...path: readonly string[]): Part | undefined => {
  const found = path.reduce<unknown>((at, key) => (isPart(at) ? at[key] : Array.isArray(at) ? (at as unknown[])[Number(key)] : undefined), agentOf(document)?.props.agent);
  return isPart(found) ? found : undefined;
};

/** mistyped swaps two letters of a word, or doubles its last one. */
const mistyped = (word: string, pick: Pick): string => {
  const places = [...word].flatMap((letter, index) => (index > 0 && letter !== word[index + 1] && index + 1 < word.length ? [index] : []));
  const at = pick(places);
  return at === undefined ? `${word}${word.at(-1) ?? ''}` : `${word.slice(0, at)}${word[at + 1] ?? ''}${word[at] ?? ''}${word.slice(at + 2)}`;
};

/** typo writes one of some keys otherwise. */
const typo = (part: Part | undefined, keys: readonly string[], pick: Pick): boolean => {
  const key = pick(keys.filter((name) => part?.[name] !== undefined));
  if (part === undefined || key === undefined) return false;
  const { [key]: value, ...rest } = part;
  for (const name of Object.keys(part)) Reflect.deleteProperty(part, name);
  Object.assign(part, rest, { [mistyped(key, pick)]: value });
  return true;
};

const put = (part: Part | undefined, key: string, value: unknown): boolean => {
  if (part === undefined) return false;
  part[key] = value;
  return true;
};

const over = (part: Part | undefined, key: string, value: unknown): boolean => part?.[key] !== undefined && put(part, key, value);

const drop = (part: Part | undefined, key: string | undefined): boolean => key !== undefined && part?.[key] !== undefined && Reflect.deleteProperty(part, key);

const drawn = (): string => ['q7Rk2mZx9LpW4v', 'Ts8BnY3cHd6FgJ1a'].join('');
const accessKey = (): string => ['LTAI', '5tQnKx8vRm3ZyWp7BdCe'].join('');

const variables = (document: Document): Part => {
  const agent = partOf(document) ?? {};
  const own = isPart(agent['environmentVariables']) ? agent['environmentVariables'] : {};
  agent['environmentVariables'] = own;
  return own;
};

const mutation = (kind: string, rule: RuleName, apply: Mutation['apply']): Mutation => ({ kind, rule, apply });

const optional = ['description', 'diskSize', 'instanceConcurrency', 'sessionIdleTimeoutSeconds', 'enableSessionIsolation', 'disableSessionAffinity', 'internetAccess', 'environmentVariables', 'role', 'credentialName', 'logConfig', 'protocolConfiguration', 'healthCheckConfiguration', 'workspace', 'ossMountConfig'];

const typos: readonly Mutation[] = [
  mutation('typo of a key of the agent', 'unknown-key', (file, pick) => typo(partOf(file), optional, pick)),
  mutation('typo of a key that must be there', 'missing-key', (file, pick) => typo(partOf(file), ['name', 'cpu', 'memory', 'port'], pick)),
  mutation('typo of region', 'region', (file, pick) => typo(agentOf(file)?.props, ['region'], pick)),
  mutation('typo of code or image', 'code-or-image', (file, pick) => typo(partOf(file), ['code', 'customContainerConfig'], pick)),
  mutation('typo in code', 'unknown-key', (file, pick) => typo(partOf(file, 'code'), ['command', 'checksum'], pick)),
  mutation('typo of a place of code', 'code-source', (file, pick) => typo(partOf(file, 'code'), ['src', 'ossBucketName', 'ossObjectName'], pick)),
  mutation('typo in an image', 'unknown-key', (file, pick) => typo(partOf(file, 'customContainerConfig'), ['command', 'port', 'registryConfig'], pick)),
  mutation('typo in a registry', 'unknown-key', (file, pick) => typo(partOf(file, 'customContainerConfig', 'registryConfig', pick(['authConfig', 'networkConfig', 'certConfig']) ?? ''), ['userName', 'vpcId', 'vSwitchId', 'insecure'], pick)),
  mutation('typo in a VPC', 'missing-key', (file, pick) => typo(partOf(file, 'vpcConfig'), ['vpcId', 'vSwitchIds', 'securityGroupId'], pick)),
  mutation('typo in a protocol', 'unknown-key', (file, pick) => typo(partOf(file, 'protocolConfiguration'), ['type'], pick)),
  mutation('typo in a workspace', 'unknown-key', (file, pick) => typo(partOf(file, 'workspace'), ['description'], pick)),
  mutation('typo in a health check', 'key-refused', (file, pick) => typo(partOf(file, 'healthCheckConfiguration'), ['httpGetUrl', 'initialDelaySeconds', 'periodSeconds', 'timeoutSeconds', 'failureThreshold'], pick)),
  mutation('typo of a log store', 'missing-key', (file, pick) => typo(partOf(file, 'logConfig'), ['project', 'logstore'], pick)),
  mutation('typo in a mount', 'key-refused', (file, pick) => typo(partOf(file, ...(pick([['nasConfig', 'mountPoints', '0'], ['ossMountConfig', 'mountPoints', '0'], ['nasConfig']]) ?? [])), ['enableTLS', 'readOnly', 'bucketPath', 'userId', 'groupId'], pick)),
  mutation('typo of a key of the file', 'unknown-key', (file, pick) => typo(file, ['access', 'name'], pick)),
  mutation('typo of vars', 'placeholder', (file, pick) => typo(file, ['vars'], pick)),
  mutation('typo of props', 'props-missing', (file, pick) => typo(agentOf(file), ['props'], pick)),
  mutation('typo of component', 'no-agent', (file, pick) => typo(agentOf(file), ['component'], pick)),
  mutation('a key of the agent one level too high', 'unknown-key', (file) => put(agentOf(file)?.props, 'cpu', 2)),
  mutation('a key of Function Compute', 'unknown-key', (file, pick) => put(partOf(file), pick(['timeout', 'memorySize', 'handler', 'runtime'].filter((key) => partOf(file)?.[key] === undefined)) ?? '', 60)),
];

const values: readonly Mutation[] = [
  mutation('memory in GB', 'value', (file, pick) => put(partOf(file), 'memory', pick([2, 4, '2GB', '2048MB', 65_536]))),
  mutation('too much cpu', 'value', (file, pick) => put(partOf(file), 'cpu', pick([32, 0, 0.01, '500m', -1]))),
  mutation('a port that is none', 'value', (file, pick) => put(partOf(file), 'port', pick([0, 70_000, 'http', 80.5]))),
  mutation('a disk of another size', 'value', (file, pick) => put(partOf(file), 'diskSize', pick([1024, 20_480, 513]))),
  mutation('an idle time in minutes', 'value', (file, pick) => put(partOf(file), 'sessionIdleTimeoutSeconds', pick([30, 5, 90_000]))),
  mutation('too many sessions', 'value', (file, pick) => put(partOf(file), 'instanceConcurrency', pick([0, 201, 1000]))),
  mutation('milliseconds in a health check', 'value', (file, pick) => over(partOf(file, 'healthCheckConfiguration'), pick(['periodSeconds', 'timeoutSeconds', 'initialDelaySeconds', 'failureThreshold']) ?? '', 30_000)),
  mutation('another region', 'region', (file, pick) => put(agentOf(file)?.props, 'region', pick(['cn-hangzou', 'us-east-1', 'hangzhou', 7]))),
  mutation('another language', 'value', (file, pick) => over(partOf(file, 'code'), 'language', pick(['python3.11', 'nodejs22', 'python', 'go1.x']))),
  mutation('a name that is refused', 'value', (file, pick) => put(partOf(file), 'name', pick(['1-agent', 'order agent', '订单', 'a'.repeat(129), 'order.agent']))),
  mutation('a description that is too long', 'value', (file) => put(partOf(file), 'description', '长'.repeat(257))),
  mutation('a number as a variable', 'value', (file, pick) => put(variables(file), 'RETRIES', pick([3, true, ['a']]))),
  mutation('a switch that is a word', 'value', (file, pick) => put(partOf(file), 'internetAccess', pick(['yes', 'on', 1]))),
  mutation('a protocol that is none', 'value', (file, pick) => over(partOf(file), 'protocolConfiguration', { type: pick(['http', 'GRPC', 'TCP']) })),
  mutation('a role that is none', 'value', (file, pick) => put(partOf(file), 'role', pick(['acs:ram::x:role/a', 'arn:aws:iam::1:role/a', 'acs:ram::1:user/a', '角色']))),
  mutation('an id of the network that is none', 'value', (file, pick) => over(partOf(file, 'vpcConfig'), pick(['vpcId', 'vSwitchIds', 'securityGroupId']) ?? '', 'default')),
  mutation('a log store that is a word', 'value', (file, pick) => put(partOf(file), 'logConfig', pick(['Auto', 'none', true]))),
  mutation('a command as a text', 'value', (file) => over(partOf(file, 'code') ?? partOf(file, 'customContainerConfig'), 'command', 'python3 main.py')),
  mutation('a registry of another kind', 'value', (file, pick) => over(partOf(file, 'customContainerConfig'), 'imageRegistryType', pick(['DockerHub', 'acr', 'ACREEE']))),
  mutation('a number in quotes', 'number-as-text', (file, pick) => over(partOf(file), pick(['cpu', 'port']) ?? '', '1')),
  mutation('a number from the environment', 'number-as-text', (file) => put(partOf(file), 'memory', "${env('MEMORY', '2048')}")),
  mutation('a required key left out', 'missing-key', (file, pick) => drop(partOf(file), pick(['name', 'cpu', 'memory', 'port']))),
  mutation('a network without a part', 'missing-key', (file, pick) => drop(partOf(file, 'vpcConfig'), pick(['vpcId', 'vSwitchIds', 'securityGroupId']))),
];

const traps: readonly Mutation[] = [
  mutation('an endpoint on LATEST', 'endpoint-latest', (file, pick) => put(partOf(file), 'endpoints', [pick([{ name: 'production' }, { name: 'production', version: 'LATEST' }, { name: 'canary', version: 'LATEST', weight: 0.2 }])])),
  mutation('weights of 60 and 60', 'endpoint-weight', (file, pick) => put(partOf(file), 'endpoints', ['production', 'canary'].map((name, index) => ({ name, version: index + 1, weight: pick([0.6, 60, 0, 1]) })))),
  mutation('an endpoint of one version', 'endpoint-pinned', (file, pick) => put(partOf(file), 'endpoints', [{ name: 'production', version: pick([1, '7', 12]) }])),
  mutation('two endpoints of one name', 'endpoint-duplicate', (file, pick) => put(partOf(file), 'endpoints', [1, 2].map((version) => ({ name: 'production', version: pick([version, String(version)]) })))),
  mutation('an endpoint of no version', 'value', (file, pick) => put(partOf(file), 'endpoints', [{ name: 'production', version: pick([0, 'v2', 'latest', '1.0']) }])),
  mutation('an endpoint with a name that is refused', 'value', (file, pick) => put(partOf(file), 'endpoints', [{ name: pick(['生产', '1st', 'a b', 'x'.repeat(65)]), version: 1 }])),
  mutation('a typo in an endpoint', 'key-refused', (file, pick) => put(partOf(file), 'endpoints', [{ name: 'production', version: 1, [mistyped('description', pick)]: 'x' }])),
  mutation('an image that changes', 'image-tag', (file, pick) => over(partOf(file, 'customContainerConfig'), 'image', pick(['registry.example.com/a/b', 'registry.example.com:5000/a/b:latest', 'a/b']))),
  mutation('an instance that is missing', 'acr-instance', (file) => over(partOf(file, 'customContainerConfig'), 'imageRegistryType', 'ACREE')),
  mutation('a domain on LATEST', 'not-applied', (file) => put(partOf(file), 'customDomain', { domainName: 'auto', route: { path: '/*', qualifier: 'LATEST' } })),
  mutation('no version of the component', 'component-version', (file, pick) => put(agentOf(file), 'component', pick(['agentrun', 'agentrun@dev', 'devsapp/agentrun']))),
  mutation('another component', 'no-agent', (file, pick) => put(agentOf(file), 'component', pick(['fc3', 'agent-run', 'agentrunn@1.0.12']))),
  mutation('a second agent', 'several-agents', (file) => put(file.resources, 'second', { component: 'agentrun@1.0.12', props: {} })),
  mutation('a function beside the agent', 'other-resource', (file) => put(file.resources, 'table', { component: 'fc3', props: {} })),
  mutation('another edition', 'edition', (file, pick) => put(file, 'edition', pick(['1.0.0', '3.1.0', 3, '3']))),
  mutation('another file', 'inheritance', (file, pick) => put(file, pick(['extend', 'template', 'env']) ?? 'extend', pick([['s.base.yaml'], 's.base.yaml']))),
  mutation('a hook', 'actions', (file, pick) => put(pick([file, agentOf(file)]), 'actions', { 'pre-deploy': [{ run: 'npm run build' }] })),
  mutation('code and an image', 'code-or-image', (file) => (partOf(file, 'code') === undefined ? put(partOf(file), 'code', { language: 'nodejs20', src: './code' }) : put(partOf(file), 'customContainerConfig', { image: 'registry.example.com/a/b:1' }))),
  mutation('neither code nor an image', 'code-or-image', (file) => drop(partOf(file), 'code') || drop(partOf(file), 'customContainerConfig')),
  mutation('code from two places', 'code-source', (file) => over(partOf(file, 'code'), 'language', 'nodejs20') && put(partOf(file, 'code'), 'src', './code') && put(partOf(file, 'code'), 'ossBucketName', 'b') && put(partOf(file, 'code'), 'ossObjectName', 'o')),
  mutation('code that is not built', 'code', (file) => over(partOf(file, 'code'), 'src', './dist')),
  mutation('a NAS without a VPC', 'nas-without-vpc', (file) => partOf(file, 'nasConfig') !== undefined && drop(partOf(file), 'vpcConfig')),
];

const texts: readonly Mutation[] = [
  mutation('an access key', 'secret-plain', (file, pick) => put(pick([variables(file), (file.vars ??= {})]), 'ACCESS_KEY_ID', accessKey())),
  mutation('a key by its name', 'secret-plain', (file, pick) => put(variables(file), pick(['LLM_API_KEY', 'dashscopeApiKey', 'CRM_TOKEN', 'DB_PASSWORD']) ?? '', drawn())),
  mutation('a key of a model provider', 'secret-plain', (file) => put(variables(file), 'MODEL', ['sk', drawn()].join('-'))),
  mutation('a key as a default', 'secret-plain', (file) => put(variables(file), 'KEY', `\${env('LLM_API_KEY', '${drawn()}')}`)),
  mutation('a password in an address', 'secret-plain', (file) => put(variables(file), 'DATABASE_URL', ['postgres://orders', 'Tr0ub4dor3xy@db.internal:5432/orders'].join(':'))),
  mutation('a login of a registry', 'secret-plain', (file) => over(partOf(file, 'customContainerConfig', 'registryConfig', 'authConfig'), 'password', drawn())),
  mutation('a variable that is not there', 'placeholder', (file, pick) => put(partOf(file), 'description', pick(['${vars.regoin}', 'a ${vars.none.deep} b', '${resources.none.props.region}', '${this.props.none}']))),
  mutation('variables in a circle', 'placeholder', (file) => put((file.vars ??= {}), 'one', '${vars.two}') && put(file.vars, 'two', 'x${vars.one}') && put(partOf(file), 'description', '${vars.one}')),
  mutation('a form that nobody knows', 'placeholder', (file, pick) => put(variables(file), 'X', pick(['${env.HOME}', '${HOME}', '${ vars.x }', "${env('A', '{}')}"]))),
  mutation('another file as a value', 'placeholder', (file, pick) => put(variables(file), 'X', pick(["${file('./key.pem')}", "${json(file('./x.json')).a}", "${secret('x')}", "${config('AccessKeySecret')}", "${path('..')}"]))),
  mutation('code in a value', 'placeholder', (file, pick) => put(variables(file), 'X', pick(['<%= process.env.HOME %>', '${(() => 1)()}', '${process.env.HOME}']))),
  mutation("the pipeline's token", 'environment-name', (file, pick) => put(variables(file), 'T', `\${env(${pick(['GITHUB_TOKEN', 'CI_JOB_TOKEN', 'ALIBABA_CLOUD_ACCESS_KEY_SECRET', 'AGENTRUN_API_KEY', 'SLUICE_STATE']) ?? ''})}`)),
];

/** mutations are all kinds, each with the rule that is meant to find it. */
export const mutations: readonly Mutation[] = [...typos, ...values, ...traps, ...texts];
