// Measures a Dify release against the lab with a latency: how much longer it takes than the server's own answers do.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build, compile, root } from './compile.js';

const latencyMs = 50;
const rounds = 5;
const now = () => performance.timeOrigin + performance.now();
const room = (name) => import(pathToFileURL(join(build, 'packages', name, 'src', 'index.js')).href);
const dsl = readFileSync(join(root, 'examples', 'support-bot', 'app', 'support-bot.yml'), 'utf8');

/** saying is the example app with another greeting, so that there is something to deploy. */
const saying = (words) => dsl.replace(/opening_statement: .*/, `opening_statement: ${words}`);

/** openLab starts the lab's process; `ask` sends it a message and gives the answer. */
const openLab = async () => {
  const child = fork(join(root, 'scripts', 'bench-dify-lab.js'), [String(latencyMs)]);
  const [described] = await once(child, 'message');
  const ask = async (message) => {
    child.send(message);
    return (await once(child, 'message'))[0];
  };
  return { ...described, ask, close: () => child.disconnect() };
};

/** measured runs `work` and sets its wall time beside the server's own times; `startMs` is what passed before the first request. */
const measured = async (lab, work) => {
  await lab.ask({});
  const begun = now();
  await work();
  const ended = now();
  const answers = await lab.ask({});
  const first = Math.min(...answers.map((answer) => answer.begun));
  const serverMs = answers.reduce((sum, answer) => sum + answer.ended - answer.begun, 0);
  return { requests: answers.length, serverMs, startMs: first - begun, wallMs: ended - begun };
};

const value = (outcome) => {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problem));
  return outcome.value;
};

/** targetFor connects the product's Dify client, without a step around it, to an app. */
const targetFor = async ({ core, dify }, lab, appId, text) => {
  const clock = core.systemClock();
  const { signal } = new AbortController();
  const http = core.createHttpClient({ clock, signal, userAgent: 'bench', loopbackOnly: true });
  const secrets = core.createSecretReader({ environment: { DIFY_EMAIL: lab.email, DIFY_PASSWORD: lab.password, CRM_TOKEN: 'bench-token' }, mask: () => undefined, note: () => undefined, offline: false });
  const environment = core.configSchema.parse({ name: 'bench', source: 'app.yml', environments: { here: { dify: { console: lab.origin, app: appId }, variables: { CRM_TOKEN: { env: 'CRM_TOKEN' } } } } }).environments.here;
  const parsed = dify.difyPlatform.parse({ path: 'app.yml', folder: root, text }).source;
  const source = value(dify.difyPlatform.overlay(parsed, environment, secrets));
  const connection = { name: 'bench-here', environment, http, clock, secrets, signal, source, commands: {}, files: core.createFilePort(), log: () => undefined, readOnly: false };
  return { source, http, target: value(await dify.difyPlatform.connect(connection)) };
};

const byClient = async (rooms, lab, words) => {
  const { core } = rooms;
  const { appId } = await lab.ask({ dsl: saying('before') });
  return measured(lab, async () => {
    const { source, http, target } = await targetFor(rooms, lab, appId, saying(words));
    const { version } = value(await target.deploy(source, { create: false, overwrite: false, dryRun: false, ours: [], writing: async () => core.done(undefined) }));
    value(await target.publish({ name: words, marks: {}, digest: version.digest }));
    await http.close();
  });
};

/** openProject writes a project for an app of its own; `run` runs one step of the bundle in it. */
const openProject = async (lab, folder) => {
  const { appId } = await lab.ask({ dsl: saying('before') });
  const production = { dify: { console: lab.origin, app: appId }, canary: false, variables: { CRM_TOKEN: { env: 'CRM_TOKEN' } } };
  const health = { ask: [{ query: 'hello', inputs: { language: 'English' } }] };
  mkdirSync(folder);
  writeFileSync(join(folder, 'sluice.yml'), JSON.stringify({ name: 'bench', source: 'app.yml', environments: { production }, health }));
  const environment = { PATH: process.env.PATH, HOME: folder, DIFY_EMAIL: lab.email, DIFY_PASSWORD: lab.password, CRM_TOKEN: 'bench-token', SLUICE_STATE: join(folder, 'state') };
  const run = (step) => promisify(execFile)(process.execPath, [join(root, 'dist', 'index.js'), step], { cwd: folder, env: environment });
  const change = (words) => writeFileSync(join(folder, 'app.yml'), saying(words));
  return { run, change };
};

/** added are two measurements, one after the other. */
const added = (one, other) => Object.fromEntries(Object.entries(one).map(([name, amount]) => [name, amount + other[name]]));

const ratioOf = ({ wallMs, startMs, serverMs }) => (wallMs - startMs) / serverMs;

const rowOf = (name, { requests, serverMs, startMs, wallMs }) =>
  `| ${name} | ${requests} | ${serverMs.toFixed(0)} | ${(wallMs - startMs).toFixed(0)} | ${ratioOf({ wallMs, startMs, serverMs }).toFixed(2)} | ${startMs.toFixed(0)} |`;

const client = 'client alone: deploy, verify, publish';
const processes = 'processes: deploy, then publish-version';

/** measureRound takes every measurement once. */
const measureRound = async (rooms, lab, folder) => {
  const alone = await byClient(rooms, lab, 'next');
  const project = await openProject(lab, folder);
  const step = (name) => measured(lab, () => project.run(name));
  project.change('first');
  const release = await step('release');
  project.change('second');
  const deploy = await step('deploy');
  const publish = await step('publish-version');
  return {
    // Nothing is taken off here: the client is no process that starts.
    [client]: { ...alone, startMs: 0 },
    [processes]: added(deploy, publish),
    'process: deploy': deploy,
    'process: publish-version': publish,
    'process: health-check': await step('health-check'),
    'process: snapshot': await step('snapshot'),
    'process: rollback': await step('rollback'),
    'process: release (all steps, no canary)': release,
  };
};

/** difyRelease measures and gives the section of docs/benchmarks.md. */
export const difyRelease = async () => {
  compile();
  const [core, dify] = await Promise.all([room('core'), room('dify')]);
  const lab = await openLab();
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-dify-'));
  const all = [];
  for (let round = 0; round < rounds; round += 1) all.push(await measureRound({ core, dify }, lab, join(folder, String(round))));
  lab.close();
  rmSync(folder, { recursive: true });
  const rows = Object.keys(all[0]).map((name) => rowOf(name, all.map((round) => round[name]).toSorted((one, other) => ratioOf(one) - ratioOf(other))[0]));
  return `## Dify release

Against the lab's Dify 1.12.1 in a process of its own, with ${latencyMs} ms injected before each answer; the lowest ratio of ${rounds} rounds taken in turn. *Server* is the sum of the server's own response times, as the lab measured them. *Wall* is the whole time of the client; of a process it is the time from its first request to its end, and what passes before (Node starts, files are read) stands in the last column. Each process logs in for itself. Reads that go side by side make a ratio below 1.

| what | requests | server ms | wall ms | wall ÷ server | taken off, ms |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

Target for the first row: at most 12 requests and a ratio of at most 1.2.
`;
};

if (process.argv[1] === import.meta.filename) console.log(await difyRelease());
