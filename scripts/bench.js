// Measures what the documentation states, side by side in one run, and writes docs/benchmarks.md.
// CPU time is user + system of the child process, the lowest of many runs; ratios compare rows of the same run.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { agentrunCanary } from './bench-agentrun.js';
import { difyRelease } from './bench-dify.js';
import { difyLint } from './bench-dify-lint.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bundle = join(root, 'dist', 'index.js');
const rounds = 25;

// `npm run bench -- canary-scoreboard` measures that alone, and writes docs/canary-scoreboard.md.
if (process.argv[2] === 'canary-scoreboard') {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'canary-scoreboard.js'), ...process.argv.slice(3)], { stdio: 'inherit' });
  process.exit(status ?? 1);
}

// `npm run bench -- validate` measures that alone, and puts its section into docs/benchmarks.md.
if (process.argv[2] === 'validate') {
  const page = join(root, 'docs', 'benchmarks.md');
  const section = await difyLint();
  const before = readFileSync(page, 'utf8');
  const old = /^## Linting Dify apps$[^]*?(?=^## )/m;
  writeFileSync(page, old.test(before) ? before.replace(old, () => `${section}\n`) : before.replace(/^(?=## Weights on AgentRun$)/m, () => `${section}\n`));
  console.log(section);
  process.exit();
}

const temporary = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }));

const environment = { PATH: process.env.PATH, HOME: process.env.HOME, SLUICE_RESULTS: join(temporary, 'results') };
const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/** cpuMs is the CPU time of a whole process, from its start to its very end, as the shell's own `time` counts it. */
const cpuMs = (options) => {
  const line = [process.execPath, ...options].map(quoted).join(' ');
  const child = spawnSync('bash', ['-c', `TIMEFORMAT='%U %S'; time ${line} >/dev/null 2>/dev/null`], { cwd: root, encoding: 'utf8', env: environment });
  if (child.status !== 0) throw new Error(`${line} ended with ${child.status}`);
  const [user, system] = child.stderr.trim().split(' ').map(Number);
  return (user + system) * 1000;
};

/** peakMb is a process's peak memory, which it reports itself at its exit. */
const peakMb = (options) => {
  const child = spawnSync(process.execPath, ['--require', join(root, 'scripts', 'measure.cjs'), ...options], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: environment,
  });
  if (child.status !== 0) throw new Error(`${options.join(' ')} ended with ${child.status}`);
  return JSON.parse(String(child.output[3])).peakMb;
};

/** readsTwoFiles is a script that lets the yaml library read what `validate` reads, and does nothing else. */
const readsTwoFiles = `const { readFileSync } = require('node:fs');
const { parseDocument } = require(${JSON.stringify(join(root, 'node_modules', 'yaml'))});
for (const file of ['examples/support-bot/sluice.yml', 'examples/support-bot/app/support-bot.yml']) parseDocument(readFileSync(file, 'utf8')).toJS();
`;

const installed = join(temporary, 'installed.cjs');
writeFileSync(installed, readsTwoFiles);
const ncc = join(root, 'node_modules', '@vercel', 'ncc', 'dist', 'ncc', 'cli.js');
execFileSync(process.execPath, [ncc, 'build', installed, '--out', join(temporary, 'bundled'), '--minify', '--no-cache', '--quiet']);
const bundled = join(temporary, 'bundled', readdirSync(join(temporary, 'bundled')).find((name) => /^index\.c?js$/.test(name)));

const asInstalled = 'the yaml library as installed reads the two files, nothing else';
const asBundled = 'the same, bundled by ncc like ours';
const cases = {
  'node -e 0': ['-e', '0'],
  [asInstalled]: [installed],
  [asBundled]: [bundled],
  'validate examples/support-bot': [bundle, 'validate', 'examples/support-bot'],
  'sluice version': [bundle, 'version'],
};

const samples = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
for (let round = 0; round < rounds; round += 1) {
  for (const [name, options] of Object.entries(cases)) samples[name].push(cpuMs(options));
}
const cpu = Object.fromEntries(Object.entries(samples).map(([name, rows]) => [name, Math.min(...rows)]));
const bare = cpu['node -e 0'];
/** withoutParse is `validate` without what a script that only parses costs over bare node, in units of bare node. */
const withoutParse = (script) => (cpu['validate examples/support-bot'] - (cpu[script] - bare)) / bare;

const started = performance.now();
const rehearsalMb = peakMb([bundle, 'rehearse']);
const rehearsalSeconds = (performance.now() - started) / 1000;

const archive = execFileSync('bash', ['-c', 'git archive HEAD | gzip | wc -c'], { cwd: root, encoding: 'utf8' }).trim();
const chunks = readdirSync(join(root, 'dist')).filter((name) => name.endsWith('.js'));

/** Chunks below this size cost less than the measurement's noise. */
const worthMeasuring = 20_000;
const chunkLoads = chunks
  .filter((name) => name !== 'index.js' && statSync(join(root, 'dist', name)).size >= worthMeasuring)
  .map((name) => {
    const script = `require(${JSON.stringify(join(root, 'dist', name))})`;
    const ms = Math.min(...Array.from({ length: 7 }, () => cpuMs(['-e', script])));
    return { name, bytes: statSync(join(root, 'dist', name)).size, ms: ms - bare };
  });

const fixed = (value, digits = 1) => value.toFixed(digits);
const text = `# Benchmarks

Made by \`npm run bench\`. Machine: ${cpus().length} × ${cpus()[0].model}, Node ${process.versions.node}. Times are CPU time (user + system), the lowest of ${rounds} runs taken in turn; compare rows, not machines.

## Start-up

| command | CPU ms | × bare node |
| --- | --- | --- |
${Object.entries(cpu).map(([name, ms]) => `| \`${name}\` | ${fixed(ms)} | ${fixed(ms / bare, 2)} |`).join('\n')}

\`validate\` without the parse itself, in units of bare node:

| what is taken off | ratio |
| --- | --- |
| the yaml library as installed reads the two files (target: at most 1.6) | **${fixed(withoutParse(asInstalled), 2)}** |
| the same library in a bundle of its own, which starts faster: a stricter view | ${fixed(withoutParse(asBundled), 2)} |

On Node 20 \`validate\` asks V8 to optimise functions later than it does by itself; the scripts that only parse do not.

Chunks of the bundle. \`index.js\` (${Math.round(statSync(bundle).size / 1000)} kB) is always read; the others only when a command needs them. The time is for loading the chunk's file alone; chunks below 20 kB are left out.

| chunk | kB | CPU ms over bare node |
| --- | --- | --- |
${chunkLoads.map(({ name, bytes, ms }) => `| \`${name}\` | ${Math.round(bytes / 1000)} | ${fixed(ms)} |`).join('\n')}

## Download

\`git archive HEAD | gzip | wc -c\`: **${archive} bytes** (target: at most 1,500,000); tests are no part of the archive (.gitattributes).

## Rehearsal

\`node dist/index.js rehearse\`: **${fixed(rehearsalSeconds)} s** wall time (target: at most 20), **${fixed(rehearsalMb, 0)} MB** peak memory (target: at most 200).

${await difyRelease()}
${await difyLint()}
${await agentrunCanary()}`;
writeFileSync(join(root, 'docs', 'benchmarks.md'), text);
console.log(text);
