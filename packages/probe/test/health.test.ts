import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { done, failed, live, type Opened, type Outcome, type Problem, type Reply, type Rung } from '@sluice/core';
import fc from 'fast-check';
import { freshUsers, healthCheck, pairedAsk, settle, type HealthRequest, type Probe } from '../src/index.ts';
import { fakeClock, openedWith, refused, reply, users } from './fakes.ts';

const probe: Probe = { name: '"ping"', query: 'ping', inputs: {}, expectation: { contains: 'pong' } };
const problem = (category: Problem['category']): Outcome<never> => failed({ category, reason: `a ${category} problem` });
const rung = (name: string, result: Outcome<string> = done('fine')): Rung => ({ name, run: async () => result });

const request = (rest: Partial<HealthRequest> = {}): HealthRequest => ({
  rungs: [],
  probes: [probe],
  settleMs: 0,
  clock: fakeClock(),
  freshUser: users(),
  signal: new AbortController().signal,
  log: () => undefined,
  ...rest,
});

describe('settle', () => {
  const settled = async (opened: Opened, settleMs = 120_000, signal = new AbortController().signal) => {
    const clock = fakeClock();
    const lines: string[] = [];
    const result = await settle(opened, probe, { clock, settleMs, freshUser: users(), signal, log: (line) => void lines.push(line) });
    return { result, waits: clock.waits, lines };
  };

  test('three answers in a row need no waiting', async () => {
    const opened = openedWith('7', reply());
    expect(await settled(opened)).toMatchObject({ result: { ok: true, value: { asked: 3, waitedMs: 0 } }, waits: [] });
  });

  test('a cold start is waited for, longer each time', async () => {
    const cold = [refused(502), refused(503), problem('timeout'), refused(404), problem('platform')];
    const { result, waits, lines } = await settled(openedWith('7', ...cold, reply()));
    expect(result).toMatchObject({ ok: true, value: { asked: 8 } });
    expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000]);
    expect(lines).toHaveLength(5);
  });

  test('a failure between answers begins the row anew', async () => {
    const { result } = await settled(openedWith('7', reply(), reply(), refused(500), reply()));
    expect(result).toMatchObject({ ok: true, value: { asked: 6 } });
  });

  test('the first success must come in time', async () => {
    const { result, waits } = await settled(openedWith('7', refused(502)));
    expect(result).toMatchObject({ ok: false, problem: { category: 'gate', answer: { status: 502 }, reason: expect.stringContaining('did not answer within 2 m') } });
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeLessThanOrEqual(120_000);
  });

  test('an application that never answers at all keeps the category of the connection', async () => {
    expect((await settled(openedWith('7', problem('timeout')), 5000)).result).toMatchObject({ ok: false, problem: { category: 'timeout' } });
  });

  test('flapping after the time is over ends it and says so', async () => {
    const { result } = await settled(openedWith('7', reply(), reply(), refused(500), reply(), refused(500), refused(500)), 3000);
    expect(result).toMatchObject({ ok: false, problem: { category: 'gate', reason: expect.stringContaining('not 3 times in a row') } });
  });

  test.each([400, 401, 403, 422])('status %i is not waited for', async (status) => {
    const opened = openedWith('7', refused(status));
    expect((await settled(opened)).result).toMatchObject({ ok: false, problem: { category: 'gate' } });
    expect(opened.asked).toHaveLength(1);
  });

  test.each(['permission', 'input', 'cancelled', 'conflict'] as const)('a problem of category %s is not waited for', async (category) => {
    const opened = openedWith('7', problem(category));
    expect((await settled(opened)).result).toMatchObject({ ok: false, problem: { category } });
    expect(opened.asked).toHaveLength(1);
  });

  test('what the application says does not matter yet', async () => {
    expect((await settled(openedWith('7', reply({ text: 'still warming up' })))).result.ok).toBe(true);
  });

  test('a run that has ended asks nothing', async () => {
    const opened = openedWith('7', reply());
    expect((await settled(opened, 1000, AbortSignal.abort())).result).toMatchObject({ ok: false, problem: { category: 'cancelled' } });
    expect(opened.asked).toEqual([]);
  });

  test('it always ends, and passes only after three answers in a row', async () => {
    const kinds = fc.constantFrom('ok', 'bad', 'lost');
    await fc.assert(
      fc.asyncProperty(fc.array(kinds, { minLength: 1, maxLength: 60 }), async (sequence) => {
        const answers: (Reply | Outcome<Reply>)[] = sequence.map((kind) => (kind === 'ok' ? reply() : kind === 'bad' ? refused(502) : problem('platform')));
        const opened = openedWith('7', ...answers);
        const { result } = await settled(opened);
        const seen = opened.asked.map((_, index) => sequence[Math.min(index, sequence.length - 1)]);
        expect(result.ok).toBe(seen.slice(-3).length === 3 && seen.slice(-3).every((kind) => kind === 'ok'));
      }),
      { seed: 11, numRuns: 200 },
    );
  });
});

describe('healthCheck fails closed', () => {
  test.each<[string, Partial<HealthRequest>, string]>([
    ['nothing to check', { probes: [] }, 'evidence'],
    ['no rung and nothing to ask', { probes: [probe] }, 'evidence'],
    ['opened, but no question', { probes: [], opened: openedWith('7') }, 'evidence'],
    ['a bad answer', { opened: openedWith('7', reply({ text: 'no' })) }, 'gate'],
    ['an error as answer', { opened: openedWith('7', refused(500)) }, 'gate'],
    ['an empty answer', { opened: openedWith('7', reply({ text: '' })), probes: [{ ...probe, expectation: {} }] }, 'gate'],
    ['not allowed to ask', { opened: openedWith('7', problem('permission')) }, 'permission'],
    ['unreachable', { opened: openedWith('7', problem('platform')) }, 'platform'],
    ['a rung that failed', { rungs: [rung('login', problem('permission'))] }, 'permission'],
    ['a rung that failed and good answers', { rungs: [rung('model', problem('gate'))], opened: openedWith('7', reply()) }, 'gate'],
    ['another version answered', { opened: openedWith('7', reply({ version: '6' })) }, 'gate'],
    ['one of two answers is bad', { opened: openedWith('7', reply(), reply({ text: '' })), probes: [probe, probe] }, 'gate'],
    ['the last answer is from another version', { opened: openedWith('7', reply({ version: '7' }), reply({ version: '6' })), probes: [probe, probe] }, 'gate'],
    ['the run ended', { opened: openedWith('7', reply()), signal: AbortSignal.abort() }, 'cancelled'],
    ['the run ended before the rungs', { rungs: [rung('login')], signal: AbortSignal.abort() }, 'cancelled'],
    ['it never settled', { opened: openedWith('7', refused(502)), settleMs: 5000 }, 'gate'],
  ])('%s', async (_, rest, category) => {
    const report = await healthCheck(request(rest));
    expect(report.category).toBe(category);
    expect(report.problem?.category).toBe(category);
  });

  test('a wrong version is named with the right one', async () => {
    const report = await healthCheck(request({ opened: openedWith(live, reply({ version: '6' })), meant: '7' }));
    expect(report.reason).toBe('version 6 answered, but version 7 was meant');
    expect(report.answeredBy).toEqual(['6']);
  });

  test('no question is asked after a rung failed, and no rung above it runs', async () => {
    const opened = openedWith('7', reply());
    const report = await healthCheck(request({ rungs: [rung('reach', problem('platform')), rung('login')], opened }));
    expect(opened.asked).toEqual([]);
    expect(report.checked).toMatchObject([{ name: 'reach', passed: false, said: 'a platform problem' }]);
  });

  test('all bad answers are listed', async () => {
    const report = await healthCheck(request({ opened: openedWith('7', reply({ text: 'a' }), reply(), reply({ text: 'b' })), probes: [probe, probe, probe] }));
    expect(report.checked.map(({ passed }) => passed)).toEqual([false, true, false]);
    expect(report.problem?.others).toHaveLength(1);
  });
});

describe('healthCheck passes', () => {
  test('and says who answered and how that is known', async () => {
    const named = await healthCheck(request({ rungs: [rung('login')], opened: openedWith('7', reply({ version: '7' })), settleMs: 1000 }));
    expect(named).toMatchObject({ category: 'passed', version: '7', answeredBy: ['7'], checked: [{ name: 'login', said: 'fine' }, { name: '"ping"', said: 'pong', latencyMs: 120 }] });
    expect(named.reason).toBe('1 of 1 check passed, 1 of 1 question answered by version 7 (the answers name version 7)');
    const unnamed = await healthCheck(request({ opened: openedWith('7', reply()) }));
    expect(unnamed.reason).toContain('the answers name no version; a side endpoint pinned to it');
  });

  test('on rungs alone, and says that nothing was asked', async () => {
    expect((await healthCheck(request({ rungs: [rung('login')] }))).reason).toBe('1 of 1 check passed; no question was asked');
  });
});

test('every question comes from a user that never asked before', async () => {
  const opened = openedWith('7', reply());
  await healthCheck(request({ opened, probes: [probe, probe], settleMs: 1000, freshUser: freshUsers(randomBytes) }));
  const names = opened.asked.map(({ user }) => user);
  expect(new Set(names).size).toBe(5);
  for (const name of names) expect(name).toMatch(/^sluice-probe-[0-9a-f]{16}$/);
});

test('pairedAsk puts the same question to both arms for the same index, and judges the answer', async () => {
  const ask = pairedAsk([probe, { ...probe, query: 'second' }], users());
  const stable = openedWith('6', reply());
  const candidate = openedWith('7', reply({ text: 'no' }));
  const { signal } = new AbortController();
  for (const index of [0, 1, 2]) {
    expect(await ask(stable, index, signal)).toMatchObject({ ok: true, value: { text: 'pong' } });
    expect(await ask(candidate, index, signal)).toMatchObject({ ok: true, value: { failed: expect.stringContaining('does not contain') } });
  }
  expect(stable.asked.map(({ query }) => query)).toEqual(['ping', 'second', 'ping']);
  expect(candidate.asked.map(({ query }) => query)).toEqual(['ping', 'second', 'ping']);
  expect(await pairedAsk([], users())(stable, 0, signal)).toMatchObject({ ok: false, problem: { category: 'evidence' } });
});
