import type { Finding } from './finding.ts';

/** SourceInput is a value that a run of the application needs from its user. */
export interface SourceInput {
  readonly name: string;
  readonly type: 'text' | 'number' | 'boolean' | 'choice' | 'file' | 'files' | 'json';
  readonly required: boolean;
  /** choices are the allowed values of a `choice`. */
  readonly choices?: readonly string[];
  /** initial is the source's own default, if it has one. */
  readonly initial?: string;
  /** maximumLength is in characters. */
  readonly maximumLength?: number;
}

/**
 * Source is an application's parsed definition. Steps read these fields; what only the platform understands
 * stays inside the platform's own class.
 */
export interface Source {
  readonly platform: string;
  /** path is relative to the project's folder. */
  readonly path: string;
  readonly title: string;
  /** kind says how a user speaks to it. */
  readonly kind: 'chat' | 'workflow' | 'completion' | 'agent';
  /** digest is the content's digest, as in Version. */
  readonly digest: string;
  readonly inputs: readonly SourceInput[];
}

/** Parsed is what a platform made of source files: the source when it could be read, and every finding. */
export interface Parsed {
  readonly source?: Source;
  readonly findings: readonly Finding[];
}
