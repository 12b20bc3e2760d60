/*
 * Values of a runtime's environment variables, on every host: AgentRun gives them back in clear with every read of a
 * runtime, they stand in what the agent logs and in the platform's reasons, and s.yaml and sluice.yml hand them over.
 * None may be in what a run prints or leaves: streams, result documents, snapshots, summaries, outputs, records.
 */
import { describe, expect } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { worldAround, type Scene, type World } from './agentrun-fault-world.ts';
import { createGarden } from './planted.ts';
import type { Runner } from './fault-record.ts';
import type { Ran } from './fault-verdicts.ts';
import { sideBySide } from './side-by-side.ts';
import { sluice } from './sluice-process.ts';
import { hereIfSo } from './through-the-door.ts';

type Surroundings = (folder: string) => Record<string, string>;

const hosts = {
  github: (folder) => ({
    GITHUB_ACTIONS: 'true', GITHUB_OUTPUT: join(folder, 'output'), GITHUB_ENV: join(folder, 'env'), GITHUB_STEP_SUMMARY: join(folder, 'summary'),
    GITHUB_EVENT_NAME: 'push', GITHUB_REF_NAME: 'main', GITHUB_REF_TYPE: 'branch', GITHUB_REPOSITORY: 'acme/orders', GITHUB_SHA: '0123456789abcdef0123456789abcdef01234567', GITHUB_RUN_ID: '7', RUNNER_TEMP: folder,
  }),
  gitlab: (folder) => ({ GITLAB_CI: 'true', CI: 'true', CI_COMMIT_BRANCH: 'main', SLUICE_DOTENV: join(folder, 'sluice.env') }),
  jenkins: () => ({ JENKINS_URL: 'http://127.0.0.1/', BRANCH_NAME: 'main', BUILD_TAG: 'jenkins-orders-7' }),
  line: () => ({}),
} satisfies Readonly<Record<string, Surroundings>>;

/** steps are run in this order; a word before the colon changes the lab first. */
const steps: readonly (readonly [before: 'nothing' | 'code' | 'failure' | 'damage', argv: readonly string[], code: number])[] = [
  ['nothing', ['validate'], 0],
  ['nothing', ['info'], 0],
  ['nothing', ['deploy'], 0],
  ['nothing', ['publish-version'], 0],
  ['nothing', ['health-check'], 0],
  ['nothing', ['canary', '--mode', 'set', '--weight', '10%', '--candidate', '2'], 0],
  ['nothing', ['canary', '--mode', 'abort'], 0],
  ['nothing', ['versions'], 0],
  ['nothing', ['logs', '--since', '1h'], 0],
  ['nothing', ['snapshot'], 0],
  ['nothing', ['rollback', '--version', '1'], 0],
  ['failure', ['deploy'], 4],
  ['damage', ['deploy'], 4],
];

const logs = { project: 'orders', logstore: 'agents' };
const awkward = (core: string): string => `p+a/s"s 密&<${core}>=%'`;

/** left is everything that a scene's runs have left; on GitHub the runner is handed a secret so that it hides it, which is no showing. */
const left = async (folder: string, runs: readonly Ran[]): Promise<ReadonlyMap<string, string>> => {
  const visible = (text: string): string => text.replace(/^::add-mask::.*$/gm, '');
  const texts = new Map<string, string>(runs.flatMap(({ stdout, stderr }, index) => [[`stdout ${index}`, visible(stdout)], [`stderr ${index}`, visible(stderr)]] as const));
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) texts.set(path.slice(folder.length), `${entry.name}\n${await readFile(path, 'utf8')}`);
  }
  return texts;
};

/** withVariables hands two variables over: one by s.yaml, one by sluice.yml. */
const withVariables = async (scene: Scene): Promise<void> => {
  const config = JSON.parse(await readFile(join(scene.folder, 'sluice.yml'), 'utf8')) as { environments: { production: object } };
  Object.assign(config.environments.production, { variables: { CRM_TOKEN: { env: 'OWN_CRM_TOKEN' } } });
  await scene.write('sluice.yml', JSON.stringify(config));
};

const play = async (world: World, host: keyof typeof hosts, runner: Runner): Promise<object> => {
  const garden = createGarden();
  const held = { CRM_TOKEN: garden.plant('what the runtime held', awkward), OLD_TOKEN: garden.plant('what only the runtime holds') };
  const own = { OWN_CRM_TOKEN: garden.plant('a secret of sluice.yml', awkward), OWN_URL: garden.plant('a value of s.yaml', (core) => `https://crm.example.com/?tenant=${core}`) };
  const scene = await world.scene({ runner, environmentVariables: held, logs, more: { logConfig: logs, environmentVariables: { CRM_TOKEN: '', CRM_URL: "${env('OWN_URL')}" } } });
  await withVariables(scene);
  const all = Object.values({ ...held, ...own });
  let given = 0;
  const surroundings = (hosts[host] as Surroundings)(scene.folder);
  const runs: Ran[] = [];
  for (const [before, argv] of steps) {
    scene.lab.writeLine(scene.runtime, '1', `asked the CRM with ${all.join(' | ')}: 超时`);
    if (before === 'failure') scene.lab.failNext('runtime', `the agent did not start with ${Object.values(own).join(' | ')}`, scene.runtime);
    if (before !== 'nothing') await scene.write('code/index.js', `// ${before}\n`);
    scene.proxy.rule = ({ method, path }) => ({
      changed: (body) => {
        if (all.some((value) => body.includes(JSON.stringify(value).slice(1, -1)))) given += 1;
        return before === 'damage' && method === 'GET' && /\/runtimes\/ar-\w+$/.test(path) ? body.slice(0, -2) : body;
      },
    });
    runs.push(await scene.run(argv, { environment: { ...own, ...surroundings } }));
  }
  const found = [...(await left(scene.folder, runs))].flatMap(([output, text]) => garden.namesIn(text).map((name) => `${output}: ${name}`));
  return { found, codes: runs.map(({ code }) => code), given: given > steps.length };
};

describe("values of a runtime's environment variables", () => {
  const world = worldAround();
  const cases = (Object.keys(hosts) as readonly (keyof typeof hosts)[]).map((host) => ({ host, name: `are in nothing that a run on ${host} prints or leaves` }));
  sideBySide(cases, async ({ host }) => {
    expect(await play(world(), host, host === 'github' ? sluice : hereIfSo)).toEqual({ found: [], codes: steps.map(([, , code]) => code), given: true });
  });
});
