// Measures the same change of an endpoint's weights twice in turn, on one lab: by the product's `canary --mode set`, which
// reads before and reads back after, and by the real Serverless Devs CLI, which does neither. Both are whole processes.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, root, runScript } from './compile.js';

const rounds = 5;
const latencies = [0, 50];
const require = createRequire(import.meta.url);
const run = promisify(execFile);
const yaml = `edition: 3.0.0
name: bench
resources:
  agent:
    component: agentrun@1.0.12
    props:
      region: cn-hangzhou
      agent: { name: order-agent, cpu: 1, memory: 2048, port: 9000, customContainerConfig: { image: "registry.example.com/agent:1" } }
`;

/** openLab starts the lab's process; `ask` gives the routing and the calls since it was last asked. */
const openLab = async (latencyMs) => {
  const child = fork(join(root, 'scripts', 'bench-agentrun-lab.js'), [String(latencyMs)]);
  const [described] = await once(child, 'message');
  const ask = async () => {
    child.send({});
    return (await once(child, 'message'))[0];
  };
  return { ...described, ask, close: () => child.disconnect() };
};

/**
 * real is a folder with the real component's built `dist`, which takes the lab's host from a file `lab.json` beside it
 * (docs/compatibility.md says what has to be changed for that); the benchmark then measures that one, too.
 */
const real = process.env.SLUICE_BENCH_COMPONENT;

/** seed lays a component into the CLI's cache, so that nothing is downloaded. Ours sends what the real one sends and is lighter. */
const seed = (home, control, component) => {
  const folder = join(home, '.s', 'components', 'devsapp.cn', 'v3', 'agentrun@1.0.12');
  mkdirSync(join(folder, 'dist'), { recursive: true });
  writeFileSync(join(home, '.s', 'set-config.yml'), 'analysis: disable\nlog: disable\n');
  writeFileSync(join(folder, 'package.json'), '{"name":"agentrun","main":"dist/index.js"}');
  writeFileSync(join(folder, 'publish.yaml'), 'Edition: 3.0.0\nType: Component\nName: agentrun\nVersion: 1.0.12\n');
  writeFileSync(join(folder, '.s.lock'), '{"version":"1.0.12","lastUpdateCheck":4102444800000}');
  if (component === 'real component') cpSync(real, join(folder, 'dist'), { recursive: true });
  else cpSync(join(root, 'test', 'engines', 's-cli-component.cjs'), join(folder, 'dist', 'index.js'));
  writeFileSync(join(folder, 'dist', 'lab.json'), JSON.stringify({ host: new URL(control).host }));
  writeFileSync(join(folder, 'dist', 'config.json'), JSON.stringify({ mode: 'deploy', control, sdk: require.resolve('@alicloud/openapi-core'), tea: require.resolve('@darabonba/typescript') }));
};

/** openProject writes a project and gives the two command lines that set the weight of version 2, and the one that takes it away. */
const openProject = (folder, component, { control, data, accountId, credentials: { accessKeyId, accessKeySecret } }) => {
  const production = { agentrun: { endpoint: 'production', control, data } };
  writeFileSync(join(folder, 'sluice.yml'), JSON.stringify({ name: 'bench', source: 's.yaml', environments: { production } }));
  writeFileSync(join(folder, 's.yaml'), yaml);
  seed(folder, control, component);
  const environment = { PATH: process.env.PATH, HOME: folder };
  const ours = { ...environment, ALIBABA_CLOUD_ACCESS_KEY_ID: accessKeyId, ALIBABA_CLOUD_ACCESS_KEY_SECRET: accessKeySecret, SLUICE_STATE: join(folder, 'state'), SLUICE_RESULTS: join(folder, 'results') };
  const theirs = { ...environment, SERVERLESS_DEVS_CICD: '1', serverless_devs_config_home: folder, bench_serverless_devs_key: JSON.stringify({ AccountID: accountId, AccessKeyID: accessKeyId, AccessKeySecret: accessKeySecret }) };
  const canary = (...options) => run(process.execPath, [join(root, 'dist', 'index.js'), 'canary', ...options], { cwd: folder, env: ours });
  const publish = ['endpoint', 'publish', '--endpoint-name', 'production', '--target-version', '1', '--canary-version', '2'];
  return {
    ours: (weight) => canary('--mode', 'set', '--weight', `${weight}%`, '--candidate', '2'),
    theirs: (weight) => run(process.execPath, [join(root, 'node_modules', '@serverless-devs', 's', 'bin', 's'), ...publish, '--weight', String(weight / 100), '-t', 's.yaml', '-a', 'bench_serverless_devs_key', '--silent', '--output', 'json'], { cwd: folder, env: theirs }),
    back: () => canary('--mode', 'abort'),
  };
};

/** timed is the wall time of one change, in milliseconds, after which the lab must have the weight, in per cent. */
const timed = async (lab, work, weight) => {
  await lab.ask();
  const begun = performance.now();
  await work(weight);
  const ms = performance.now() - begun;
  const { routing: { versionWeights: [stored] }, calls } = await lab.ask();
  if (stored?.version !== '2' || Math.round(stored.weight * 1e4) !== weight * 100) throw new Error(`the weight ${weight} was not set`);
  return { ms, requests: calls.length };
};

const median = (list) => [...list].sort((one, other) => one - other)[Math.floor(list.length / 2)];

/** rowOf is one line of the table: medians of the pairs. */
const rowOf = (what, latencyMs, pairs) => {
  const ms = (side) => median(pairs.map((pair) => pair[side].ms)).toFixed(0);
  const [{ ours, theirs }] = pairs;
  return `| ${what} | ${latencyMs} | ${ms('ours')} (${ours.requests}) | ${ms('theirs')} (${theirs.requests}) | **${median(pairs.map((pair) => pair.ours.ms / pair.theirs.ms)).toFixed(2)}** |`;
};

/** measured are the two rows of one component at one latency. */
const measured = async (component, latencyMs) => {
  const lab = await openLab(latencyMs);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-agentrun-'));
  try {
    const { ours, theirs, back } = openProject(folder, component, lab);
    const [first, next] = [[], []];
    for (let round = 1; round <= rounds; round += 1) {
      const pair = {};
      for (const [side, work] of Object.entries(round % 2 === 0 ? { ours, theirs } : { theirs, ours })) {
        pair[side] = { first: await timed(lab, work, 5 * round), next: await timed(lab, work, 5 * round + 1) };
        await back();
      }
      first.push({ ours: pair.ours.first, theirs: pair.theirs.first });
      next.push({ ours: pair.ours.next, theirs: pair.theirs.next });
    }
    return [rowOf(`first share, ${component}`, latencyMs, first), rowOf(`another share, ${component}`, latencyMs, next)];
  } finally {
    lab.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

/** clientParts are what a caller of AgentRun needs: its OpenAPI, and asking an agent; credentials are the ways to get some. */
const clientParts = ['server/api.js', 'server/client.js', 'server/wait.js', 'server/ask.js', 'server/caller.js'];
const credentialParts = ['address', 'answer', 'assume-role', 'chain', 'instance', 'names', 'oidc', 'oidc-refusal', 'own-host', 'policy', 'session', 'stored', 'sts', 'token'].map((name) => `credentials/${name}.js`);

/** sizeOf is how large some modules of the AgentRun room are in a bundle of their own, in kB, without the core and zod. */
const sizeOf = (name, parts) => {
  const folder = join(build, 'agentrun-size');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, `${name}.js`), parts.map((part) => `export * from '../packages/agentrun/src/${part}';\n`).join(''));
  runScript(join(root, 'node_modules', '@vercel', 'ncc', 'dist', 'ncc', 'cli.js'), 'build', join(folder, `${name}.js`), '--out', join(folder, name), '--minify', '--no-cache', '--quiet', '-e', '@sluice/core', '-e', 'zod/mini');
  return (statSync(join(folder, name, 'index.js')).size / 1000).toFixed(1);
};

const sizes = () => `## Client of AgentRun

Bundled alone and minified as the product is, without the core and zod: **${sizeOf('client', clientParts)} kB** for AgentRun's OpenAPI and for asking agents (target: at most 40), ${sizeOf('all', [...clientParts, ...credentialParts])} kB with every way to credentials. What reads s.yaml, deploys, judges logs and drives the CLI stands in chunks beside it.
`;

/** agentrunCanary gives the sections of the benchmarks. build/ must hold the compiled rooms, dist/ the bundle. */
export const agentrunCanary = async () => {
  const rows = [];
  for (const component of ['small component', ...(real === undefined ? [] : ['real component'])]) {
    for (const latencyMs of latencies) rows.push(...(await measured(component, latencyMs)));
  }
  return `## Weights on AgentRun

Giving a version a share of an endpoint, on one lab in a process of its own: \`node dist/index.js canary --mode set\` against \`s endpoint publish\` of the Serverless Devs CLI 3.1.10 from its offline cache. Whole processes taken in turn, wall time in ms and in brackets the requests; medians of ${rounds} pairs. Ours takes the lease, reads before, reads back after, and before a first share proves the scale of the weights; the CLI does none of it. The small component is the suite's, which sends what the real one sends; the real one is 1.0.12 with the changes that [compatibility.md](compatibility.md) names, and is measured where \`SLUICE_BENCH_COMPONENT\` names its built folder.

| | latency before each answer, ms | ours | \`s\` | ratio of a pair |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

Target: a ratio of at most 0.25. Load of the machine while this was measured: ${loadavg()[1].toFixed(0)} on ${cpus().length} cores. It looks before it writes and believes only what it reads back, so it asks about twice as often, and answers that are held back weigh more on its side.

${sizes()}`;
};

if (process.argv[1] === import.meta.filename) console.log(await agentrunCanary());
