import { done, failed, type Json, type KeyPath, type Outcome, placeText } from '@sluice/core';
import { isJsonRecord, toJson, type JsonRecord } from '../source/json.ts';
import type { AgentRunSource } from '../source/source.ts';

/** Template is an s.yaml for the Serverless Devs CLI, without a value that came from the environment. */
export interface Template {
  readonly text: string;
  /** environment holds those values; the template names them. */
  readonly environment: Readonly<Record<string, string>>;
}

/** TemplateOptions say what the template differs in from the source. */
export interface TemplateOptions {
  /** component is the name with its version, as in `agentrun@1.0.12`. */
  readonly component: string;
  /** code is the absolute path of the code, a folder or an archive; absent for code in OSS and for images. */
  readonly code?: string;
  /** checksum is the CRC-64 of that archive. */
  readonly checksum?: string;
}

// The CLI's template engine (art-template in 3.1.10) runs what stands between these marks, in values of variables as well.
const executed = /\$\{|<%/;

const valueName = (index: number): string => `SLUICE_AGENT_VALUE_${index}`;

/** agentOf is `props.agent` as it is handed over: without endpoints, which would undo the routing, and with what the component would leave out. */
const agentOf = ({ parts }: AgentRunSource, { code: path, checksum }: TemplateOptions): JsonRecord => {
  const agent = toJson(parts.agent);
  if (!isJsonRecord(agent)) return {};
  const { endpoints: _, code, ...rest } = agent;
  const own = !isJsonRecord(code) || path === undefined ? code : { ...code, src: path, ...(checksum === undefined ? {} : { checksum }) };
  // Without it the component sends no network at all, and a new runtime is refused.
  return { ...rest, ...(own === undefined ? {} : { code: own }), internetAccess: agent['internetAccess'] ?? true };
};

/**
 * templateOf writes the s.yaml that the CLI gets: the overlaid agent alone. Every text that s.yaml does not hold itself
 * goes by an environment variable, so that no secret is on disk. Texts that the CLI would run as code are `input`.
 */
export const templateOf = (source: AgentRunSource, options: TemplateOptions): Outcome<Template> => {
  const { parts } = source;
  const written = isJsonRecord(parts.props['agent']) ? parts.props['agent'] : {};
  const environment: Record<string, string> = {};
  const dangerous: KeyPath[] = [];

  const byEnvironment = (value: string): string => {
    const name = valueName(Object.keys(environment).length + 1);
    environment[name] = value;
    return `\${env('${name}')}`;
  };
  const walk = (value: Json, stated: Json | undefined, path: KeyPath): Json => {
    if (Array.isArray(value)) return value.map((item: Json, index) => walk(item, Array.isArray(stated) ? stated[index] : undefined, [...path, index]));
    if (isJsonRecord(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, isJsonRecord(stated) ? stated[key] : undefined, [...path, key])]));
    if (typeof value !== 'string') return value;
    if (executed.test(value)) dangerous.push(path);
    // The CLI takes an empty variable for a missing one.
    return value === stated || value === '' ? value : byEnvironment(value);
  };

  const agent = agentOf(source, options);
  const stated: JsonRecord = options.code === undefined ? written : { ...written, code: { ...(isJsonRecord(written['code']) ? written['code'] : {}), src: options.code, checksum: options.checksum ?? '' } };
  const handed = walk(agent, stated, []);
  const [first] = dangerous;
  if (first !== undefined) {
    return failed({
      category: 'input',
      reason: `${dangerous.map((path) => path.join('.')).join(', ')} holds \${ or <%, which the Serverless Devs CLI would run as code`,
      tried: 'write the s.yaml for the Serverless Devs CLI',
      where: placeText(parts.placeOf([...parts.propsPath, 'agent', ...first])),
      hint: 'Take these marks out of the value, or deploy without the CLI: take `deploy: s` out of sluice.yml.',
    });
  }
  const document = { edition: '3.0.0', name: 'sluice', resources: { agent: { component: options.component, props: { region: parts.region, agent: handed } } } };
  return done({ text: `${JSON.stringify(document, null, 2)}\n`, environment });
};
