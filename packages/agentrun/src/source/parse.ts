import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readYaml, type Finding, type Json, type KeyPath, type Parsed, type Place, type SourceFile } from '@sluice/core';
import { readCode } from './code.ts';
import { actionFindings, checkAgent, checkRegion, contentFindings, endpointFindings, environmentFindings, inheritanceFindings, reportAt, secretFindings, textFindings, type Report } from './findings.ts';
import { isJsonRecord, toJson, type JsonRecord } from './json.ts';
import { initialOnly, keepAll, resolvePlaceholders } from './placeholders.ts';
import { plainSecrets } from './plain-secrets.ts';
import { endsReading } from './rules.ts';
import { AgentRunSource } from './source.ts';
import { documentKeys, propsKeys, unknownKeys } from './unknown-keys.ts';

const componentName = /^(?:.*\/)?agentrun(?:@.+)?$/;

const placeOfText = (where: string | undefined, file: string): Place => {
  const [, line, column] = /:(\d+):(\d+)$/.exec(where ?? '') ?? [];
  return line === undefined ? { file } : { file, line: Number(line), column: Number(column) };
};

interface Resource {
  /** component is the version that the file pins. */
  readonly component?: string;
  readonly props: JsonRecord;
  readonly path: KeyPath;
}

/** findResource finds the one resource of the `agentrun` component. */
const findResource = (document: JsonRecord, report: Report): { readonly resource?: Resource; readonly findings: Finding[] } => {
  const resources = isJsonRecord(document['resources']) ? document['resources'] : {};
  const agents = Object.entries(resources).filter(
    ([, resource]) => isJsonRecord(resource) && typeof resource['component'] === 'string' && componentName.test(resource['component']),
  );
  const [first, second] = agents;
  if (first === undefined) return { findings: [report('no-agent', 'error', ['resources'], 'No resource has the component agentrun.', 'Add resources.<name> with component: agentrun and props.')] };
  if (second !== undefined) return { findings: [report('several-agents', 'error', ['resources', second[0]], `The file holds ${agents.length} agents; a release is about one.`, 'Give each agent its own s.yaml.')] };
  const [id, resource] = first;
  const others = Object.keys(resources).filter((name) => name !== id);
  const props = isJsonRecord(resource) ? resource['props'] : undefined;
  if (!isJsonRecord(props)) return { findings: [report('props-missing', 'error', ['resources', id], `resources.${id} has no props.`, 'Add props with region and agent.')] };
  const component = isJsonRecord(resource) ? resource['component'] : undefined;
  const pinned = typeof component === 'string' ? /@(\d+\.\d+\.\d+)$/.exec(component)?.[1] : undefined;
  return {
    resource: { props, path: ['resources', id, 'props'], ...(pinned === undefined ? {} : { component: pinned }) },
    findings: [
      ...(pinned !== undefined ? [] : [report('component-version', 'notice', ['resources', id, 'component'], 'The component has no version, so "s" uses whichever is newest.', 'Write component: agentrun@1.0.12.')]),
      ...others.map((name) => report('other-resource', 'warning', ['resources', name], `resources.${name} is no agent; Sluice does not deploy it.`, 'Deploy it by a step of its own, before the agent that needs it.')),
    ],
  };
};

const editionFindings = (document: JsonRecord, report: Report): readonly Finding[] =>
  document['edition'] === '3.0.0' ? [] : [report('edition', 'error', ['edition'], 'edition must be 3.0.0; "s" passes over the resources of any other.', 'Write edition: 3.0.0.')];

/** dotenvFindings warn of a file that "s" reads in silence, and that even wins over the credentials it was given. */
const dotenvFindings = ({ path, folder }: SourceFile): readonly Finding[] => {
  const beside = join(dirname(path), '.env');
  if (!existsSync(join(folder, beside))) return [];
  return [{
    rule: 'agentrun/dotenv',
    severity: 'warning',
    message: '"s" fills placeholders and credentials from this file; Sluice does not read it, so the two can deploy different agents.',
    place: { file: beside },
    hint: 'Give the values to the job as environment variables, and keep .env out of the repository.',
  }];
};

const checkProps = (file: SourceFile, { props, path, component }: Resource, document: JsonRecord, placeOf: (path: KeyPath) => Place, report: Report): Parsed => {
  const variables: JsonRecord = isJsonRecord(document['vars']) ? document['vars'] : {};
  const others = { resources: document['resources'] ?? {}, this: { props } };
  const kept = resolvePlaceholders(props, variables, keepAll, others);
  const filled = resolvePlaceholders(props, variables, initialOnly, others);
  const agentPath = [...path, 'agent'];
  const whole: JsonRecord = isJsonRecord(filled.value) ? filled.value : {};
  const raw: Json | undefined = whole['agent'];
  const { agent, findings } = checkAgent(raw, agentPath, report);
  const region = whole['region'];
  const all: Finding[] = [
    ...kept.faults.map((fault) => report('placeholder', 'error', [...path, ...fault.path], fault.message)),
    ...environmentFindings(kept.environment, path, report),
    ...checkRegion(region, [...path, 'region'], report),
    ...findings,
    ...propsKeys(whole, path, report),
    ...(isJsonRecord(raw) ? [...unknownKeys(raw, agentPath, report), ...endpointFindings(raw, agentPath, report), ...textFindings(raw, agentPath, report), ...contentFindings(raw, agentPath, report)] : []),
  ];
  if (agent === undefined || typeof region !== 'string' || all.some(({ rule, severity }) => endsReading(rule, severity))) return { findings: all };
  const src = agent.code?.src;
  const archive = src === undefined ? undefined : readCode(file.folder, file.path, src);
  if (archive?.ok === false) {
    const { reason, hint } = archive.problem;
    return { findings: [...all, report('code', 'error', [...agentPath, 'code', 'src'], reason, hint)] };
  }
  if (archive !== undefined && src !== undefined) all.push(...secretFindings(archive.value, src, [...agentPath, 'code', 'src'], report));
  const source = new AgentRunSource({
    path: file.path,
    folder: file.folder,
    ...(component === undefined ? {} : { component }),
    region,
    agent,
    props: isJsonRecord(kept.value) ? kept.value : {},
    propsPath: path,
    placeOf,
    ...(archive === undefined ? {} : { archive: archive.value }),
  });
  return { source, findings: all };
};

/** parse reads an s.yaml with one agent. The source is there when nothing is an error. */
export const parse = (file: SourceFile): Parsed => {
  const read = readYaml(file.path, file.text);
  if (!read.ok) {
    return {
      findings: [read.problem, ...(read.problem.others ?? [])].map((problem) => ({
        rule: 'agentrun/yaml',
        severity: 'error',
        message: problem.reason,
        place: placeOfText(problem.where, file.path),
        ...(problem.hint === undefined ? {} : { hint: problem.hint }),
      })),
    };
  }
  const { placeOf } = read.value;
  const report = reportAt(placeOf);
  const document = toJson(read.value.value);
  if (!isJsonRecord(document)) return { findings: [report('not-a-mapping', 'error', [], 'The file is not a mapping with edition and resources.')] };
  const found = findResource(document, report);
  const findings = [
    ...editionFindings(document, report),
    ...inheritanceFindings(document, report),
    ...documentKeys(document, report),
    ...actionFindings(document, report),
    ...dotenvFindings(file),
    ...plainSecrets(document, file.text, report, file.path),
    ...found.findings,
  ];
  if (found.resource === undefined) return { findings };
  const parsed = checkProps(file, found.resource, document, placeOf, report);
  const all = [...findings, ...parsed.findings];
  return all.some(({ rule, severity }) => endsReading(rule, severity)) || parsed.source === undefined ? { findings: all } : { source: parsed.source, findings: all };
};
