import type { Outcome } from './outcome.ts';
import type { Json } from './result.ts';

/** Lease is the right to change an environment, until its deadline. */
export interface Lease {
  readonly holder: string;
  /** until is milliseconds since 1970. */
  readonly until: number;
  /** unattended is set where no run watches under this lease, as between the start of a canary and its promotion: `sweep` judges meanwhile. */
  readonly unattended?: true;
}

/** HistoryEntry is one release, as it ended. */
export interface HistoryEntry {
  readonly version: string;
  readonly name: string;
  readonly digest: string;
  readonly commit: string;
  readonly verdict: 'passed' | 'failed' | 'inconclusive' | 'rolled-back';
  readonly at: string;
  readonly actor: string;
  readonly runUrl: string;
  readonly reason: string;
}

/** EnvironmentRecord is what is remembered of one application in one environment. */
export interface EnvironmentRecord {
  readonly format: 1;
  readonly application: string;
  readonly environment: string;
  readonly stable?: { readonly version: string; readonly digest: string };
  /** candidate is what was deployed last; `over` is the version that was live, empty for none, when a run was about to publish it. */
  readonly candidate?: { readonly version: string; readonly digest: string; readonly over?: string };
  /** deploying are the digests that runs were about to deploy, newest first; recorded before the first write, gone once a deployment was read back and recorded. */
  readonly deploying?: readonly string[];
  readonly lease?: Lease;
  /** rollout is a canary's own state with the permission to abort, set before each weight. */
  readonly rollout?: Json;
  /** history is newest first. */
  readonly history: readonly HistoryEntry[];
}

/** Stored is a record with the revision that a write must name. */
export interface Stored {
  readonly record: EnvironmentRecord;
  readonly revision: string;
}

/** StateStore keeps records. What it returns is untrusted data that has been checked for shape. */
export interface StateStore {
  /** where is for people, as in a folder's path. */
  readonly where: string;
  /** prove finds out, before anything changes, whether the store can be written; if not: `permission` with the lines to add. */
  prove(): Promise<Outcome<void>>;
  read(application: string, environment: string): Promise<Outcome<Stored | undefined>>;
  /** write fails with `conflict` when the stored revision is not `revision` (absent: there must be none). */
  write(record: EnvironmentRecord, revision: string | undefined): Promise<Outcome<string>>;
  /** close removes what the store keeps on this machine for the time of a run; absent where that is nothing. */
  close?(): Promise<void>;
}

/** emptyRecord is the record of an environment that nothing is known of. */
export const emptyRecord = (application: string, environment: string): EnvironmentRecord => ({
  format: 1,
  application,
  environment,
  history: [],
});

/**
 * lastGood is the newest version that was recorded passed and was not rolled back afterwards, by digest.
 * `except` are ids that do not count, such as the version to get away from.
 */
export const lastGood = (record: EnvironmentRecord, except: readonly string[] = []): HistoryEntry | undefined => {
  const rolledBack = new Set<string>();
  for (const entry of record.history) {
    if (entry.verdict === 'rolled-back') rolledBack.add(entry.digest);
    if (entry.verdict === 'passed' && !rolledBack.has(entry.digest) && !except.includes(entry.version)) return entry;
  }
  return undefined;
};
