import type * as z from 'zod/mini';
import type { Clock } from './clock.ts';
import type { CommandRunner } from './command.ts';
import type { EnvironmentConfig } from './config/schema.ts';
import type { Checked } from './environment-check.ts';
import type { EvidenceRequest, EvidenceSource } from './evidence.ts';
import type { Host } from './host.ts';
import type { HttpClient } from './http/client.ts';
import type { Outcome } from './outcome.ts';
import type { FilePort, Platform, SourceFile } from './platform.ts';
import type { Previews } from './preview.ts';
import type { Project, SelectedEnvironment } from './project.ts';
import type { StepEnding, StepResult } from './result.ts';
import type { SecretReader } from './secrets/reader.ts';
import type { Parsed, Source } from './source.ts';
import type { StateStore } from './state.ts';
import type { Target } from './target.ts';

/** OutputDefinition describes one output of a step. */
export interface OutputDefinition {
  readonly description: string;
  /** initial is the safe value that the output has until the step sets it, also when the step fails. */
  readonly initial: string;
}

/** Application is a source that was read and belongs to a platform. */
export interface Application {
  readonly platform: Platform;
  readonly files: readonly SourceFile[];
  readonly parsed: Parsed;
}

/**
 * StepContext is all that a step may touch. A step reports to `host` and never prints, reaches the platform only
 * through `target`, and knows no platform by name.
 */
export interface StepContext {
  readonly host: Host;
  readonly clock: Clock;
  /** signal fires at the step's deadline and when the run is cancelled. */
  readonly signal: AbortSignal;
  /** cancelled is true once a person or the CI cancelled the run (and not when a deadline passed). */
  cancelled(): boolean;
  readonly dryRun: boolean;
  /** rehearsal runs work on the lab: required inputs without a value get placeholders. */
  readonly rehearsal: boolean;
  /** offline runs may not read credentials, connect or run commands (pull requests). */
  readonly offline: boolean;
  readonly project: Project;
  /** workFolder is the absolute folder for Sluice's own files: snapshots, state, results. */
  readonly workFolder: string;
  /** selected is the environment, or the problem or skip that says why there is none. */
  readonly selected: Outcome<SelectedEnvironment>;
  readonly secrets: SecretReader;
  readonly http: HttpClient;
  readonly commands: CommandRunner;
  /** git runs the program git alone, which looks at this clone only, offline too; in steps that read no commits it refuses. */
  readonly git: CommandRunner;
  readonly files: FilePort;
  readonly state: StateStore;
  /** evidence opens the sources that this target and configuration offer; none is a problem of category `evidence`. */
  evidence(request: EvidenceRequest): Promise<Outcome<readonly EvidenceSource[]>>;
  /** application reads and parses the source of the selected environment once; a file that cannot be read is a problem. */
  application(): Promise<Outcome<Application>>;
  /** overlaid is the source with the selected environment's values, or a problem when the source has errors. */
  overlaid(): Promise<Outcome<Source>>;
  /** target connects once to the selected environment. */
  target(): Promise<Outcome<Target>>;
  /** previews connects once to the selected environment, one for previews; a source that cannot be released does not keep them from being removed. */
  previews(): Promise<Outcome<Previews>>;
  /** checks asks the selected environment whether a release could work there, and whether it has what the source needs; nothing is asked offline. */
  checks(): Promise<Outcome<Checked>>;
  /** parseEnvironment parses the source of any environment, offline. */
  parseEnvironment(name: string): Promise<Outcome<Application>>;
  /** parseFile parses the text of a source that lies elsewhere than in the project, such as in an older commit, as one of this environment. */
  parseFile(environment: EnvironmentConfig, file: SourceFile): Promise<Application>;
  /** earlier is the newest result document of another step of this release, from this job or an earlier one. */
  earlier(step: string): Promise<StepResult | undefined>;
  /** record writes a result document into the results folder and remembers it. */
  record(result: StepResult): Promise<Outcome<void>>;
}

/** StepDefinition is the one place where a step is defined; every face, help text and table is made from it. */
export interface StepDefinition<Inputs extends z.ZodMiniObject = z.ZodMiniObject> {
  readonly name: string;
  /** summary is one sentence that begins with a verb. */
  readonly summary: string;
  readonly inputs: Inputs;
  readonly outputs: Readonly<Record<string, OutputDefinition>>;
  /** offline steps run without credentials, also for pull requests. */
  readonly offline: boolean;
  /** readOnly steps change nothing anywhere, so that two at once do no harm. */
  readonly readOnly?: boolean;
  /** connectsWhenNamed steps are offline, but connect when an environment is named and this is no pull request. */
  readonly connectsWhenNamed?: boolean;
  /** previews steps work in environments for previews: `only` there, also for pull requests of the repository itself, or there `too`; the others not at all. */
  readonly previews?: 'only' | 'too';
  /** eachEnvironment steps work on every environment of sluice.yml, one after the other, unless one is named. */
  readonly eachEnvironment?: boolean;
  /** deadlineMs is the step's default deadline. */
  readonly deadlineMs: number;
  run(context: StepContext, inputs: z.output<Inputs>): Promise<StepEnding>;
}

/** AnyStep is a step definition whose inputs are not known to the type system. */
export interface AnyStep extends Omit<StepDefinition, 'run'> {
  run(context: StepContext, inputs: Readonly<Record<string, unknown>>): Promise<StepEnding>;
}

/** defineStep checks a definition's types and gives it in the form that the registry keeps; inputs are parsed before `run`. */
export const defineStep = <Inputs extends z.ZodMiniObject>(definition: StepDefinition<Inputs>): AnyStep => ({
  ...definition,
  run: (context, inputs) => definition.run(context, inputs as z.output<Inputs>),
});
