// Measures how often canaries are wrong, ours by its own code and others by their documented rules, and writes docs/canary-scoreboard.md.
//   node scripts/canary-scoreboard.js [--rollouts 10000] [--workers 2] [--out docs/canary-scoreboard.md]
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cells } from './canary-scoreboard/cells.js';
import { page } from './canary-scoreboard/page.js';
import { runAll } from './canary-scoreboard/pool.js';
import { rivals } from './canary-scoreboard/rivals.js';
import { emitRollout } from './canary-scoreboard/rollout-room.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const { values } = parseArgs({
  options: {
    rollouts: { type: 'string', default: '10000' },
    workers: { type: 'string', default: String(availableParallelism()) },
    out: { type: 'string', default: join(root, 'docs', 'canary-scoreboard.md') },
  },
});

const rollouts = Number(values.rollouts);
const started = performance.now();
const { url, remove } = emitRollout();
try {
  const jobs = cells(Object.keys(rivals)).map((cell) => ({ ...cell, rollouts }));
  const say = (done, all) => done % 25 === 0 && process.stderr.write(`${done} of ${all} cells, ${Math.round((performance.now() - started) / 1000)} s\n`);
  const results = await runAll(jobs, Number(values.workers), { url, coreUrl: url.replace(/rollout$/, 'core') }, say);
  const { text, missed } = page(jobs.map((job, index) => ({ ...job, result: results[index] })), rollouts);
  writeFileSync(values.out, text);
  process.stderr.write(`${jobs.length} cells of ${rollouts} rollouts in ${Math.round((performance.now() - started) / 1000)} s; ${missed.length === 0 ? 'all targets met' : `missed: ${missed.join('; ')}`}\n`);
  process.exitCode = missed.length === 0 ? 0 : 1;
} finally {
  remove();
}
