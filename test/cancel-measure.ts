import { execFileSync } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openProject, type Document } from './lab-project.ts';
import type { RunOptions } from './sluice-process.ts';

/** Cancelled is one canary that was ended by SIGINT. */
export interface Cancelled {
  /** ms is how long the gateway's page still showed a share after the signal. */
  readonly ms: number;
  readonly code: number | null;
  readonly reason: Document['reason'];
}

/** pollMs is how exact the times are. */
const pollMs = 5;

/** patience is how long a canary may take to give its first share, and to take it back, on a machine with much else to do. */
const patience = 120_000;

/** cancelledCanaries runs canaries one after the other and sends each SIGINT while half of the users are on its candidate; on a branch each push is held for two seconds. */
export const cancelledCanaries = async (store: 'folder' | 'branch', runs: number, told: (one: Cancelled) => void = () => undefined): Promise<readonly Cancelled[]> => {
  const house = await openProject({ steps: ['50%'], every: '10m', minimum: 5, watch: ['errors'] });
  const all: Cancelled[] = [];
  try {
    const where: RunOptions = store === 'folder' ? {} : { environment: { SLUICE_STATE: '' } };
    const bare = join(house.folder, 'bare.git');
    if (store === 'branch') {
      const file = join(house.folder, 'sluice.yml');
      execFileSync('git', ['init', '--quiet', '--bare', bare]);
      await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), state: { git: 'sluice-state', repository: bare } }));
    }
    for (const step of ['deploy', 'publish-version']) {
      const { code, stderr } = await house.run([step], where);
      if (code !== 0) throw new Error(stderr);
    }
    if (store === 'branch') {
      const hook = join(bare, 'hooks', 'pre-receive');
      await writeFile(hook, '#!/bin/sh\nsleep 2\n');
      await chmod(hook, 0o755);
    }
    const shows = async (weight: number): Promise<void> => {
      const ends = performance.now() + patience;
      for (;;) {
        const page = await (await fetch(`${house.lab.gateway.origin}/sluice/bot-production`)).text();
        if (page.includes(`"weight":${weight},`) || page.includes(`"weight":${weight}}`)) return;
        if (performance.now() > ends) throw new Error(`${weight} % did not come true: ${page}`);
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
    };
    for (let run = 0; run < runs; run += 1) {
      let send: (signal: NodeJS.Signals) => void = () => undefined;
      const ended = house.run(['canary'], { ...where, deadlineMs: 2 * patience, onStart: (given) => { send = given; } });
      await shows(50);
      // A spread of moments: in a push, between two, while answers are waited for.
      await new Promise((resolve) => setTimeout(resolve, (run * 617) % 2500));
      const before = performance.now();
      send('SIGINT');
      await shows(0);
      const ms = performance.now() - before;
      const { code, document } = await ended;
      const one = { ms, code, reason: document.reason };
      all.push(one);
      told(one);
    }
  } finally {
    await house.close();
  }
  return all;
};
