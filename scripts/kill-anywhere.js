// Kills runs of the bundle with SIGKILL at many points, each with one later run, and says how many ended wrong.
//   node scripts/kill-anywhere.js [--points 1000] [--seed 1] [--minutes 60] [--kind both|event|time] [--out kills.jsonl]
// The same seed gives the same commands and points; the moments of a busy machine are its own. dist/ must be fresh.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '60' },
    kind: { type: 'string', default: 'both' },
    out: { type: 'string', default: join(tmpdir(), `sluice-kills-${process.pid}.jsonl`) },
  },
});

const out = resolve(values.out);
rmSync(out, { force: true });
const environment = { SLUICE_KILL_POINTS: values.points, SLUICE_KILL_SEED: values.seed, SLUICE_KILL_MINUTES: values.minutes, SLUICE_KILL_KIND: values.kind, SLUICE_KILL_RESULTS: out };
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const { status } = spawnSync(process.execPath, ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jest, 'test/kill-anywhere.test.ts'], { cwd: root, stdio: 'inherit', env: { ...process.env, ...environment } });

const lines = existsSync(out) ? readFileSync(out, 'utf8').trim().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line)) : [];
const count = (holds) => lines.filter(holds).length;
const rows = ['agentrun', 'dify'].flatMap((platform) => ['event', 'time'].map((kind) => {
  const here = (line) => line.platform === platform && line.kind === kind;
  return `| ${platform} | ${kind} | ${count(here)} | ${count((line) => here(line) && line.killed)} | ${count((line) => here(line) && line.continued)} | ${count((line) => here(line) && line.wrong.length > 0)} |`;
}));
process.stdout.write(`${['| platform | killed at | points | died | went on with its evidence | wrong |', '|---|---|---|---|---|---|', ...rows].join('\n')}\n`);
for (const line of lines.filter(({ wrong }) => wrong.length > 0)) process.stdout.write(`${JSON.stringify(line)}\n`);
process.exitCode = status ?? 1;
