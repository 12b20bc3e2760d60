/* How long users stay on a candidate after SIGINT, with the record in a folder, and on a branch whose hook takes two seconds. */
import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openProject, until } from './lab-project.ts';
import type { RunOptions } from './sluice-process.ts';

const runs = Number(process.env['SLUICE_CANCEL_RUNS'] ?? 3);
const log = process.env['SLUICE_CANCEL_RESULTS'];

const measured = async (store: 'folder' | 'branch'): Promise<readonly number[]> => {
  const house = await openProject({ steps: ['50%'], every: '10m', minimum: 5, watch: ['errors'] });
  const times: number[] = [];
  try {
    const where: RunOptions = store === 'folder' ? {} : { environment: { SLUICE_STATE: '' } };
    if (store === 'branch') {
      const [bare, file] = [join(house.folder, 'bare.git'), join(house.folder, 'sluice.yml')];
      execFileSync('git', ['init', '--quiet', '--bare', bare]);
      await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), state: { git: 'sluice-state', repository: bare } }));
    }
    for (const step of ['deploy', 'publish-version']) expect((await house.run([step], where)).code).toBe(0);
    if (store === 'branch') {
      const hook = join(house.folder, 'bare.git', 'hooks', 'pre-receive');
      await writeFile(hook, '#!/bin/sh\nsleep 2\n');
      await chmod(hook, 0o755);
    }
    const page = async (): Promise<string> => (await fetch(`${house.lab.gateway.origin}/sluice/bot-production`)).text();
    for (let run = 0; run < runs; run += 1) {
      let send: (signal: NodeJS.Signals) => void = () => undefined;
      const ended = house.run(['canary'], { ...where, onStart: (given) => { send = given; } });
      await until('half of the users on the candidate', async () => (await page()).includes('"weight":50'));
      // A spread of moments: in a push, between two, while answers are waited for.
      await new Promise((resolve) => setTimeout(resolve, (run * 617) % 2500));
      const before = performance.now();
      send('SIGINT');
      while (!(await page()).includes('"weight":0')) await new Promise((resolve) => setTimeout(resolve, 5));
      times.push(performance.now() - before);
      if (log !== undefined) appendFileSync(log, `${JSON.stringify({ store, ms: times.at(-1) })}\n`);
      const { code, document } = await ended;
      expect({ code, reason: document.reason }).toMatchObject({ code: 130, reason: expect.stringMatching(/all traffic is back on .*, read back from what answers users/) });
    }
  } finally {
    await house.close();
  }
  return times;
};

test.each(['folder', 'branch'] as const)('SIGINT with the record in a %s: users have stable again within three seconds, and never later than a runner waits', async (store) => {
  const times = [...(await measured(store))].sort((one, other) => one - other);
  expect(times[Math.floor(times.length / 2)]).toBeLessThan(3000);
  // GitHub's runner leaves 7.5 s between its two signals.
  expect(times.at(-1)).toBeLessThan(7500);
}, 3_600_000);
