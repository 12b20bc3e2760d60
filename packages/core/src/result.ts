import { statusOf, type Category, type Status } from './category.ts';
import type { HostContext } from './host.ts';
import type { Problem } from './problem.ts';

/** Json is any JSON value; a key without a value is left out when it is written. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** Outputs are a step's named results; CI systems know only text. */
export type Outputs = Readonly<Record<string, string>>;

/** Origin says whose result it is. What is not known is absent, as the run on a terminal, or the project before sluice.yml was read. */
export interface Origin {
  /** run is the id of the CI's run that made it. */
  readonly run?: string;
  /** job is the id of the CI's job within that run. */
  readonly job?: string;
  /** folder leads from the root of the repository to where places in files are relative to, with slashes; absent at the root. */
  readonly folder?: string;
  /** project is the name in sluice.yml. */
  readonly project?: string;
  readonly environment?: string;
}

/** StepResult is the result document, the one machine-readable contract on every CI. */
export interface StepResult extends Origin {
  readonly step: string;
  readonly status: Status;
  readonly category: Category;
  /** reason is one sentence. */
  readonly reason: string;
  /** hint says what to do next; empty when there is nothing to do. */
  readonly hint: string;
  readonly outputs: Outputs;
  /** evidence is what the outcome rests on, in a shape of the step's own. */
  readonly evidence: Json;
  /** startedAt is ISO 8601 in UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly problem?: Problem;
  /** steps are the results of the steps that this step composed. */
  readonly steps?: readonly StepResult[];
}

/** StepEnding is what a step's own code returns; the runner adds the name, the times and the default outputs. */
export interface StepEnding {
  readonly category: Category;
  readonly reason: string;
  readonly hint?: string;
  readonly outputs?: Outputs;
  readonly evidence?: Json;
  readonly problem?: Problem;
  readonly steps?: readonly StepResult[];
}

/** endedBy turns a problem into a step's ending. */
export const endedBy = (problem: Problem, rest: Omit<StepEnding, 'category' | 'reason' | 'problem'> = {}): StepEnding => ({
  category: problem.category,
  reason: problem.reason,
  ...(problem.hint === undefined ? {} : { hint: problem.hint }),
  ...rest,
  problem,
});

/** originOf is the origin of a result that is made in a CI's run, for a project and an environment, as far as they are known. */
export const originOf = ({ runId, jobId = '', subfolder = '' }: Pick<HostContext, 'runId' | 'jobId' | 'subfolder'>, project?: string, environment?: string): Origin => ({
  ...(runId === '' ? {} : { run: runId }),
  ...(jobId === '' ? {} : { job: jobId }),
  ...(subfolder === '' ? {} : { folder: subfolder }),
  ...(project === undefined ? {} : { project }),
  ...(environment === undefined ? {} : { environment }),
});

/** resultOf makes the result document of an ending. Outputs begin with the step's safe defaults. */
export const resultOf = (
  step: string,
  ending: StepEnding,
  defaults: Outputs,
  startedAt: Date,
  durationMs: number,
): StepResult => ({
  step,
  status: statusOf(ending.category),
  category: ending.category,
  reason: ending.reason,
  hint: ending.hint ?? ending.problem?.hint ?? '',
  outputs: { ...defaults, ...ending.outputs },
  evidence: ending.evidence ?? null,
  startedAt: startedAt.toISOString(),
  durationMs: Math.round(durationMs),
  ...(ending.problem === undefined ? {} : { problem: ending.problem }),
  ...(ending.steps === undefined ? {} : { steps: ending.steps }),
});
