// Measures the same change of an endpoint's weights twice in turn, on one lab: by the product's client, which reads
// before and reads back after, and by the real Serverless Devs CLI, which does neither. Both are whole processes.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build, root, runScript } from './compile.js';

const rounds = 7;
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

/** seed lays a small component into the CLI's cache, so that nothing is downloaded. It is lighter than the real one. */
const seed = (home, control) => {
  const folder = join(home, '.s', 'components', 'devsapp.cn', 'v3', 'agentrun@1.0.12');
  mkdirSync(join(folder, 'dist'), { recursive: true });
  writeFileSync(join(home, '.s', 'set-config.yml'), 'analysis: disable\nlog: disable\n');
  writeFileSync(join(folder, 'package.json'), '{"name":"agentrun","main":"dist/index.js"}');
  writeFileSync(join(folder, 'publish.yaml'), 'Edition: 3.0.0\nType: Component\nName: agentrun\nVersion: 1.0.12\n');
  writeFileSync(join(folder, '.s.lock'), '{"version":"1.0.12","lastUpdateCheck":4102444800000}');
  cpSync(join(root, 'test', 'engines', 's-cli-component.cjs'), join(folder, 'dist', 'index.js'));
  writeFileSync(join(folder, 'dist', 'config.json'), JSON.stringify({ mode: 'deploy', control, sdk: require.resolve('@alicloud/openapi-core'), tea: require.resolve('@darabonba/typescript') }));
};

/** bundled is the product's client in a bundle of its own, as the product is one. */
const bundled = (folder) => {
  runScript(join(root, 'node_modules', '@vercel', 'ncc', 'dist', 'ncc', 'cli.js'), 'build', join(root, 'scripts', 'bench-agentrun-client.js'), '--out', join(folder, 'client'), '--minify', '--no-cache', '--quiet');
  return join(folder, 'client', readdirSync(join(folder, 'client')).find((name) => /^index\.[cm]?js$/.test(name)));
};

/** commandsOf are the two command lines that give version 2 a weight. */
const commandsOf = (folder, lab, program) => {
  const { accessKeyId, accessKeySecret } = lab.credentials;
  const environment = { PATH: process.env.PATH, HOME: folder };
  return {
    client: (weight) => run(process.execPath, [program, JSON.stringify({ folder, text: yaml, control: lab.control, sts: lab.sts, credentials: lab.credentials, weight })], { cwd: folder, env: environment }),
    cli: (weight) =>
      run(
        process.execPath,
        [join(root, 'node_modules', '@serverless-devs', 's', 'bin', 's'), 'endpoint', 'publish', '--endpoint-name', 'production', '--target-version', '1', '--canary-version', '2', '--weight', String(weight / 100), '-t', 's.yaml', '-a', 'bench_serverless_devs_key', '--silent', '--output', 'json'],
        { cwd: folder, env: { ...environment, SERVERLESS_DEVS_CICD: '1', serverless_devs_config_home: folder, bench_serverless_devs_key: JSON.stringify({ AccountID: lab.accountId, AccessKeyID: accessKeyId, AccessKeySecret: accessKeySecret }) } },
      ),
  };
};

const median = (list) => [...list].sort((one, other) => one - other)[Math.floor(list.length / 2)];

/** timed is the wall time of one change, in milliseconds, after which the lab must have the weight, in per cent. */
const timed = async (lab, work, weight) => {
  const begun = performance.now();
  await work(weight);
  const took = performance.now() - begun;
  const [stored] = lab.routing('order-agent', 'production').versionWeights;
  if (stored?.version !== '2' || Math.round(stored.weight * 1e4) !== weight * 100) throw new Error(`the weight ${weight} was not set`);
  return took;
};

/** agentrunCanary gives the section of the benchmarks. build/ must hold the compiled rooms. */
export const agentrunCanary = async () => {
  const { startLabAgentRun } = await import(pathToFileURL(join(build, 'packages', 'lab', 'src', 'index.js')).href);
  const lab = await startLabAgentRun({ pollsToReady: 1 });
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-agentrun-'));
  try {
    lab.createRuntime({ name: 'order-agent', endpoint: 'production' });
    writeFileSync(join(folder, 's.yaml'), yaml);
    seed(folder, lab.control);
    const { client, cli } = commandsOf(folder, lab, bundled(folder));
    await run(process.execPath, [join(root, 'node_modules', '@serverless-devs', 's', 'bin', 's'), 'version', 'publish', '-t', 's.yaml', '-a', 'bench_serverless_devs_key', '--silent', '--output', 'json'], { cwd: folder, env: { PATH: process.env.PATH, HOME: folder, SERVERLESS_DEVS_CICD: '1', serverless_devs_config_home: folder, bench_serverless_devs_key: JSON.stringify({ AccountID: lab.accountId, AccessKeyID: lab.credentials.accessKeyId, AccessKeySecret: lab.credentials.accessKeySecret }) } });
    const pairs = [];
    for (let round = 1; round <= rounds; round += 1) {
      pairs.push({ ours: await timed(lab, client, 5 * round), theirs: await timed(lab, cli, 5 * round + 1) });
    }
    const [ours, theirs, ratio] = [median(pairs.map((pair) => pair.ours)), median(pairs.map((pair) => pair.theirs)), median(pairs.map((pair) => pair.ours / pair.theirs))];
    return `## Weights on AgentRun

Giving a version a share of an endpoint, on one lab, as whole processes, taken in turn; medians of ${rounds} pairs of wall times. Ours reads before and reads back after; the CLI does neither, and runs a component that is lighter than the real one.

| | ms |
| --- | --- |
| the product's client | ${ours.toFixed(0)} |
| \`s endpoint publish\`, Serverless Devs CLI 3.1.10 | ${theirs.toFixed(0)} |

Ratio of a pair: **${ratio.toFixed(2)}** (target: at most 0.25).
`;
  } finally {
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
  }
};
