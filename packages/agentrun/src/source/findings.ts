import type * as z from 'zod/mini';
import { isOwnVariable, nearest, type Finding, type Json, type KeyPath, type Place, type Severity } from '@sluice/core';
import type { CodeArchive } from './code.ts';
import { isJsonRecord, type JsonRecord } from './json.ts';
import { hasPlaceholder, type EnvironmentName } from './placeholders.ts';
import { agentSchema, numericKeys, switchKeys, type Agent } from './schema.ts';
import { regions } from './regions.ts';
import { propsText, type RuleName } from './rules.ts';

/** Report makes findings at key paths. */
export type Report = (rule: RuleName, severity: Severity, path: KeyPath, message: string, hint?: string) => Finding;

/** reportAt makes the Report of one file. */
export const reportAt =
  (placeOf: (path: KeyPath) => Place): Report =>
  (rule, severity, path, message, hint) => ({ rule: `agentrun/${rule}`, severity, message, place: placeOf(path), ...(hint === undefined ? {} : { hint }) });

const memberAt = (value: Json | undefined, path: KeyPath): Json | undefined =>
  path.reduce<Json | undefined>((at, key) => (Array.isArray(at) ? (typeof key === 'number' ? at[key] : undefined) : isJsonRecord(at) ? at[String(key)] : undefined), value);

type Issue = z.core.$ZodIssue;

/** inmost are the faults inside of a mapping that may have several forms, in place of one that says no form fits. */
const inmost = (issue: Issue): readonly Issue[] => {
  const branch = issue.code === 'invalid_union' ? issue.errors.find((issues) => issues.length > 0 && issues.every(({ path }) => path.length > 0)) : undefined;
  return branch === undefined ? [issue] : branch.map((inner): Issue => ({ ...inner, path: [...issue.path, ...inner.path] })).flatMap(inmost);
};

const isThere = (part: Json | undefined, key: string): boolean => isJsonRecord(part) && part[key] !== undefined && part[key] !== null;

/** togetherFindings are about keys that need or exclude each other. */
const togetherFindings = (agent: JsonRecord, path: KeyPath, report: Report): readonly Finding[] => {
  const { code } = agent;
  const at = [...path, 'code'];
  const [src, bucket, object] = ['src', 'ossBucketName', 'ossObjectName'].map((key) => isThere(code, key));
  return [
    ...(isThere(agent, 'code') === isThere(agent, 'customContainerConfig') ? [report('code-or-image', 'error', path, `${propsText(path)} needs exactly one of code and customContainerConfig.`)] : []),
    ...(isJsonRecord(code) && bucket !== object ? [report('code-source', 'error', at, `${propsText(at)} needs ossBucketName and ossObjectName together.`)] : []),
    ...(isJsonRecord(code) && bucket === object && src === bucket ? [report('code-source', 'error', at, `${propsText(at)} needs exactly one of src, and ossBucketName with ossObjectName.`)] : []),
    ...(isThere(agent, 'nasConfig') && !isThere(agent, 'vpcConfig') ? [report('nas-without-vpc', 'error', [...path, 'nasConfig'], `${propsText(path)} has nasConfig, which needs vpcConfig.`)] : []),
  ];
};

const issueFinding = (issue: Issue, agent: Json | undefined, path: KeyPath, report: Report): Finding => {
  const inner = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
  const at = [...path, ...inner];
  const value = memberAt(agent, inner);
  const meant = issue.code === 'invalid_value' && typeof value === 'string' ? nearest(value, issue.values.map(String)) : undefined;
  const missing = value === undefined;
  return report(missing ? 'missing-key' : 'value', 'error', at, `${propsText(at)} ${missing ? `is missing; it ${issue.message}` : issue.message}.`, meant === undefined ? undefined : `Did you mean ${meant}?`);
};

/** checkAgent checks `props.agent` against its schema; the agent is there when it has no error. */
export const checkAgent = (agent: Json | undefined, path: KeyPath, report: Report): { readonly agent?: Agent; readonly findings: readonly Finding[] } => {
  const parsed = agentSchema.safeParse(agent);
  const findings = [
    ...(parsed.error?.issues ?? []).flatMap(inmost).map((issue) => issueFinding(issue, agent, path, report)),
    ...(isJsonRecord(agent) ? togetherFindings(agent, path, report) : []),
  ];
  return parsed.success && findings.length === 0 ? { agent: parsed.data, findings } : { findings };
};

/** checkRegion checks `props.region`. */
export const checkRegion = (region: Json | undefined, path: KeyPath, report: Report): readonly Finding[] => {
  if (regions.some((known) => known === region)) return [];
  const meant = typeof region === 'string' ? nearest(region, regions) : undefined;
  return [report('region', 'error', path, `region must be one of ${regions.join(', ')}.`, meant === undefined ? undefined : `Did you mean ${meant}?`)];
};

/**
 * textFindings warn of texts in place of numbers and switches. Sluice takes them; the component does not, and what comes
 * from a variable of the environment is always a text (devsapp/agentrun 1.0.12, src/utils/verify.ts: no coercion).
 */
export const textFindings = (agent: JsonRecord, path: KeyPath, report: Report): readonly Finding[] =>
  [...numericKeys, ...switchKeys]
    .filter((key) => typeof agent[key] === 'string')
    .map((key) => report('number-as-text', 'warning', [...path, key], `${key} is a text; Sluice takes it, and "s" by itself refuses it.`, hasPlaceholder(String(agent[key])) ? "Write the value, or take it from vars: what env(...) gives is always a text." : 'Take the quotes away.'));

const away = 'Leave endpoints out of s.yaml; Sluice creates and routes the endpoint that sluice.yml names.';

/** effectOf says what an endpoint of s.yaml does to its users. */
const effectOf = (endpoint: JsonRecord, name: string, at: KeyPath, report: Report): Finding => {
  const version = String(endpoint['version']);
  if (endpoint['version'] === undefined || version === 'LATEST') return report('endpoint-latest', 'error', at, `Endpoint "${name}" targets LATEST, so everybody gets new code at the moment of a deployment.`, away);
  if (endpoint['weight'] === undefined) return report('endpoint-pinned', 'error', at, `Every "s deploy" sets endpoint "${name}" back to version ${version} and undoes its routing.`, away);
  return report('endpoint-weight', 'error', [...at, 'weight'], `The weight of endpoint "${name}" splits nothing: version ${version} is its target and its extra version, and gets everybody.`, away);
};

/**
 * endpointFindings are about `agent.endpoints`: Sluice routes traffic itself, and every `s deploy` writes these
 * endpoints again. A weight there splits nothing, because the component sends the same version as target and as extra.
 */
export const endpointFindings = (agent: JsonRecord, path: KeyPath, report: Report): readonly Finding[] => {
  const list: readonly Json[] = Array.isArray(agent['endpoints']) ? agent['endpoints'] : [];
  const nameOf = (endpoint: Json | undefined): string | undefined => (isJsonRecord(endpoint) && typeof endpoint['name'] === 'string' ? endpoint['name'] : undefined);
  return list.flatMap((endpoint, index): readonly Finding[] => {
    if (!isJsonRecord(endpoint)) return [];
    const at = [...path, 'endpoints', index];
    const own = nameOf(endpoint);
    const name = own ?? String(index + 1);
    const again = own !== undefined && list.slice(0, index).some((earlier) => nameOf(earlier) === own);
    return [
      ...(again ? [report('endpoint-duplicate', 'error', [...at, 'name'], `There are two endpoints "${name}"; the second one is written over the first.`, 'Leave one of them.')] : []),
      effectOf(endpoint, name, at, report),
    ];
  });
};

/** inheritanceFindings refuse what would put parts of other files into this one; Serverless Devs itself passes over a list in silence. */
export const inheritanceFindings = (document: JsonRecord, report: Report): readonly Finding[] =>
  (['extend', 'template', 'env'] as const)
    .filter((key) => document[key] !== undefined)
    .map((key) => {
      const passed = key === 'extend' && Array.isArray(document[key]) ? ', and "s" passes over a list of files without a word' : '';
      return report('inheritance', 'error', [key], `Sluice reads one file, without ${key}${passed}.`, 'Write the file out in full, or take shared values from vars and ${env(...)}.');
    });

/**
 * actionFindings are about hooks. Sluice gives the CLI a file of its own that has none: they are shell commands that would
 * get the account's credentials, and with `deploy: api` there is no CLI that could run them.
 */
export const actionFindings = (document: JsonRecord, report: Report): readonly Finding[] => {
  const resources = isJsonRecord(document['resources']) ? document['resources'] : {};
  const places: readonly (readonly [KeyPath, Json | undefined])[] = [[['actions'], document['actions']], ...Object.entries(resources).map(([id, resource]) => [['resources', id, 'actions'], isJsonRecord(resource) ? resource['actions'] : undefined] as const)];
  return places.flatMap(([path, actions]) => {
    const names = isJsonRecord(actions) ? Object.keys(actions) : [];
    if (names.length === 0) return [];
    return [report('actions', 'warning', path, `Sluice does not run ${names.join(', ')}, not with "deploy: s" either.`, 'Run what they run as steps of the pipeline, before deploy or after it, and take actions out of s.yaml.')];
  });
};

const mostNamed = 5;

/** secretFindings warn of keys and passwords that would go with the code, where everybody who may read the agent can read them. */
export const secretFindings = ({ secrets }: CodeArchive, src: string, path: KeyPath, report: Report): readonly Finding[] => {
  if (secrets.length === 0) return [];
  const more = secrets.length > mostNamed ? ` and ${secrets.length - mostNamed} more` : '';
  return [report('packed-secret', 'warning', path, `The code that is deployed holds ${secrets.slice(0, mostNamed).join(', ')}${more}, which look like keys or passwords.`, `Name them in ${src.replace(/\/$/, '')}/.fcignore (or .arignore), one a line, and give the agent secrets by variables of the environment in sluice.yml.`)];
};

const tagOf = (image: string): string | undefined => (image.includes('@sha256:') || hasPlaceholder(image) ? undefined : (/:([^:/]+)$/.exec(image)?.[1] ?? 'latest'));

/** contentFindings are about parts that work otherwise than they look. */
export const contentFindings = (agent: JsonRecord, path: KeyPath, report: Report): readonly Finding[] => {
  const container: JsonRecord = isJsonRecord(agent['customContainerConfig']) ? agent['customContainerConfig'] : {};
  const { image, imageRegistryType: registry } = container;
  const at = [...path, 'customContainerConfig'];
  return [
    ...(registry === 'ACREE' && !isThere(container, 'acrInstanceId') ? [report('acr-instance', 'warning', [...at, 'imageRegistryType'], 'imageRegistryType is ACREE, and no acrInstanceId says which registry that is.', 'Add acrInstanceId, such as cri-abc123.')] : []),
    ...(registry !== 'CUSTOM' && isThere(container, 'registryConfig') ? [report('registry-unused', 'warning', [...at, 'registryConfig'], 'registryConfig has no effect without imageRegistryType: CUSTOM.', 'Write imageRegistryType: CUSTOM, or take registryConfig out.')] : []),
    ...(typeof image === 'string' && tagOf(image) === 'latest' ? [report('image-tag', 'warning', [...at, 'image'], 'The image tag "latest" names other content tomorrow, so a change cannot be seen.', 'Name a tag of its own for each build, or a digest (@sha256:...).')] : []),
    ...['customDomain', 'armsConfiguration']
      .filter((key) => isThere(agent, key))
      .map((key) => report('not-applied', 'warning', [...path, key], `Sluice does not apply ${key}; what is set up on the platform stays as it is.`, `Set it up on the platform once, and take ${key} out.`)),
  ];
};

// Secrets of the pipeline and of the platform itself have no place in an agent, whoever writes s.yaml.
const forbidden = /^(ALIBABA_CLOUD|ALIYUN|AGENTRUN|DIFY)(_|$)/;

/** environmentFindings refuse placeholders that would carry the pipeline's own variables into the agent. */
export const environmentFindings = (names: readonly EnvironmentName[], path: KeyPath, report: Report): readonly Finding[] =>
  names
    .filter(({ name }) => forbidden.test(name) || isOwnVariable(name))
    .map(({ name, path: at }) => report('environment-name', 'error', [...path, ...at], `The placeholder \${env(${name})} names one of the pipeline's own variables.`, 'Give the agent a variable with a name of its own.'));
