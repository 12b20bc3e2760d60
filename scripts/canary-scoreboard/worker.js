// Runs cells: many rollouts of one rule in one scenario.
import { parentPort, workerData } from 'node:worker_threads';
import { ours } from './ours.js';
import { seeded } from './random.js';
import { rivals } from './rivals.js';
import { world } from './worlds.js';

const { url, coreUrl } = workerData;
const room = { rollout: await import(`${url}/index.js`), defaults: (await import(`${coreUrl}/index.js`)).defaultCanaryPlan };

const seedOf = (text) => [...text].reduce((hash, letter) => Math.imul(hash ^ letter.codePointAt(0), 16_777_619), 2_166_136_261);

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;

/** cell runs one cell; its seed is made of what it is, so that adding a cell changes no other. */
const cell = ({ rule, settings, scenario, rollouts }) => {
  const run = settings === undefined ? rivals[rule] : ours(room, settings);
  const next = seeded(seedOf(JSON.stringify([rule, settings ?? null, scenario])));
  const ends = { abort: [], promote: [], inconclusive: [] };
  let exposed = 0;
  let asked = 0;
  let held = 0;
  let inTime = 0;
  let early = 0;
  for (let count = 0; count < rollouts; count += 1) {
    const end = run(scenario, world(scenario, next), next);
    ends[end.verdict].push(end.minute);
    exposed += end.exposed;
    asked += end.asked;
    held += end.held > 0 ? 1 : 0;
    if (end.verdict === 'abort' && end.minute <= 30) inTime += 1;
    if (end.verdict === 'promote' && end.minute < 30) early += 1;
  }
  for (const minutes of Object.values(ends)) minutes.sort((one, other) => one - other);
  const share = (minutes) => minutes.length / rollouts;
  const mean = (minutes) => minutes.reduce((sum, minute) => sum + minute, 0) / minutes.length;
  return {
    rollouts,
    abort: share(ends.abort),
    inTime: inTime / rollouts,
    promote: share(ends.promote),
    early: early / rollouts,
    inconclusive: share(ends.inconclusive),
    held: held / rollouts,
    exposed: exposed / rollouts,
    asked: asked / rollouts,
    abortMinute: quantile(ends.abort, 0.5),
    promoteMinute: quantile(ends.promote, 0.5),
    promoteMean: ends.promote.length === 0 ? null : mean(ends.promote),
  };
};

parentPort.on('message', (job) => parentPort.postMessage({ index: job.index, result: cell(job) }));
