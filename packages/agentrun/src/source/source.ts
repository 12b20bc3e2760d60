import type { KeyPath, Place, Source } from '@sluice/core';
import type { CodeArchive } from './code.ts';
import { configurationOf, contentOf, digestOf, type Configuration } from './configuration.ts';
import { canonicalJson, sha256, type JsonRecord } from './json.ts';
import type { Agent } from './schema.ts';

/** SourceParts is what an AgentRunSource is made of. */
export interface SourceParts {
  readonly path: string;
  /** folder is the project's folder, absolute. */
  readonly folder: string;
  /** component is the version of the component that s.yaml pins. */
  readonly component?: string;
  readonly region: string;
  readonly agent: Agent;
  /** props are `region` and `agent` with variables resolved, and placeholders for the environment as they stand. */
  readonly props: JsonRecord;
  /** propsPath leads to `props` in the document. */
  readonly propsPath: KeyPath;
  readonly placeOf: (path: KeyPath) => Place;
  readonly account?: string;
  readonly archive?: CodeArchive;
}

/** AgentRunSource is one agent of an s.yaml. */
export class AgentRunSource implements Source {
  readonly platform = 'agentrun';
  readonly kind = 'agent';
  readonly inputs = [];
  readonly path: string;
  readonly title: string;
  readonly digest: string;
  readonly parts: SourceParts;
  readonly configuration: Configuration;

  /** `configuration` is what a platform shows, in place of what the parts come to. */
  constructor(parts: SourceParts, configuration = configurationOf(parts.agent, parts.region, parts.account, parts.archive)) {
    this.path = parts.path;
    this.title = parts.agent.name;
    this.parts = parts;
    this.configuration = configuration;
    this.digest = digestOf(this.configuration) ?? sha256(canonicalJson(contentOf(this.configuration)));
  }
}
