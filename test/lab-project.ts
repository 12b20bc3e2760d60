import { readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Lease } from '@sluice/core';
import { startLab, startLabControl, type Lab } from '@sluice/lab';
import { chatflow } from '../packages/lab/test/dify-apps.ts';
import { changeLease, recordPath } from './change-lease.ts';
import { project, sluice, type Ended, type RunOptions } from './sluice-process.ts';

/** Document is the part of a result document that tests look at. */
export interface Document {
  readonly step: string;
  readonly status: string;
  readonly category: string;
  readonly reason: string;
  readonly hint: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly evidence: unknown;
  readonly steps?: readonly Document[];
}

/** LabProject is a folder with a sluice.yml whose Dify app and gateway are a lab's, for runs of the bundle. */
export interface LabProject {
  readonly lab: Lab;
  readonly folder: string;
  readonly app: string;
  /** stable is the version that users got before. */
  readonly stable: string;
  run(argv: readonly string[], options?: RunOptions): Promise<Ended & { readonly document: Document }>;
  /** change writes a new version of the app's source. */
  change(word: string): Promise<void>;
  /** weight is what the gateway's include file gives the candidate now, in per cent. */
  weight(): Promise<number>;
  /** served lets thirty users ask at the gateway and counts by the lab's own counters which version answered. */
  served(): Promise<Readonly<Record<string, number>>>;
  /** rollout is what the record remembers of the canary. */
  rollout(): Promise<Rollout | undefined>;
  /** lease is the one that the record holds. */
  lease(): Promise<Lease | undefined>;
  /** expireLease lets the time of the lease be over. */
  expireLease(): Promise<void>;
  close(): Promise<void>;
}

/** Rollout is the part of a recorded rollout that tests look at. */
export interface Rollout {
  readonly stage: number;
  readonly windows: number;
  readonly permission?: { readonly weight: number };
  readonly sources: Readonly<Record<string, { readonly total: { readonly candidate: { readonly answers: number } } }>>;
}

const saying = (word: string): string => chatflow('回答', `${word} {{#llm.text#}}`);

/** reloadScript is what sluice.yml calls instead of nginx; the real program is in test/engines. */
const reloadScript = `
const [address, token] = process.argv.slice(2);
const answer = await fetch(address, { method: 'POST', headers: { authorization: 'Bearer ' + token } });
process.exit((await answer.json()).code);
`;

const askGateway = (lab: Lab, key: string, user: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const body = JSON.stringify({ query: 'hello', inputs: {}, user, response_mode: 'blocking' });
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const asking = request(`${lab.gateway.origin}/v1/chat-messages`, { method: 'POST', headers, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    asking.on('error', reject);
    asking.end(body);
  });

/** openProject starts a lab and writes the project; `canary` is the environment's. */
export const openProject = async (canary: unknown): Promise<LabProject> => {
  const lab = await startLab({ timeScale: 10 });
  const control = await startLabControl(lab);
  const made = lab.dify.createApp(saying('before'));
  const nginx = {
    include: lab.gateway.includeFile,
    test: [process.execPath, '--version'],
    reload: [process.execPath, 'reload.mjs', `${control.origin}/gateway/reload`, control.token],
  };
  const dify = { console: lab.dify.origin, app: made.appId };
  const production = { branches: ['main'], dify, gateway: { address: `${lab.gateway.origin}/v1`, nginx }, canary };
  const folder = await project({
    'sluice.yml': JSON.stringify({ name: 'bot', source: 'app.yml', environments: { production }, notify: [{ slack: { env: 'SLACK_WEBHOOK' } }] }),
    'app.yml': saying('new'),
    'reload.mjs': reloadScript,
    'state/.keep': '',
  });
  const environment = {
    DIFY_EMAIL: lab.dify.credentials.email,
    DIFY_PASSWORD: lab.dify.credentials.password,
    SLACK_WEBHOOK: lab.inbox.slack.url,
    SLUICE_STATE: join(folder, 'state'),
  };
  const record = async (): Promise<{ readonly rollout?: Rollout; readonly lease?: Lease } | undefined> => {
    const path = await recordPath(join(folder, 'state'));
    return path === undefined ? undefined : (JSON.parse(await readFile(path, 'utf8')) as { rollout?: Rollout; lease?: Lease });
  };
  return {
    lab,
    folder,
    app: made.appId,
    stable: made.published ?? '',
    run: async (argv, options = {}) => {
      const ended = await sluice([...argv, '--environment', 'production', '--json'], { folder, ...options, environment: { ...environment, ...options.environment } });
      return { ...ended, document: JSON.parse(ended.stdout === '' ? '{}' : ended.stdout) as Document };
    },
    change: (word) => writeFile(join(folder, 'app.yml'), saying(word)),
    weight: async () => Number(/"weight":(\d+)/.exec(await readFile(lab.gateway.includeFile, 'utf8').catch(() => ''))?.[1] ?? 0),
    served: async () => {
      const before = lab.dify.served(made.appId);
      await Promise.all(Array.from({ length: 30 }, (_, index) => askGateway(lab, made.apiKey, `user-${index}`)));
      const counts = Object.entries(lab.dify.served(made.appId)).map(([version, count]) => [version, count - (before[version] ?? 0)] as const);
      return Object.fromEntries(counts.filter(([, count]) => count > 0));
    },
    rollout: async () => (await record())?.rollout,
    lease: async () => (await record())?.lease,
    expireLease: () => changeLease(join(folder, 'state'), (lease) => (lease === undefined ? undefined : { ...lease, until: 0 })),
    close: async () => {
      await control.close();
      await lab.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** until waits for something to come true, for twenty seconds at most. */
export const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; tries < 400; tries += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what} did not come true`);
};
