import { isOwnVariable, nearest, type Finding, type Json, type KeyPath, type Place, type Severity } from '@sluice/core';
import type { CodeArchive } from './code.ts';
import { isJsonRecord, type JsonRecord } from './json.ts';
import type { EnvironmentName } from './placeholders.ts';
import { agentSchema, knownKeys, type Agent } from './schema.ts';
import { regions } from './regions.ts';

/** Report makes findings at key paths. */
export type Report = (rule: string, severity: Severity, path: KeyPath, message: string, hint?: string) => Finding;

/** reportAt makes the Report of one file. */
export const reportAt =
  (placeOf: (path: KeyPath) => Place): Report =>
  (rule, severity, path, message, hint) => ({ rule: `agentrun/${rule}`, severity, message, place: placeOf(path), ...(hint === undefined ? {} : { hint }) });

const keyText = (path: KeyPath): string => path.slice(path.indexOf('props') + 1).join('.');

/** checkAgent checks `props.agent` against its schema; the agent is there when it has no error. */
export const checkAgent = (agent: Json | undefined, path: KeyPath, report: Report): { readonly agent?: Agent; readonly findings: readonly Finding[] } => {
  const parsed = agentSchema.safeParse(agent);
  if (parsed.success) return { agent: parsed.data, findings: [] };
  return {
    findings: parsed.error.issues.map((issue) => {
      const at = [...path, ...issue.path.map((key) => (typeof key === 'number' ? key : String(key)))];
      return report('shape', 'error', at, `${keyText(at)} ${issue.message}.`);
    }),
  };
};

/** checkRegion checks `props.region`. */
export const checkRegion = (region: Json | undefined, path: KeyPath, report: Report): readonly Finding[] => {
  if (regions.some((known) => known === region)) return [];
  const meant = typeof region === 'string' ? nearest(region, regions) : undefined;
  return [report('region', 'error', path, `region must be one of ${regions.join(', ')}.`, meant === undefined ? undefined : `Did you mean ${meant}?`)];
};

/** unknownKeys warns of keys that the component takes without a word and does nothing with, such as `memroy`. */
export const unknownKeys = (agent: JsonRecord, path: KeyPath, report: Report): readonly Finding[] =>
  Object.entries(knownKeys).flatMap(([part, known]) => {
    const value = part === 'agent' ? agent : agent[part];
    const at = part === 'agent' ? path : [...path, part];
    if (!isJsonRecord(value)) return [];
    return Object.keys(value)
      .filter((key) => !known.some((name) => name === key))
      .map((key) => {
        const meant = nearest(key, known);
        return report('unknown-key', 'warning', [...at, key], `${keyText([...at, key])} is not known and has no effect.`, meant === undefined ? undefined : `Did you mean ${meant}?`);
      });
  });

/**
 * endpointFindings are about `agent.endpoints`: Sluice routes traffic itself, and every `s deploy` writes these
 * endpoints again. A weight there splits nothing, because the component sends the same version as target and as extra.
 */
export const endpointFindings = (agent: JsonRecord, path: KeyPath, report: Report): readonly Finding[] => {
  const list = Array.isArray(agent['endpoints']) ? agent['endpoints'] : [];
  return list.flatMap((endpoint: Json, index): Finding[] => {
    if (!isJsonRecord(endpoint)) return [];
    const at = [...path, 'endpoints', index];
    const name = typeof endpoint['name'] === 'string' ? endpoint['name'] : String(index + 1);
    const away = 'Leave endpoints out of s.yaml; Sluice creates and routes the endpoint that sluice.yml names.';
    if (endpoint['version'] === undefined || endpoint['version'] === 'LATEST') {
      return [report('endpoint-latest', 'error', at, `Endpoint "${name}" targets LATEST, so everybody gets new code at the moment of a deployment.`, away)];
    }
    if (endpoint['weight'] !== undefined) {
      return [report('endpoint-weight', 'error', [...at, 'weight'], `The weight of endpoint "${name}" splits nothing: version ${String(endpoint['version'])} is its target and its extra version, and gets everybody.`, away)];
    }
    return [report('endpoint-pinned', 'error', at, `Every "s deploy" sets endpoint "${name}" back to version ${String(endpoint['version'])} and undoes its routing.`, away)];
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

/** contentFindings are about parts that work otherwise than they look. */
export const contentFindings = (agent: Agent, path: KeyPath, report: Report): readonly Finding[] => {
  const image = agent.customContainerConfig?.image;
  const tag = image === undefined || image.includes('@sha256:') ? undefined : (/:([^:/]+)$/.exec(image)?.[1] ?? 'latest');
  const not = (key: string): Finding => report('not-applied', 'warning', [...path, key], `Sluice does not apply ${key}; what is set up on the platform stays as it is.`);
  return [
    ...(tag === 'latest' ? [report('image-tag', 'warning', [...path, 'customContainerConfig', 'image'], 'The image tag "latest" names other content tomorrow, so a change cannot be seen.', 'Name a tag of its own for each build, or a digest (@sha256:...).')] : []),
    ...(agent.customDomain === undefined ? [] : [not('customDomain')]),
    ...(agent.armsConfiguration === undefined ? [] : [not('armsConfiguration')]),
  ];
};

// Secrets of the pipeline and of the platform itself have no place in an agent, whoever writes s.yaml.
const forbidden = /^(ALIBABA_CLOUD|ALIYUN|AGENTRUN|DIFY)(_|$)/;

/** environmentFindings refuse placeholders that would carry the pipeline's own variables into the agent. */
export const environmentFindings = (names: readonly EnvironmentName[], path: KeyPath, report: Report): readonly Finding[] =>
  names
    .filter(({ name }) => forbidden.test(name) || isOwnVariable(name))
    .map(({ name, path: at }) => report('environment-name', 'error', [...path, ...at], `The placeholder \${env(${name})} names one of the pipeline's own variables.`, 'Give the agent a variable with a name of its own.'));
