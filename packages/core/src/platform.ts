import type { Clock } from './clock.ts';
import type { CommandRunner } from './command.ts';
import type { EnvironmentConfig, LintConfig } from './config/schema.ts';
import type { Checked } from './environment-check.ts';
import type { SourceGraph } from './graph.ts';
import type { HttpClient } from './http/client.ts';
import type { Outcome } from './outcome.ts';
import type { Previews, PreviewScope } from './preview.ts';
import type { Finding } from './finding.ts';
import type { Rule } from './lint/rule.ts';
import type { Parsed, Source } from './source.ts';
import type { Exposure, Target } from './target.ts';
import type { SecretReader } from './secrets/reader.ts';

/** SourceFile is a file's text and where it lies. */
export interface SourceFile {
  /** path is relative to `folder`. */
  readonly path: string;
  /** folder is the project's folder, absolute; a platform that packs code reads it below this folder only. */
  readonly folder: string;
  readonly text: string;
}

/** Change is one difference between two sources, for people; it holds no secret, since it may be shown in public. */
export interface Change {
  readonly kind: 'added' | 'removed' | 'changed';
  /** about is what a reader groups by. */
  readonly about: 'application' | 'node' | 'edge' | 'prompt' | 'model' | 'variable' | 'setting';
  /** subject is what changed, as in `node "Answer"`. */
  readonly subject: string;
  readonly before?: string;
  readonly after?: string;
  /** node is the id of the node that it belongs to: the newer source's, or the older one's where the node is gone. */
  readonly node?: string;
  /** prose is true where before and after are texts that people read, to be compared by words: prompts, answers, code. */
  readonly prose?: true;
}

/** Connection is everything that a target needs; it never reads the process's environment or the disk itself. */
export interface Connection {
  /** step is the name of the step that connects, for rights that reach no further than it. */
  readonly step: string;
  /** deadlineMs is that step's deadline, in milliseconds. */
  readonly deadlineMs: number;
  /** name is `<project>-<environment>`, a slug that no other environment has, for what a target must name outside its platform. */
  readonly name: string;
  readonly environment: EnvironmentConfig;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly secrets: SecretReader;
  /** setting gives an environment variable that `Platform.settings` lists; `NAME_<ENVIRONMENT>` wins over `NAME`. Blank ones are absent. */
  setting(name: string): string | undefined;
  /** mask hides a secret that came from elsewhere than the environment, such as credentials in an answer, in all that is written from now on. */
  mask(secret: string): void;
  /** credentialFile reads a file that the environment names, such as an identity token that a cluster renews; it may be a symbolic link. */
  credentialFile(path: string): Promise<Outcome<string>>;
  /** identityToken is the CI's own token for an audience, which says what runs; absent where the CI gives none. */
  readonly identityToken?: (audience: string) => Promise<Outcome<string>>;
  readonly commands: CommandRunner;
  readonly files: FilePort;
  readonly signal: AbortSignal;
  /** log tells a person what is being waited for. */
  log(line: string): void;
  /** readOnly targets refuse every write (`--dry-run`). */
  readonly readOnly: boolean;
  /** source is the overlaid source, where the connection needs to know the kind of application. */
  readonly source: Source;
}

/** FilePort reads and writes files that a connection owns, such as a gateway's include file. */
export interface FilePort {
  read(path: string): Promise<Outcome<string | undefined>>;
  /** write replaces the file in one step (temporary file, fsync, rename). */
  write(path: string, text: string): Promise<Outcome<void>>;
}

/** SettingFinding is a finding about an environment's own settings; `path` leads from the environment to the key. */
export interface SettingFinding extends Omit<Finding, 'place'> {
  readonly path: readonly (string | number)[];
}

/** PlacedEnvironment is an environment with its source, before anything is filled in. */
export interface PlacedEnvironment {
  readonly environment: EnvironmentConfig;
  readonly source: Source;
}

/** ExaminePorts are what an examination of a source may touch. */
export interface ExaminePorts {
  readonly commands: CommandRunner;
  readonly signal: AbortSignal;
}

/** Platform is what works without a connection, and `connect`. */
export interface Platform {
  readonly name: string;
  /** secrets are the environment variables that `connect` may read, each with what it is for. */
  readonly secrets: Readonly<Record<string, string>>;
  /** settings are the environment variables that `connect` may read and that are no secret, each with what it is for. */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * ownHost tells a host that the platform's operator alone runs, at the address that Sluice works out by itself: what
   * is sent there need not be listed in SLUICE_HOSTS. A host that belongs to one customer is none.
   */
  ownHost?(host: string): boolean;
  /** exposures say, for each kind of target, who meets the new version after each step; for documentation. */
  readonly exposures: readonly Exposure[];
  /** rules are all that `parse` and `examine` look for; absent where their severities cannot be set. */
  readonly rules?: readonly Rule[];
  /** parse reads a source and reports everything that is wrong with it. */
  parse(file: SourceFile, lint?: LintConfig): Parsed;
  /** examine finds what only another program can tell, such as python3 on the PATH, in place of findings of `parse`; nothing of the source is run. */
  examine?(file: SourceFile, parsed: Parsed, ports: ExaminePorts): Promise<readonly Finding[]>;
  /** overlay puts an environment's values into a source, in memory. */
  overlay(source: Source, environment: EnvironmentConfig, secrets: SecretReader): Outcome<Source>;
  diff(before: Source, after: Source): readonly Change[];
  /**
   * graph is the flow of an application, without secrets; undefined, or absent where a platform has none. Beside a newer
   * source its nodes have the ids of those that are the same there, as `diff` has them.
   */
  graph?(source: Source, newer?: Source): SourceGraph | undefined;
  /** review finds what is wrong with an environment's settings, by themselves and beside its source, offline; absent where the schema says it all. */
  review?(environment: EnvironmentConfig, source?: Source): readonly SettingFinding[];
  /** shared says what two environments have in common that only one may have, as in `endpoint production of runtime a in cn-hangzhou`; absent where they stand apart, or where that cannot be known. */
  shared?(one: PlacedEnvironment, other: PlacedEnvironment): string | undefined;
  /** environmentRules are what `check` looks for in an environment, beside the way there; their ids begin with `environment/`. */
  readonly environmentRules?: readonly Rule[];
  /** needs names the kinds of things that a source needs of an environment, as in `models`; `check` asks for each. */
  needs?(source: Source): readonly string[];
  /**
   * check asks an environment whether a release could work there, and writes nothing: the way there, which ends with the first
   * that fails, and then whether it has what the source needs. `file` is the source's own, for the places of what is missing.
   */
  check?(connection: Connection, file: SourceFile): Promise<Checked>;
  connect(connection: Connection): Promise<Outcome<Target>>;
  /** previews connects to an environment for previews; absent where a platform has none. */
  previews?(connection: Connection, scope: PreviewScope): Promise<Outcome<Previews>>;
}
