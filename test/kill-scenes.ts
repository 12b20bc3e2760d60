import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Split } from '@sluice/core';
import { readInclude, renderInclude } from '@sluice/gateway';
import type { World } from './agentrun-fault-world.ts';
import { fieldsOf, send } from './contract/dify/caller.ts';
import { loggedIn } from './contract/dify/world.ts';
import { folderRecords, gitRecords, type KillStore } from './kill-stores.ts';
import { openProject, type Document } from './lab-project.ts';
import type { Ended, RunOptions } from './sluice-process.ts';

/** Where is who gets what: `served` by what answers users, `lying` by a file that the next reload would load. */
export interface Where {
  readonly served: Split;
  readonly lying?: Split;
}

/** KillScene is one application whose runs are killed one after the other. */
export interface KillScene {
  readonly platform: 'agentrun' | 'dify';
  run(argv: readonly string[], options?: RunOptions): Promise<Ended & { readonly document: Document }>;
  where(): Promise<Where>;
  /** versions are the ids of what was published, the oldest first. */
  versions(): Promise<readonly string[]>;
  /** split gives a share to a candidate as somebody does by hand. */
  split(split: Split): Promise<void>;
  /** change writes a new source. */
  change(word: string): Promise<void>;
  readonly store: KillStore;
  readonly folder: string;
  close(): Promise<void>;
}

/** briefly judges a candidate in two seconds of real time. The thirteenth pair is for a run that goes on: what a dead one had set aside is not asked again. */
const briefly = { steps: ['25%', '50%'], every: '600ms', minimum: 1, watch: ['errors'], pairs: 13 };

/** hookSeconds is how long the hook of a branch holds each push. */
const hookSeconds = 0.2;

const storeIn = (folder: string, store: KillStore['name']): Promise<KillStore> => (store === 'git' ? gitRecords(folder, hookSeconds) : Promise.resolve(folderRecords(folder)));

/** agentrunScene is a runtime in a lab of many. */
export const agentrunScene = async (world: World, kind: KillStore['name']): Promise<KillScene> => {
  const scene = await world.scene({ canary: briefly });
  const store = await storeIn(scene.folder, kind);
  const run: KillScene['run'] = (argv, options) => scene.run(argv, { ...options, environment: { ...store.environment, ...options?.environment } }) as ReturnType<KillScene['run']>;
  return {
    platform: 'agentrun',
    store,
    folder: scene.folder,
    run,
    where: () => {
      const { targetVersion: stable, versionWeights } = scene.truth().routing;
      const share = versionWeights.find(({ version, weight }) => version !== stable && weight > 0);
      return Promise.resolve({ served: share === undefined ? { stable, weight: 0 } : { stable, candidate: share.version, weight: Math.round(share.weight * 100) } });
    },
    versions: () => Promise.resolve(scene.lab.versions(scene.runtime)),
    split: async ({ stable, candidate = '', weight }) => {
      const { code, stderr } = await run(['canary', '--mode', ...(weight === 0 ? ['abort'] : ['set', '--weight', `${weight}%`, '--candidate', candidate, '--stable', stable])]);
      if (code !== 0) throw new Error(stderr);
    },
    change: (word) => scene.write('code/index.js', `// ${word}\n`),
    close: () => Promise.resolve(),
  };
};

/** difyScene is an app behind a gateway, in a lab of its own. */
export const difyScene = async (kind: KillStore['name']): Promise<KillScene> => {
  const house = await openProject(briefly);
  const { lab, app } = house;
  const file = join(house.folder, 'sluice.yml');
  const config = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, JSON.stringify({ ...config, health: { ask: [{ query: '你好' }], settle: '1s' } }));
  const store = await storeIn(house.folder, kind);
  const { email, password, adminKey, workspaceId: workspace, members } = lab.dify.credentials;
  const setup = await send(lab.dify.origin, 'GET', '/console/api/setup');
  const session = await loggedIn({ name: 'lab', origin: lab.dify.origin, email, password, adminKey, workspace, members, model: '', close: () => Promise.resolve() }, setup.headers.get('x-version') ?? '');
  return {
    platform: 'dify',
    store,
    folder: house.folder,
    run: (argv, options) => house.run(argv, { ...options, environment: { ...store.environment, ...options?.environment } }),
    where: async () => {
      const text = await readFile(lab.gateway.includeFile, 'utf8').catch(() => undefined);
      const lying = text === undefined ? undefined : readInclude(text);
      if (lying?.ok === false) throw new Error(lying.problem.reason);
      const page = await (await fetch(`${lab.gateway.origin}/sluice/bot-production`)).text();
      // Before anything is pinned the platform itself answers there.
      const served = page.startsWith('{') ? (fieldsOf(JSON.parse(page))['split'] as Split) : { stable: house.stable, weight: 0 };
      return { served, ...(lying === undefined ? {} : { lying: lying.value.split }) };
    },
    versions: async () => {
      const list = await send(lab.dify.origin, 'GET', `/console/api/apps/${app}/workflows?page=1&limit=100`, { headers: session.headers });
      const rows = [fieldsOf(list.body)['items']].flat().map(fieldsOf).filter((row) => row['version'] !== 'draft');
      return rows.map((row) => String(row['id'])).reverse();
    },
    split: async (split) => {
      const text = renderInclude(split, { application: 'bot-production', kind: 'chat' });
      if (!text.ok) throw new Error(text.problem.reason);
      await writeFile(lab.gateway.includeFile, text.value);
      await lab.gateway.run(['nginx', '-s', 'reload']);
    },
    change: (word) => house.change(word),
    close: () => house.close(),
  };
};
