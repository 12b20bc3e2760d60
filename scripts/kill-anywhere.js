// Kills runs of the bundle with SIGKILL at many points, each with one later run, and says how many ended wrong.
//   node scripts/kill-anywhere.js [--points 1000] [--seed 1] [--minutes 60] [--together 4] [--kind both|event|time] [--out kills.jsonl]
// The same seed gives the same commands and points; the moments of a busy machine are its own. dist/ must be fresh.
// Exit 1 when a point ended wrong, or fewer were reached than were asked for.
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
    together: { type: 'string', default: '4' },
    kind: { type: 'string', default: 'both' },
    out: { type: 'string', default: join(tmpdir(), `sluice-kills-${process.pid}.jsonl`) },
  },
});

const out = resolve(values.out);
rmSync(out, { force: true });
const started = performance.now();
const environment = { SLUICE_KILL_POINTS: values.points, SLUICE_KILL_SEED: values.seed, SLUICE_KILL_MINUTES: values.minutes, SLUICE_KILL_KIND: values.kind, SLUICE_KILL_TOGETHER: values.together, SLUICE_KILL_RESULTS: out };
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const { status } = spawnSync(process.execPath, ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jest, '--forceExit', 'test/kill-anywhere.test.ts'], { cwd: root, stdio: 'inherit', env: { ...process.env, ...environment } });
const minutes = ((performance.now() - started) / 60_000).toFixed(1);

const lines = existsSync(out) ? readFileSync(out, 'utf8').trim().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line)) : [];
const about = (line, word) => line.wrong.some((one) => one.startsWith(`${word}:`));
const columns = {
  points: () => true,
  died: (line) => line.killed,
  'went on with its evidence': (line) => line.continued,
  stranded: (line) => about(line, 'stranded'),
  'published twice': (line) => about(line, 'published'),
  'state different': (line) => about(line, 'state'),
  'record unreadable': (line) => about(line, 'unreadable'),
  'other failure': (line) => about(line, 'ended'),
};
const count = (among, holds) => among.filter(holds).length;
const rows = ['agentrun', 'dify'].flatMap((platform) => ['folder', 'git'].flatMap((store) => ['event', 'time'].map((kind) => {
  const here = lines.filter((line) => line.platform === platform && line.store === store && line.kind === kind);
  return `| ${platform} | ${store} | ${kind} | ${Object.values(columns).map((holds) => count(here, holds)).join(' | ')} |`;
})));
process.stdout.write(`${[`| platform | record in | killed at | ${Object.keys(columns).join(' | ')} |`, `|---|---|---|${'---|'.repeat(Object.keys(columns).length)}`, ...rows].join('\n')}\n`);
for (const line of lines.filter(({ wrong }) => wrong.length > 0)) process.stdout.write(`${JSON.stringify(line)}\n`);
process.stdout.write(`${Object.entries(columns).map(([name, holds]) => `${name} ${count(lines, holds)}`).join(', ')}; seed ${values.seed}, ${minutes} minutes\n`);
process.exitCode = status === 0 && lines.length >= Number(values.points) ? 0 : 1;
