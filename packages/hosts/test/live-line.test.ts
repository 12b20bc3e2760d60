import { describe, expect, test } from '@jest/globals';
import { displayWidth, graphemesOf, type Clock, type Progress } from '@sluice/core';
import fc from 'fast-check';
import { barText, fitColumns, liveLine } from '../src/bar.ts';
import { detectHost } from '../src/index.ts';
import { capture, result } from './fakes.ts';

/** alarmClock moves when it is told to, and wakes those whose time has come. */
const alarmClock = (): Clock & { advance(milliseconds: number): Promise<void>; sleeping(): number } => {
  let now = 0;
  let sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  return {
    factor: 1,
    now: () => now,
    elapsed: () => now,
    sleep: (milliseconds, signal) =>
      new Promise((resolve) => {
        const sleeper = { at: now + milliseconds, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          resolve();
        });
      }),
    sleeping: () => sleepers.length,
    advance: async (milliseconds) => {
      now += milliseconds;
      const due = sleepers.filter(({ at }) => at <= now);
      sleepers = sleepers.filter(({ at }) => at > now);
      for (const { wake } of due) wake();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
};

/** screenOf is what a terminal of some columns shows: it wraps, and knows a return, a line break, colours and how to clear a line. */
const screenOf = (text: string, columns: number): readonly string[] => {
  const rows: string[][] = [[]];
  let column = 0;
  const row = (): string[] => rows.at(-1) ?? [];
  const newRow = (): void => {
    rows.push([]);
    column = 0;
  };
  for (const part of text.split(/(\r|\n|\u001B\[2K|\u001B\[\d+m)/)) {
    if (part === '\r') column = 0;
    else if (part === '\n') newRow();
    else if (part === '\u001B[2K') row().length = 0;
    else if (!/^\u001B\[\d+m$/.test(part)) {
      for (const grapheme of graphemesOf(part)) {
        const width = displayWidth(grapheme);
        if (column + width > columns) newRow();
        for (let at = 0; at < width; at += 1) row()[column + at] = at === 0 ? grapheme : '';
        column += width;
      }
    }
  }
  return rows.map((cells) => Array.from(cells, (cell) => cell ?? ' ').join(''));
};

const progress = (share: number, text: string): Progress => ({ label: 'canary at 5 %', share, text });

const open = async (columns: number) => {
  const streams = { stdout: capture({ columns }), stderr: capture({ columns }) };
  const clock = alarmClock();
  const host = await detectHost({}, streams, { folder: '.', clock });
  return { host, clock, stdout: streams.stdout, screen: () => screenOf(streams.stdout.text(), columns) };
};

describe('the line of a terminal', () => {
  test('is redrawn in place, at most ten times a second', async () => {
    const { host, clock, stdout, screen } = await open(60);
    for (let step = 0; step < 1000; step += 1) {
      host.progress({ label: '金丝雀 25 %', share: step / 1000, text: `${step} 个回答` });
      await clock.advance(10);
    }
    const draws = stdout.text().split('\r\u001B[2K').filter((draw) => draw !== '');
    expect(draws.length).toBeLessThanOrEqual(102);
    expect(draws.length).toBeGreaterThan(90);
    expect(screen()).toEqual([expect.stringMatching(/^金丝雀 25 % {2}\[#{24}\] {2}99\d 个回答$/)]);
  });

  test('shows the last of what came too fast, also when nothing comes after it', async () => {
    const { host, clock, screen } = await open(60);
    host.progress(progress(0.1, 'first'));
    host.progress(progress(0.2, 'second'));
    host.progress(progress(0.3, 'third'));
    expect(screen()).toEqual([expect.stringContaining('first')]);
    await clock.advance(100);
    expect(screen()).toEqual([expect.stringContaining('third')]);
  });

  test('keeps no timer when it has ended', async () => {
    const { host, clock } = await open(60);
    host.progress(progress(0.1, 'first'));
    host.progress(progress(0.2, 'second'));
    expect(clock.sleeping()).toBe(1);
    await host.close();
    expect(clock.sleeping()).toBe(0);
  });

  test('stays below what is written, and goes when the step ends', async () => {
    const { host, clock, screen } = await open(60);
    host.stepStarted('canary');
    host.log('evidence: logs');
    expect(screen()).toEqual(['evidence: logs', 'canary …']);
    host.progress(progress(0.5, '31 of 60'));
    host.stepEnded(result({ step: 'canary' }));
    await clock.advance(1000);
    host.log('next');
    await host.close();
    expect(screen()).toEqual(['evidence: logs', 'canary passed in 3.2 s: the draft holds the source', 'next', '']);
  });

  test('leaves nothing behind when the terminal shows ^C after it, at any width', async () => {
    for (const columns of [20, 40, 60, 100]) {
      const { host, stdout, screen } = await open(columns);
      host.progress(progress(0.5, '14 个新版本的回答，'.repeat(20)));
      stdout.write('^C');
      host.stepEnded(result({ step: 'a', status: 'cancelled', category: 'cancelled', reason: '', durationMs: 1 }));
      expect(screen().slice(0, -1).join('')).toBe('a cancelled in 1 ms');
    }
  });

  test('that is not shown is not taken away', () => {
    const writer = capture({ columns: 80 });
    const line = liveLine(writer, alarmClock());
    line.end();
    line.above(() => undefined);
    expect(writer.text()).toBe('');
  });

  test('never damages a line of the log, whatever comes in whatever order', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', ' ', '中', '，', '🛟', 'é', '한') });
    const act = fc.oneof(
      fc.record({ kind: fc.constant('log' as const), text }),
      fc.record({ kind: fc.constant('show' as const), text }),
      fc.record({ kind: fc.constant('start' as const), text }),
      fc.record({ kind: fc.constant('wait' as const), text }),
      fc.record({ kind: fc.constant('end' as const), text: fc.constant('') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 20 }), fc.integer({ min: 16, max: 120 }), async (acts, columns) => {
        const { host, clock, screen } = await open(columns);
        const logged: string[] = [];
        for (const { kind, text: content } of acts) {
          if (kind === 'log') host.log(content);
          if (kind === 'log') logged.push(content);
          if (kind === 'show') host.progress(progress(0.4, content));
          if (kind === 'start') host.stepStarted(content);
          if (kind === 'wait') await clock.advance(70);
          if (kind === 'end') host.stepEnded(result({ step: 'x', reason: '' }));
          if (kind === 'end') logged.push('x passed in 3.2 s');
        }
        await host.close();
        expect(screen()).toEqual(screenOf([...logged, ''].join('\n'), columns));
      }),
      { seed: 21, numRuns: 200 },
    );
  });
});

describe('a bar', () => {
  test.each([
    [100, 'canary at 5 %  [############------------]  14 answers of the candidate, 14 of stable'],
    [70, 'canary at 5 %  [#####-----]  14 answers of the candidate, 14 of stable'],
    [60, 'canary at 5 %  [####----]  14 answers of the candidate, 14…'],
    [20, 'canary at 5 %  [###…'],
    [0, ''],
  ])('in %d columns gives way to the text', (columns, line) => {
    const drawn = barText({ label: 'canary at 5 %', share: 0.5, text: '14 answers of the candidate, 14 of stable' }, columns);
    expect(drawn).toBe(line);
  });

  test('fits any width and is never wider than the terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.option(fc.double({ noNaN: true }), { nil: undefined }), fc.integer({ min: -3, max: 120 }), (text, share, columns) => {
        const drawn = barText({ label: '中文', ...(share === undefined ? {} : { share }), text }, columns);
        expect(displayWidth(drawn)).toBeLessThanOrEqual(Math.max(0, columns));
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  test.each([['中文客服', 5, '中文…'], ['中文客服', 8, '中文客服'], ['中文客服', 7, '中文客…'], ['a b', 2, 'a…'], ['abc', 1, '…']])('%s in %d columns is %s', (line, columns, fitted) => {
    expect(fitColumns(line, columns)).toBe(fitted);
  });
});
