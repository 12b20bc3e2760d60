import { createAbort, onAbort, type Ending } from './abort.ts';
import type { Clock } from './clock.ts';
import { durationText } from './config/duration.ts';
import { errorField } from './error-fields.ts';
import { endedBy, originOf, resultOf, type Outputs, type StepEnding, type StepResult } from './result.ts';
import type { AnyStep, StepContext } from './step.ts';

/** graceMs is how long a step may take to put things right after its deadline or a cancellation. */
const graceMs = 200_000;

/** safeOutputs are a step's outputs before it has set any. */
export const safeOutputs = (step: AnyStep): Outputs =>
  Object.fromEntries(Object.entries(step.outputs).map(([name, { initial }]) => [name, initial]));

const timedOut = (step: AnyStep, deadlineMs: number): StepEnding =>
  endedBy({
    category: 'timeout',
    reason: `${step.name} did not end within its deadline of ${durationText(deadlineMs)}`,
    tried: step.name,
    hint: 'Look at what it was waiting for in the lines above; give it longer with the input deadline.',
  });

const cancelled = (step: AnyStep): StepEnding =>
  endedBy({ category: 'cancelled', reason: `${step.name} was cancelled`, tried: step.name });

/** defectOf is the ending of a step that threw: nothing is thrown on purpose, so it is a defect of Sluice. */
export const defectOf = (error: unknown, redact: (text: string) => string): StepEnding => {
  const name = errorField(error, 'name');
  const text = name === undefined ? String(error) : `${name}: ${errorField(error, 'message') ?? ''}`;
  return endedBy(
    {
      category: 'defect',
      reason: `Sluice itself failed: ${redact(text)}`,
      hint: 'This is a defect of Sluice. Report it with the result document of this step, which holds the stack.',
    },
    { evidence: { stack: redact(errorField(error, 'stack') ?? '') } },
  );
};

/** overdue comes true when a step has not ended within its grace after the signal fired. */
const overdue = (clock: Clock, signal: AbortSignal, finished: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    // Grace is real time, like the deadline.
    const remove = onAbort(signal, () => void clock.sleep(graceMs * clock.factor, finished).then(resolve));
    onAbort(finished, remove);
  });

/** Interruption is what the runner knows of a step that was told to stop. */
interface Interruption {
  readonly ended: Ending | undefined;
  readonly cancelled: boolean;
  readonly deadlineMs: number;
}

/** interrupted is the ending of a step that was stopped from outside. */
const interrupted = (step: AnyStep, why: Interruption): StepEnding =>
  why.cancelled || why.ended === 'cancelled' ? cancelled(step) : timedOut(step, why.deadlineMs);

/** withCause names the true cause of a step that ended as `cancelled` only because its deadline had passed. */
const withCause = (step: AnyStep, ending: StepEnding, why: Interruption): StepEnding => {
  const isDeadline = why.ended === 'deadline' || why.ended === 'timeout';
  if (ending.category !== 'cancelled' || !isDeadline || why.cancelled) return ending;
  return { ...ending, ...timedOut(step, why.deadlineMs) };
};

/**
 * runStep runs one step under its deadline, which is real time even where a rehearsal compresses waits, and frames it
 * for the host. At the deadline or on cancellation the step's signal fires, and the step still gets time to put things
 * right and to say how it ended; only a step that then does not end is given up. An exception is a `defect`.
 */
export const runStep = async (
  step: AnyStep,
  context: StepContext,
  inputs: Readonly<Record<string, unknown>>,
  deadlineMs: number = step.deadlineMs,
): Promise<StepResult> => {
  const { clock, host } = context;
  host.stepStarted(step.name);
  const startedAt = new Date(clock.now());
  const started = clock.elapsed();
  const abort = createAbort(clock, [context.signal]);
  abort.arm(deadlineMs);
  const finished = new AbortController();
  const interruption = (): Interruption => ({ ended: abort.ended(), cancelled: context.cancelled(), deadlineMs });

  const run = async (): Promise<StepEnding> => {
    try {
      return withCause(step, await step.run({ ...context, signal: abort.signal }, inputs), interruption());
    } catch (error) {
      const name = errorField(error, 'name');
      // What is thrown because the signal fired says no more than the signal did.
      if (abort.ended() !== undefined && (name === 'AbortError' || name === 'TimeoutError')) return interrupted(step, interruption());
      return defectOf(error, (text) => host.redact(text));
    }
  };
  const ending = await Promise.race([
    run(),
    overdue(clock, abort.signal, finished.signal).then(() => interrupted(step, interruption())),
  ]);
  finished.abort();
  abort.release();
  const { project, selected } = context;
  const origin = originOf(host.context, project.config.name, selected.ok ? selected.value.name : undefined);
  const result = { ...resultOf(step.name, ending, safeOutputs(step), startedAt, clock.elapsed() - started), ...origin };
  host.stepEnded(result);
  return result;
};
