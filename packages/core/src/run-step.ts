import { durationText } from './config/duration.ts';
import { endedBy, resultOf, type Outputs, type StepEnding, type StepResult } from './result.ts';
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
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const stack = error instanceof Error && error.stack !== undefined ? redact(error.stack) : '';
  return endedBy(
    {
      category: 'defect',
      reason: `Sluice itself failed: ${redact(text)}`,
      hint: 'This is a defect of Sluice. Report it with the result document of this step, which holds the stack.',
    },
    { evidence: { stack } },
  );
};

const after = (milliseconds: number): { readonly reached: Promise<void>; clear(): void } => {
  let timer: NodeJS.Timeout | undefined;
  const reached = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
    timer.unref();
  });
  return { reached, clear: () => clearTimeout(timer) };
};

/**
 * runStep runs one step under its deadline, which is real time even where a rehearsal compresses waits.
 * At the deadline or on cancellation the step's signal fires, and the step still gets time to put things right and to
 * say how it ended; only a step that then does not end is ended from outside. An exception is a defect.
 */
export const runStep = async (
  step: AnyStep,
  context: StepContext,
  inputs: Readonly<Record<string, unknown>>,
  deadlineMs: number = step.deadlineMs,
): Promise<StepResult> => {
  context.host.stepStarted(step.name);
  const startedAt = new Date(context.clock.now());
  const started = context.clock.elapsed();
  const expired = AbortSignal.timeout(deadlineMs);
  const signal = AbortSignal.any([context.signal, expired]);
  const grace = after(deadlineMs + graceMs);
  const ended = await Promise.race([
    step.run({ ...context, signal }, inputs).catch((error: unknown) => defectOf(error, (text) => context.host.redact(text))),
    grace.reached.then(() => (context.cancelled() ? cancelled(step) : timedOut(step, deadlineMs))),
  ]);
  grace.clear();
  const result = resultOf(step.name, overtaken(step, ended, expired.aborted, context.cancelled(), deadlineMs), safeOutputs(step), startedAt, context.clock.elapsed() - started);
  context.host.stepEnded(result);
  return result;
};

/** overtaken names the true cause of a step that ended as `cancelled` only because its own deadline had passed. */
const overtaken = (step: AnyStep, ended: StepEnding, expired: boolean, isCancelled: boolean, deadlineMs: number): StepEnding =>
  ended.category === 'cancelled' && expired && !isCancelled ? { ...timedOut(step, deadlineMs), ...(ended.outputs === undefined ? {} : { outputs: ended.outputs }) } : ended;
