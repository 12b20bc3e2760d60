import { describe, expect, test } from '@jest/globals';
import {
  createCommandRunner,
  createHttpClient,
  done,
  failed,
  systemClock,
  type Arm,
  type EvidenceRequest,
  type Logs,
  type Opened,
  type Outcome,
  type PairedAsk,
  type Reply,
  type Target,
  type Traffic,
} from '@sluice/core';
import { logsSource, openSources, pairedProbes, type EvidencePorts, type PairedProbing } from '../src/index.ts';

const clock = systemClock();
const open = new AbortController().signal;

/** ports touch nothing: what is opened here sends no request and runs no command. */
const ports: EvidencePorts = {
  clock,
  http: createHttpClient({ clock, loopbackOnly: true, signal: open, userAgent: 'sluice' }),
  commands: createCommandRunner({ path: '', home: '' }),
  secrets: { read: (name) => failed({ category: 'input', reason: `${name} is not set` }), find: () => undefined },
  folder: '/',
  configured: [],
};

const arm = (version: string, answers: number, errors = 0): Arm => ({ version, answers, errors, latenciesMs: [5], tokens: [7] });

const logs = (read: Logs['read']): Logs => ({ source: 'run logs', unit: 'request', read });

const reply = (more: Partial<Reply> = {}): Reply => ({ text: 'ok', outputs: {}, latencyMs: 100, tokens: 10, status: 200, ...more });

interface Door extends Opened {
  readonly closed: number;
}

const door = (version: string, closing: Outcome<void> = done(undefined)): Door => {
  let closed = 0;
  return {
    version,
    how: 'a test',
    ask: () => Promise.resolve(done(reply())),
    close: () => {
      closed += 1;
      return Promise.resolve(closing);
    },
    get closed() {
      return closed;
    },
  };
};

const probing = (ask: PairedAsk, more: Partial<PairedProbing> = {}): PairedProbing => ({
  stable: door('v1'),
  candidate: door('v2'),
  ask,
  pairs: 10,
  asked: 0,
  pairsPerWindow: 4,
  pairsAtOnce: 1,
  clock,
  ...more,
});

describe('logsSource', () => {
  const source = (read: Logs['read']) => logsSource(logs(read), 'v1', 'v2', clock);

  test('leaves out what records may still come for, and says where the window ends', async () => {
    const asked: (readonly [number, number])[] = [];
    const late: Logs = {
      ...logs(async (versions, from, to) => {
        asked.push([from, to]);
        return done(versions.map((version) => arm(version, 3)));
      }),
      settleMs: 60_000,
    };
    const source = logsSource(late, 'v1', 'v2', systemClock(10));
    expect(await source.observe(1000, 10_000, open)).toMatchObject({ from: 1000, to: 4000, stable: { answers: 3 } });
    const young = await source.observe(1000, 7000, open);
    expect(young).toMatchObject({ from: 1000, to: 1000, stable: { answers: 0 }, missing: expect.stringMatching(/records may come in 1 m late/) });
    expect(asked).toEqual([[1000, 4000]]);
  });

  test('counts the arms of the window that is asked for', async () => {
    const asked: unknown[] = [];
    const observed = await source((versions, from, to) => {
      asked.push([versions, from, to]);
      return Promise.resolve(done([arm('v1', 90, 1), arm('v2', 10, 2)]));
    }).observe(1000, 2000, open);
    expect(asked).toEqual([[['v1', 'v2'], 1000, 2000]]);
    expect(observed).toEqual({ source: 'run logs', unit: 'request', from: 1000, to: 2000, stable: arm('v1', 90, 1), candidate: arm('v2', 10, 2) });
  });

  test.each<[string, Logs['read'], RegExp]>([
    ['a failed query', () => Promise.resolve(failed({ category: 'platform', reason: 'HTTP 500' })), /HTTP 500/],
    ['arms in another order', () => Promise.resolve(done([arm('v2', 1), arm('v1', 1)])), /did not answer for the versions/],
    ['one arm', () => Promise.resolve(done([arm('v1', 1)])), /did not answer for the versions/],
    ['no arm', () => Promise.resolve(done([])), /did not answer for the versions/],
  ])('%s is missing, not zero', async (_, read, reason) => {
    expect((await source(read).observe(0, 1, open)).missing).toMatch(reason);
  });

  test('a query that never ends is missing once the signal fires, and once its deadline passes', async () => {
    const never: Logs['read'] = () => new Promise(() => undefined);
    expect((await source(never).observe(0, 1, AbortSignal.abort())).missing).toMatch(/cut off/);
    const fast = logsSource(logs(never), 'v1', 'v2', systemClock(100_000));
    expect((await fast.observe(0, 1, open)).missing).toMatch(/cut off/);
  });
});

describe('pairedProbes', () => {
  test('asks both versions the same question, and alternates who is first', async () => {
    const asked: string[] = [];
    const source = pairedProbes(probing((opened, index) => {
      asked.push(`${opened.version}:${index}`);
      return Promise.resolve(done(reply({ latencyMs: opened.version === 'v1' ? 100 + index : 200 + index })));
    }));
    const observed = await source.observe(5, 9, open);
    expect(asked).toEqual(['v1:0', 'v2:0', 'v2:1', 'v1:1', 'v1:2', 'v2:2', 'v2:3', 'v1:3']);
    expect(observed).toEqual({
      source: 'paired probes',
      unit: 'request',
      from: 5,
      to: 9,
      asked: 4,
      paired: true,
      stable: { version: 'v1', answers: 4, errors: 0, latenciesMs: [100, 101, 102, 103], tokens: [10, 10, 10, 10] },
      candidate: { version: 'v2', answers: 4, errors: 0, latenciesMs: [200, 201, 202, 203], tokens: [10, 10, 10, 10] },
    });
  });

  test('both versions are asked at the same time', async () => {
    let inFlight = 0;
    let most = 0;
    await pairedProbes(probing(async () => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await Promise.resolve();
      inFlight -= 1;
      return done(reply());
    })).observe(0, 1, open);
    expect(most).toBe(2);
  });

  test('several pairs are under way at once, each with both versions, and never more than that', async () => {
    let [inFlight, most] = [0, 0];
    const asked: string[] = [];
    const observed = await pairedProbes(probing(async (opened, index) => {
      asked.push(`${opened.version}:${index}`);
      inFlight += 1;
      most = Math.max(most, inFlight);
      await clock.sleep(20 - index);
      inFlight -= 1;
      return done(reply({ latencyMs: index }));
    }, { pairsPerWindow: 10, pairsAtOnce: 4 })).observe(0, 1, open);
    expect(most).toBe(8);
    expect(asked.slice(0, 8)).toEqual(['v1:0', 'v2:0', 'v2:1', 'v1:1', 'v1:2', 'v2:2', 'v2:3', 'v1:3']);
    expect(new Set(asked).size).toBe(20);
    // In the order of the questions, whichever was answered first.
    expect(observed).toMatchObject({ asked: 10, candidate: { answers: 10, latenciesMs: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] } });
  });

  test('goes on after the pairs that earlier looks have used, also where those failed', async () => {
    const indexes: number[] = [];
    const source = pairedProbes(probing((opened, index) => {
      if (opened.version === 'v1') indexes.push(index);
      return Promise.resolve(index === 7 ? failed({ category: 'platform', reason: 'gone' }) : done(reply()));
    }, { asked: 7 }));
    expect(await source.observe(0, 1, open)).toMatchObject({ asked: 8, missing: expect.stringMatching(/gone/) });
    expect(await source.observe(0, 1, open)).toMatchObject({ asked: 10, candidate: { answers: 2 } });
    expect(indexes).toEqual([7, 8, 9]);
  });

  test('a platform that is asked too much is asked less, and no version is blamed for that', async () => {
    const factored = systemClock(1000);
    let [inFlight, together] = [0, 0];
    const source = pairedProbes(probing(async (opened) => {
      inFlight += 1;
      await factored.sleep(5000);
      const full = inFlight > 4;
      together = Math.max(together, inFlight);
      inFlight -= 1;
      return done(reply(full && opened.version === 'v2' ? { failed: 'HTTP 429', status: 429 } : {}));
    }, { clock: factored, pairs: 100, pairsPerWindow: 20, pairsAtOnce: 4 }));
    const first = await source.observe(0, 1, open);
    expect(first).toMatchObject({ asked: 20, stable: { errors: 0 }, candidate: { errors: 0 } });
    expect(first.candidate.answers).toBeGreaterThanOrEqual(14);
    expect(first.candidate.answers).toBeLessThan(20);
    together = 0;
    expect(await source.observe(0, 1, open)).toMatchObject({ asked: 40, candidate: { answers: 20, errors: 0 } });
    expect(together).toBe(4);
  });

  test('what is refused for its number one pair at a time is an error of that version, and nothing at all is a look without evidence', async () => {
    const refusing = (version: string) => probing((opened) => Promise.resolve(done(reply(opened.version === version ? { failed: 'HTTP 429', status: 429 } : {}))), { clock: systemClock(10_000), pairs: 100, pairsAtOnce: 4 });
    const source = pairedProbes(refusing('v2'));
    expect(await source.observe(0, 1, open)).toMatchObject({ asked: 4, candidate: { answers: 0 }, missing: expect.stringMatching(/HTTP 429/) });
    const later = [await source.observe(0, 1, open), await source.observe(0, 1, open)];
    expect(later.at(-1)).toMatchObject({ candidate: { answers: 4, errors: 4 }, stable: { errors: 0 } });
  });

  test('when the time is over, the pairs that are complete count, and no more are asked', async () => {
    const fast = systemClock(1000);
    const source = pairedProbes(probing(async (_opened, index, signal) => {
      await fast.sleep(index < 6 ? 10_000 : 3_600_000, signal);
      return done(reply());
    }, { clock: fast, pairs: 100, pairsPerWindow: 20, pairsAtOnce: 4, pairsMs: 120_000 }));
    const seen = await source.observe(0, 1, open);
    expect(seen).toMatchObject({ asked: 10, candidate: { answers: 6, errors: 0 } });
    expect(seen.missing).toBeUndefined();
    expect(await source.observe(0, 1, open)).toMatchObject({ asked: 10, candidate: { answers: 0 } });
  });

  test('uses every pair once, and then counts nothing more, which is no flaw', async () => {
    let asked = 0;
    const source = pairedProbes(probing(() => {
      asked += 1;
      return Promise.resolve(done(reply()));
    }));
    const counts = [];
    for (let window = 0; window < 4; window += 1) {
      const seen = await source.observe(0, 1, open);
      counts.push([seen.candidate.answers, seen.missing]);
    }
    expect(counts).toEqual([[4, undefined], [4, undefined], [2, undefined], [0, undefined]]);
    expect(asked).toBe(20);
  });

  test('a failed answer is an error, and its pair has no values', async () => {
    const observed = await pairedProbes(probing((opened, index) =>
      Promise.resolve(done(reply(opened.version === 'v2' && index === 1 ? { failed: 'wrong' } : { latencyMs: index }))),
    )).observe(0, 1, open);
    expect(observed.candidate).toMatchObject({ answers: 4, errors: 1, latenciesMs: [0, 2, 3] });
    expect(observed.stable).toMatchObject({ answers: 4, errors: 0, latenciesMs: [0, 2, 3] });
  });

  test('tokens that one version does not tell are counted for neither', async () => {
    const silent: Reply = { text: 'ok', outputs: {}, latencyMs: 1, status: 200 };
    const observed = await pairedProbes(probing((opened) => Promise.resolve(done(opened.version === 'v1' ? silent : reply())))).observe(0, 1, open);
    expect([observed.stable.tokens, observed.candidate.tokens]).toEqual([[], []]);
    expect(observed.candidate.latenciesMs).toHaveLength(4);
  });

  test.each<[string, PairedAsk, RegExp]>([
    ['stable cannot be asked', (opened) => Promise.resolve(opened.version === 'v1' ? failed({ category: 'permission', reason: 'HTTP 401' }) : done(reply())), /v1 could not be asked: HTTP 401/],
    ['the candidate cannot be asked', (opened) => Promise.resolve(opened.version === 'v2' ? failed({ category: 'platform', reason: 'gone' }) : done(reply())), /v2 could not be asked: gone/],
    ['another version answers', () => Promise.resolve(done(reply({ version: 'v1' }))), /v2 was asked and v1 answered/],
  ])('%s: the whole window is missing', async (_, ask, reason) => {
    const observed = await pairedProbes(probing(ask)).observe(0, 1, open);
    expect(observed.missing).toMatch(reason);
    expect(observed.candidate.answers).toBe(0);
  });

  test('a draft may answer under another name', async () => {
    const ask: PairedAsk = (opened) => Promise.resolve(done(reply({ version: opened.version === 'draft' ? 'w-77' : 'v1' })));
    expect((await pairedProbes(probing(ask, { candidate: door('draft') })).observe(0, 1, open)).missing).toBeUndefined();
  });

  test('is cut off by the signal between pairs, and within one', async () => {
    const controller = new AbortController();
    const between = pairedProbes(probing((_, index) => {
      if (index === 0) controller.abort();
      return Promise.resolve(done(reply()));
    }));
    expect((await between.observe(0, 1, controller.signal)).missing).toMatch(/cut off/);
    const told: boolean[] = [];
    const late = new AbortController();
    const inside = pairedProbes(probing((_opened, _index, signal) => new Promise(() => {
      signal.addEventListener('abort', () => told.push(true));
      late.abort();
    })));
    expect((await inside.observe(0, 1, late.signal)).missing).toMatch(/cut off/);
    expect(told).toEqual([true]);
  });

  test('an answer that never ends is cut off at its deadline, and is told so', async () => {
    const told: boolean[] = [];
    const endless: PairedAsk = (_opened, _index, signal) => new Promise(() => { signal.addEventListener('abort', () => told.push(true)); });
    const source = pairedProbes(probing(endless, { clock: systemClock(100_000) }));
    expect((await source.observe(0, 1, open)).missing).toMatch(/^asking v1 and v2 was cut off: neither gave an answer within 5 m$/);
    expect(told).toEqual([true, true]);
  });

  test.each(['v1', 'v2'])('when only %s does not answer in time, that is an error of it and not missing evidence', async (slow) => {
    // What a version says after it was cut off does not count.
    const ask: PairedAsk = (opened, _index, signal) =>
      opened.version === slow
        ? new Promise((resolve) => { signal.addEventListener('abort', () => resolve(done(reply({ latencyMs: 999 })))); })
        : Promise.resolve(done(reply()));
    const seen = await pairedProbes(probing(ask, { clock: systemClock(100_000) })).observe(0, 1, open);
    expect(seen.missing).toBeUndefined();
    const failing = { answers: 4, errors: 4, latenciesMs: [], tokens: [] };
    expect(slow === 'v1' ? seen.stable : seen.candidate).toMatchObject(failing);
    expect(slow === 'v1' ? seen.candidate : seen.stable).toMatchObject({ ...failing, errors: 0 });
  });

  test('closes both addresses', async () => {
    const [stable, candidate] = [door('v1'), door('v2')];
    await pairedProbes(probing(() => Promise.resolve(done(reply())), { stable, candidate })).close();
    expect([stable.closed, candidate.closed]).toEqual([1, 1]);
  });
});

describe('openSources', () => {
  const traffic: Traffic = {
    read: () => Promise.resolve(failed({ category: 'platform', reason: 'not used' })),
    set: () => Promise.resolve(failed({ category: 'platform', reason: 'not used' })),
  };
  const counted = logs(() => Promise.resolve(done([arm('v1', 1), arm('v2', 1)])));

  const request = (target: Partial<Target>, pairs = 10): EvidenceRequest => {
    const whole: Partial<Target> & Pick<Target, 'lacking' | 'open'> = {
      lacking: {},
      open: (version) => Promise.resolve(done(door(version))),
      ...target,
    };
    return {
      target: whole as Target,
      stable: 'v1',
      candidate: 'v2',
      ask: () => Promise.resolve(done(reply())),
      pairs,
      asked: 0,
      pairsPerWindow: 5,
      pairsAtOnce: 1,
    };
  };

  const names = async (asked: EvidenceRequest): Promise<readonly string[] | string> => {
    const opened = await openSources(asked, ports);
    return opened.ok ? opened.value.map(({ name }) => name) : `${opened.problem.category}: ${opened.problem.reason}`;
  };

  const closedDoor: Target['open'] = (version) =>
    Promise.resolve(version === 'v2' ? failed({ category: 'platform', reason: 'v2 has no address' }) : done(door(version)));

  test.each<[string, Partial<Target>, number, readonly string[]]>([
    ['logs and probes', { logs: counted, traffic }, 10, ['run logs', 'paired probes']],
    ['probes alone where nothing splits the traffic', { logs: counted }, 10, ['paired probes']],
    ['logs alone where probes are not allowed', { logs: counted, traffic }, 0, ['run logs']],
    ['logs, and probes that say why they are silent', { logs: counted, traffic, open: closedDoor }, 10, ['run logs', 'paired probes']],
  ])('%s', async (_, target, pairs, expected) => {
    expect(await names(request(target, pairs))).toEqual(expected);
  });

  test.each<[string, Partial<Target>, number, RegExp]>([
    ['nothing at all', {}, 0, /^evidence: .*logs: the target has none; paired probes: not allowed/],
    ['a lacking capability gives its reason', { lacking: { logs: 'chat apps keep no run logs' } }, 0, /chat apps keep no run logs/],
    ['a version that cannot be opened', { open: closedDoor }, 10, /paired probes: v2 has no address/],
    ['logs that never see the candidate', { logs: counted, open: closedDoor }, 10, /not split.*no address/],
  ])('no source: %s', async (_, target, pairs, reason) => {
    expect(await names(request(target, pairs))).toMatch(reason);
  });

  test('a silent source gives its reason and no counts', async () => {
    const opened = await openSources(request({ logs: counted, traffic, open: closedDoor }), ports);
    const silent = opened.ok ? opened.value[1] : undefined;
    expect(await silent?.observe(0, 1, open)).toMatchObject({ missing: 'v2 has no address', candidate: { answers: 0 } });
  });

  test('closes the first address when the second cannot be opened, and tells when that fails', async () => {
    const stable = door('v1', failed({ category: 'platform', reason: 'the side endpoint is still there' }));
    const opened = await openSources(
      request({ open: (version) => Promise.resolve(version === 'v1' ? done(stable) : failed({ category: 'platform', reason: 'no' })) }),
      ports,
    );
    expect(stable.closed).toBe(1);
    expect(opened).toMatchObject({ ok: false, problem: { reason: expect.stringContaining('still there') } });
  });
});
