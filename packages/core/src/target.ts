import type { Opened } from './asking.ts';
import type { Arm, CountedUnit } from './evidence.ts';
import type { Outcome } from './outcome.ts';
import type { Source } from './source.ts';
import type { Traffic } from './traffic.ts';
import type { Marks, Version } from './version.ts';

/** Served says who meets the candidate after a step. */
export type Served = 'nobody' | 'a share' | 'everybody';

/** ExposureRow is one line of the table "who is served by what". */
export interface ExposureRow {
  /** step is a step's name, or `health-check candidate`, `health-check live`. */
  readonly step: string;
  readonly served: Served;
  /** note says why, in a few words. */
  readonly note: string;
}

/** Exposure is the order of a release on this target and who meets the candidate after each step. */
export interface Exposure {
  /** title names the kind of target, as in "Dify behind a gateway". */
  readonly title: string;
  /** rows are in the order in which `release` takes the steps. */
  readonly rows: readonly ExposureRow[];
  /** bypasses are doors that the traffic split does not govern. */
  readonly bypasses: readonly string[];
}

/** Inspection is what the platform says about an application before anything is changed. */
export interface Inspection {
  /** exists is false when the application must be created first. */
  readonly exists: boolean;
  /** server is the platform's version, for people. */
  readonly server: string;
  /** live is the version that users get, all of them but a canary's share; absent before the first publication. */
  readonly live?: Version;
  /** ungoverned is what doors outside the traffic split serve, when that is another version than `live`. */
  readonly ungoverned?: Version;
  /** candidate is the deployed, unpublished version; absent when there is none. */
  readonly candidate?: Version;
  /** notes are lines worth telling a person. */
  readonly notes: readonly string[];
}

/** Deployment is what `deploy` did, as read back from the platform. */
export interface Deployment {
  /** changed is false when the content was there already; in a dry run it says whether something would be written. */
  readonly changed: boolean;
  /** version is what now holds the source; `draft` where a publication is still to come. */
  readonly version: Version;
  /** created tells the lines to add to sluice.yml when the application was made by this call. */
  readonly created?: { readonly application: string; readonly lines: readonly string[] };
  readonly notes: readonly string[];
}

/** DeployOptions say what a deployment may do beyond writing the candidate. */
export interface DeployOptions {
  /** create makes the application when it does not exist. */
  readonly create: boolean;
  /** overwrite replaces a candidate that somebody else edited since the last release. */
  readonly overwrite: boolean;
  /** dryRun takes every decision and writes nothing: the deployment is what a real one would give, its version the one that would be there. */
  readonly dryRun: boolean;
  /** ours are the digests that Sluice itself has deployed or published here, or was about to deploy; replacing those loses nobody's work. */
  readonly ours: readonly string[];
  /** writing is called once, right before the first write, with the digest that is about to be deployed; when it fails, nothing is written. */
  writing(digest: string): Promise<Outcome<void>>;
}

/** PublishRequest names a version to be made. Platforms shorten what is too long for them. */
export interface PublishRequest {
  readonly name: string;
  readonly marks: Marks;
  /** digest is what the candidate must still contain; another content is a `conflict`. */
  readonly digest?: string;
  /** again makes a version also where the newest one has this content already. */
  readonly again?: boolean;
}

/** Publication is the version that has the content of what was to be published. */
export interface Publication extends Version {
  /** existed is true when an earlier publication had made it, so that nothing was published. */
  readonly existed?: boolean;
}

/** SnapshotOptions say what is copied beside what is live. */
export interface SnapshotOptions {
  /** draft copies what is deployed and not published, too, when it differs from what is live. */
  readonly draft: boolean;
}

/** Snapshot is a copy of what is live, without secrets. */
export interface Snapshot {
  /** files are relative paths with their text; none when there is nothing to copy yet. */
  readonly files: Readonly<Record<string, string>>;
  readonly digest: string;
  readonly version?: Version;
}

/** Against is what users get beside a source, both without secrets and in the platform's own words, so that they differ in what a release would change. */
export interface Against {
  /** running is absent while nothing is live. */
  readonly running?: Source;
  readonly source: Source;
}

/** Rung is one health check of a target, from cheap to deep. */
export interface Rung {
  readonly name: string;
  /** run passes with a sentence that says what was seen, or gives the problem. */
  run(signal: AbortSignal): Promise<Outcome<string>>;
}

/** Logs are a target's own records of how each version did. */
export interface Logs {
  readonly source: string;
  readonly unit: CountedUnit;
  /** settleMs is how late a record may still come in, in milliseconds; what is younger is not counted yet. None come late when absent. */
  readonly settleMs?: number;
  /** read gives one arm a version, in the order asked, for runs that ended in `from` (included) to `to` (excluded), milliseconds since 1970. */
  read(versions: readonly string[], from: number, to: number): Promise<Outcome<readonly Arm[]>>;
}

/** LogEntry is one line, or one run, of what an application has logged. Its text comes from outside and is one line. */
export interface LogEntry {
  /** at is milliseconds since 1970. */
  readonly at: number;
  /** version is the id of the version that wrote it; empty when the record does not say. */
  readonly version: string;
  readonly failed: boolean;
  readonly text: string;
}

/** EntriesRequest says which entries are wanted: from `from` (included) to `to` (excluded), milliseconds since 1970. */
export interface EntriesRequest {
  readonly from: number;
  readonly to: number;
  /** version is an id; every version's when absent. */
  readonly version?: string;
  /** failed gives only the runs that failed. */
  readonly failed: boolean;
  /** most is how many are given at most, the newest of them. */
  readonly most: number;
}

/** Entries are what was logged, oldest first. */
export interface Entries {
  /** source names where they come from. */
  readonly source: string;
  readonly entries: readonly LogEntry[];
  /** more is true when older ones were left out. */
  readonly more: boolean;
}

/** Capability names what a target may lack. */
export type Capability = 'traffic' | 'logs' | 'entries' | 'openCandidate' | 'mark' | 'versions' | 'against';

/**
 * Target is one application in one environment, behind an authenticated connection.
 * A capability that is lacking is absent from the object and its reason stands in `lacking`.
 */
export interface Target {
  readonly platform: string;
  /** application is the app or runtime id, empty when it is still to be created. */
  readonly application: string;
  /** address is what people open, without credentials: the app in Studio, the endpoint that users call; empty while there is none. */
  readonly address: string;
  readonly exposure: Exposure;
  readonly lacking: Readonly<Partial<Record<Capability, string>>>;

  inspect(): Promise<Outcome<Inspection>>;
  deploy(source: Source, options: DeployOptions): Promise<Outcome<Deployment>>;
  publish(request: PublishRequest): Promise<Outcome<Publication>>;
  /** versions are the published ones, newest first. */
  versions?(): Promise<Outcome<readonly Version[]>>;
  mark?(version: string, marks: Marks): Promise<Outcome<void>>;
  /** checks are the health rungs that need no question. */
  checks(): readonly Rung[];
  /** open gives an address that serves only this version: an id, `draft` where the candidate can be asked, or `live` for the users' own address. */
  open(version: string): Promise<Outcome<Opened>>;
  snapshot(options?: SnapshotOptions): Promise<Outcome<Snapshot>>;
  /** against puts what users get beside a source, which has the environment's values; nothing is written. */
  against?(source: Source): Promise<Outcome<Against>>;
  /** restore makes a published version live for everybody and gives what is then live, read back. */
  restore(version: string, marks: Marks): Promise<Outcome<Version>>;
  readonly logs?: Logs;
  /** entries are for people to read what the application has logged. */
  entries?(request: EntriesRequest): Promise<Outcome<Entries>>;
  readonly traffic?: Traffic;
  /** tidy removes what killed runs have left beside the application, such as side endpoints, and logs each; absent where nothing can be left. */
  tidy?(): Promise<Outcome<void>>;
  close(): Promise<void>;
}

