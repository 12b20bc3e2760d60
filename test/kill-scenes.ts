import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EnvironmentRecord, Split } from '@sluice/core';
import { readInclude } from '@sluice/gateway';
import { unseal } from '../packages/state/src/seal.ts';
import type { World } from './agentrun-fault-world.ts';
import { changeLease, recordPath } from './change-lease.ts';
import { fieldsOf, send } from './contract/dify/caller.ts';
import { loggedIn } from './contract/dify/world.ts';
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
  /** change writes a new source. */
  change(word: string): Promise<void>;
  /** record is the stored record; one whose seal does not fit is thrown. */
  record(): Promise<EnvironmentRecord | undefined>;
  /** age lets three minutes pass for what a killed run has left: its lease, and the lock of the record's file. */
  age(): Promise<void>;
  close(): Promise<void>;
}

/** briefly judges a candidate in some seconds of real time. */
const briefly = { steps: ['25%', '50%'], every: '1s', minimum: 1, watch: ['errors'], pairs: 12 };

const recordsIn = (folder: string): Pick<KillScene, 'record' | 'age'> => ({
  record: async () => {
    const path = await recordPath(folder);
    if (path === undefined) return undefined;
    const whole = unseal(await readFile(path, 'utf8'), undefined);
    if (typeof whole === 'string') throw new Error(`the record ${whole}`);
    return whole.content as unknown as EnvironmentRecord;
  },
  age: async () => {
    await changeLease(folder, (lease) => (lease === undefined ? undefined : { ...lease, until: 0 }));
    const before = new Date(Date.now() - 180_000);
    for (const name of await readdir(folder)) if (name.endsWith('.lock')) await utimes(join(folder, name), before, before);
  },
});

/** agentrunScene is a runtime in a lab of many. */
export const agentrunScene = async (world: World): Promise<KillScene> => {
  const scene = await world.scene({ canary: briefly });
  return {
    platform: 'agentrun',
    run: (argv, options) => scene.run(argv, options) as ReturnType<KillScene['run']>,
    where: () => {
      const { targetVersion: stable, versionWeights } = scene.truth().routing;
      const share = versionWeights.find(({ version, weight }) => version !== stable && weight > 0);
      return Promise.resolve({ served: share === undefined ? { stable, weight: 0 } : { stable, candidate: share.version, weight: Math.round(share.weight * 100) } });
    },
    versions: () => Promise.resolve(scene.lab.versions(scene.runtime)),
    change: (word) => scene.write('code/index.js', `// ${word}\n`),
    ...recordsIn(join(scene.folder, 'state')),
    close: () => Promise.resolve(),
  };
};

/** difyScene is an app behind a gateway, in a lab of its own. */
export const difyScene = async (): Promise<KillScene> => {
  const house = await openProject(briefly);
  const { lab, app } = house;
  const file = join(house.folder, 'sluice.yml');
  const config = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, JSON.stringify({ ...config, health: { ask: [{ query: '你好' }], settle: '1s' } }));
  const { email, password, adminKey, workspaceId: workspace, members } = lab.dify.credentials;
  const setup = await send(lab.dify.origin, 'GET', '/console/api/setup');
  const session = await loggedIn({ name: 'lab', origin: lab.dify.origin, email, password, adminKey, workspace, members, model: '', close: () => Promise.resolve() }, setup.headers.get('x-version') ?? '');
  return {
    platform: 'dify',
    run: (argv, options) => house.run(argv, options),
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
    change: (word) => house.change(word),
    ...recordsIn(join(house.folder, 'state')),
    close: () => house.close(),
  };
};
