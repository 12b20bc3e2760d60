import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { exitCode, type Category } from '@sluice/core';
import { badFiles, stageIn } from './fuzzed-project.ts';
import { timedRun, type Timed } from './cpu-time.ts';
import { project, sluice } from './sluice-process.ts';
import { throughTheDoor, type Told } from './through-the-door.ts';

/**
 * SLUICE_FUZZ_FILES is how many bad files go through the door that the bundle enters by, in this process, and
 * SLUICE_FUZZ_PROCESSES how many of them are given to the bundle in a process of its own.
 */
const wanted = Number(process.env['SLUICE_FUZZ_FILES'] ?? 120);
const processes = Number(process.env['SLUICE_FUZZ_PROCESSES'] ?? 8);

/** patienceMs is the most CPU time of one file. */
const patienceMs = 1000;

/** hangMs is when a process counts as hung, in wall time: a busy machine may let it wait. */
const hangMs = 20_000;

/** expectJudged checks that a run ended as a judgement of the file: 0, 1 or 2, and a result document that says the same. */
const expectJudged = (number: number, { code, said, document }: Told): void => {
  const { category, reason } = JSON.parse(document) as { category: Category; reason: string };
  expect([number, code, [0, 1, 2].includes(code ?? -1)]).toEqual([number, code, true]);
  expect([number, exitCode(category), reason === '']).toEqual([number, code, false]);
  expect([number, /Sluice itself failed|^ {4}at /m.exec(said)?.[0]]).toEqual([number, undefined]);
};

test(`${wanted} bad files through the door: exit 0, 1 or 2, each within a second`, async () => {
  const folder = await project({});
  const [stage, bad] = [await stageIn(folder), await badFiles()];
  const codes = new Map<string, number>();
  let slowest = { number: 0, ms: 0 };
  for (let number = 0; number < wanted; number += 1) {
    const file = bad(number);
    const config = await stage.put(file);
    const run = async (): Promise<Timed<Told>> => {
      await rm(join(folder, 'results'), { recursive: true, force: true });
      return timedRun(() => throughTheDoor(['validate', config], folder));
    };
    const once = await run();
    // Collecting garbage counts wherever it falls, and so does a core that is shared: slow is what is so three times.
    const ms = once.ms < patienceMs ? once.ms : Math.min(once.ms, (await run()).ms, (await run()).ms);
    const told = once.value;
    if (ms > slowest.ms && number > 0) slowest = { number, ms };
    expectJudged(number, told);
    const key = `${file.path} ${told.code}`;
    codes.set(key, (codes.get(key) ?? 0) + 1);
    await stage.restore(file);
  }
  if (process.env['SLUICE_SHOW'] !== undefined) process.stdout.write(`${wanted} files through the door: ${[...codes].toSorted().map(([key, count]) => `${key}: ${count}`).join(', ')}; slowest ${slowest.number}: ${slowest.ms.toFixed(0)} ms of CPU time\n`);
  expect([slowest.number, slowest.ms < patienceMs]).toEqual([slowest.number, true]);
  expect(codes.get('app.yml 1')).toBeGreaterThan(wanted / 5);
  expect(codes.get('sluice.yml 2')).toBeGreaterThan(0);
}, 7_200_000);

test(`${processes} of them by the bundle itself`, async () => {
  const folder = await project({});
  const [stage, bad] = [await stageIn(folder), await badFiles()];
  let slowest = 0;
  for (let at = 0; at < processes; at += 1) {
    const number = at * 47;
    const file = bad(number);
    const config = await stage.put(file);
    await rm(join(folder, 'results'), { recursive: true, force: true });
    const { code, stdout, stderr, durationMs } = await sluice(['validate', config], { folder, environment: { SLUICE_RESULTS: join(folder, 'results') }, deadlineMs: hangMs });
    slowest = Math.max(slowest, durationMs);
    expectJudged(number, { code, said: stdout + stderr, document: await readFile(join(folder, 'results/01-validate.json'), 'utf8') });
    await stage.restore(file);
  }
  if (process.env['SLUICE_SHOW'] !== undefined) process.stdout.write(`${processes} files by the bundle: slowest ${slowest.toFixed(0)} ms of wall time\n`);
}, 7_200_000);
