// Measures how long users stay on a candidate after SIGINT, with the record in a folder and, side by side with it, on a
// branch whose hook holds each push for two seconds. dist/ must be fresh, and the machine otherwise idle.
//   node scripts/cancel-times.js [--runs 200] [--out cancels.jsonl]
// Half of the runs are with each store. Exit 1 when the 99th percentile of either is three seconds or more.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const limitMs = 3000;

const { values } = parseArgs({ options: { runs: { type: 'string', default: '200' }, out: { type: 'string', default: join(tmpdir(), `sluice-cancels-${process.pid}.jsonl`) } } });

const out = resolve(values.out);
rmSync(out, { force: true });
const each = Math.max(1, Math.ceil(Number(values.runs) / 2));
const load = loadavg()[0] ?? 0;
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const environment = { SLUICE_CANCEL_RUNS: String(each), SLUICE_CANCEL_RESULTS: out };
const { status } = spawnSync(process.execPath, ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jest, '--forceExit', 'test/cancel-times.test.ts'], { cwd: root, stdio: 'inherit', env: { ...process.env, ...environment } });

const lines = existsSync(out) ? readFileSync(out, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line)) : [];
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
let late = false;
const rows = ['folder', 'branch', 'both'].map((store) => {
  const times = lines.filter((line) => store === 'both' || line.store === store).map(({ ms }) => ms).sort((one, other) => one - other);
  if (times.length === 0) return `| ${store} | 0 | | | |`;
  late ||= at(times, 0.99) >= limitMs;
  return `| ${store} | ${times.length} | ${[at(times, 0.5), at(times, 0.99), at(times, 1)].map((ms) => `${Math.round(ms)} ms`).join(' | ')} |`;
});
process.stdout.write(`${['| record in | runs | p50 | p99 | longest |', '|---|---|---|---|---|', ...rows].join('\n')}\nload average at the start ${load.toFixed(1)}\n`);
process.exitCode = status === 0 && !late && lines.length === 2 * each ? 0 : 1;
