import { describe, expect, test } from '@jest/globals';
import * as z from 'zod/mini';
import { systemClock, type Clock } from '../src/clock.ts';
import type { Host } from '../src/host.ts';
import type { Project } from '../src/project.ts';
import type { StepEnding, StepResult } from '../src/result.ts';
import { runStep } from '../src/run-step.ts';
import type { AnyStep, StepContext } from '../src/step.ts';

const real = systemClock();
/** quickClock takes a thousandth of every wait. */
const quickClock: Clock = { ...real, sleep: (milliseconds, signal) => real.sleep(milliseconds / 1000, signal) };

const stepOf = (run: AnyStep['run'], deadlineMs = 60_000): AnyStep => ({
  name: 'deploy',
  summary: 'Deploy.',
  inputs: z.strictObject({}),
  outputs: { version: { description: 'Version.', initial: '' }, changed: { description: 'Changed.', initial: 'false' } },
  offline: false,
  deadlineMs,
  run,
});

interface Frame {
  readonly events: string[];
  readonly context: StepContext;
  readonly controller: AbortController;
  cancel(): void;
}

const frameOf = (): Frame => {
  const events: string[] = [];
  const controller = new AbortController();
  let cancelled = false;
  const host: Partial<Host> = {
    context: { commit: '', branch: '', tag: '', repository: '', actor: '', runUrl: '', runId: '17', event: '', onCi: true },
    stepStarted: (step) => events.push(`start ${step}`),
    stepEnded: (result) => events.push(`end ${result.category}`),
    redact: (text) => text.replaceAll('hunter2', '***'),
  };
  const project = { config: { name: 'support-bot' } } as Project;
  const selected = { ok: true, value: { name: 'staging' } } as StepContext['selected'];
  const context: Partial<StepContext> = { host: host as Host, clock: quickClock, signal: controller.signal, cancelled: () => cancelled, project, selected };
  return {
    events,
    context: context as StepContext,
    controller,
    cancel: () => {
      cancelled = true;
      controller.abort();
    },
  };
};

const passed: StepEnding = { category: 'passed', reason: 'done', outputs: { version: '7' } };
const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve());
  });
const never = new Promise<never>(() => undefined);
const cancelledEnding: StepEnding = { category: 'cancelled', reason: 'the run was cancelled', outputs: { version: '7' }, evidence: { seen: 1 } };

const result = async (run: AnyStep['run'], frame: Frame = frameOf(), deadlineMs?: number): Promise<StepResult> => runStep(stepOf(run, deadlineMs), frame.context, {});

describe('runStep', () => {
  test('names the run of the CI, the project and the environment in the result', async () => {
    expect(await result(() => Promise.resolve(passed))).toMatchObject({ run: '17', project: 'support-bot', environment: 'staging' });
  });

  test('frames the step and begins with its safe outputs', async () => {
    const frame = frameOf();
    expect(await result(async () => passed, frame)).toMatchObject({ step: 'deploy', status: 'passed', category: 'passed', reason: 'done', outputs: { version: '7', changed: 'false' } });
    expect(frame.events).toEqual(['start deploy', 'end passed']);
  });

  test('hands on inputs and a signal of its own', async () => {
    const frame = frameOf();
    const seen: unknown[] = [];
    await runStep(
      stepOf(async (context, inputs) => {
        seen.push(inputs, context.signal === frame.context.signal, context.signal.aborted);
        return passed;
      }),
      frame.context,
      { name: 'x' },
    );
    expect(seen).toEqual([{ name: 'x' }, false, false]);
  });

  test.each<[string, AnyStep['run']]>([
    ['throws', () => { throw new TypeError('cannot read hunter2'); }],
    ['rejects', async () => { throw new TypeError('cannot read hunter2'); }],
  ])('a step that %s is a defect, without its secret, with the stack as evidence', async (_name, run) => {
    const frame = frameOf();
    const ended = await result(run, frame);
    expect(ended).toMatchObject({ category: 'defect', status: 'error', reason: 'Sluice itself failed: TypeError: cannot read ***', hint: expect.stringContaining('Report it'), outputs: { version: '', changed: 'false' } });
    expect(ended.evidence).toMatchObject({ stack: expect.stringContaining('run-step.test') });
    expect(JSON.stringify(ended)).not.toContain('hunter2');
    expect(frame.events).toEqual(['start deploy', 'end defect']);
  });

  test('something else than an error is a defect, too', async () => {
    expect((await result(() => Promise.reject('odd' as unknown as Error))).reason).toBe('Sluice itself failed: odd');
  });

  test('a step that does not end after its deadline is a timeout', async () => {
    expect(await result(() => never, frameOf(), 50_000)).toMatchObject({ category: 'timeout', reason: 'deploy did not end within its deadline of 50 s', outputs: { version: '' } });
  });

  test('a step that puts things right after its deadline says itself how it ended', async () => {
    const ending: StepEnding = { category: 'evidence', reason: 'back to stable' };
    const run: AnyStep['run'] = async (context) => {
      await untilAborted(context.signal);
      await real.sleep(50);
      return ending;
    };
    expect(await result(run, frameOf(), 20_000)).toMatchObject(ending);
  });

  test('what ended as cancelled at its deadline timed out, and keeps outputs and evidence', async () => {
    const run: AnyStep['run'] = async (context) => {
      await untilAborted(context.signal);
      return cancelledEnding;
    };
    expect(await result(run, frameOf(), 20_000)).toMatchObject({ category: 'timeout', outputs: { version: '7' }, evidence: { seen: 1 }, problem: { category: 'timeout' } });
  });

  test.each<[string, AnyStep['run']]>([
    ['ends as cancelled', async (context) => { await untilAborted(context.signal); return cancelledEnding; }],
    ['throws an AbortError', async (context) => { await untilAborted(context.signal); throw new DOMException('gone', 'AbortError'); }],
    ['does not end', () => never],
  ])('a cancelled step that %s is cancelled', async (_name, run) => {
    const frame = frameOf();
    setTimeout(frame.cancel, 30);
    expect(await result(run, frame)).toMatchObject({ category: 'cancelled', status: 'cancelled' });
  });

  test('a deadline around the step is a timeout', async () => {
    const frame = frameOf();
    setTimeout(() => frame.controller.abort(new DOMException('over', 'TimeoutError')), 30);
    const run: AnyStep['run'] = async (context) => {
      await untilAborted(context.signal);
      return cancelledEnding;
    };
    expect((await result(run, frame)).category).toBe('timeout');
  });

  test('an AbortError without a signal is a defect', async () => {
    expect((await result(async () => { throw new DOMException('why', 'AbortError'); })).category).toBe('defect');
  });

  test('leaves no timer behind', async () => {
    const waiting = new Set<AbortSignal | undefined>();
    const clock: Clock = {
      ...quickClock,
      sleep: async (milliseconds, signal) => {
        waiting.add(signal);
        await quickClock.sleep(milliseconds, signal);
        waiting.delete(signal);
      },
    };
    const frame = frameOf();
    await runStep(stepOf(async () => passed, 10_000_000), { ...frame.context, clock }, {});
    await real.sleep(5);
    expect(waiting.size).toBe(0);
  });
});
