import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  configSchema,
  done,
  failed,
  systemClock,
  type Clock,
  type CommandRunner,
  type Connection,
  type EnvironmentConfig,
  type FilePort,
  type HttpClient,
} from '@sluice/core';

/** diskFiles is a file port on the disk. */
export const diskFiles: FilePort = {
  read: async (path) => {
    try {
      return done(await readFile(path, 'utf8'));
    } catch {
      return done(undefined);
    }
  },
  write: async (path, text) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
    return done(undefined);
  },
};

/** memoryFiles is a file port that keeps every text that was written. */
export const memoryFiles = (first?: string): FilePort & { readonly texts: string[] } => {
  const texts = first === undefined ? [] : [first];
  return {
    texts,
    read: async () => done(texts.at(-1)),
    write: async (_, text) => {
      texts.push(text);
      return done(undefined);
    },
  };
};

/** plainHttp asks over the real network stack, on loopback. */
export const plainHttp: HttpClient = {
  send: async ({ method, url, tried }) => {
    try {
      const answer = await fetch(url, { method });
      return done({ status: answer.status, headers: {}, text: await answer.text(), durationMs: 0 });
    } catch (error) {
      return failed({ category: 'platform', reason: `no answer from ${url}: ${String(error)}`, tried, where: url });
    }
  },
  stream: async () => failed({ category: 'defect', reason: 'not used by a gateway' }),
  close: async () => undefined,
};

/** answering is an HTTP client that answers from a list; the last answer stays. */
export const answering = (...answers: readonly (readonly [status: number, text: string])[]): HttpClient => {
  const left = [...answers];
  return {
    ...plainHttp,
    send: async () => {
      const [status, text] = (left.length > 1 ? left.shift() : left[0]) ?? [404, ''];
      return done({ status, headers: {}, text, durationMs: 0 });
    },
  };
};

/** jumpingClock passes time only by sleeping. */
export const jumpingClock = (): Clock => {
  let time = 0;
  return { factor: 1, now: () => time, elapsed: () => time, sleep: async (milliseconds) => void (time += milliseconds) };
};

/** gatewayOf is `gateway` of an environment, with the defaults of sluice.yml. */
export const gatewayOf = (include: string, address?: string): NonNullable<EnvironmentConfig['gateway']> => {
  const config = configSchema.parse({
    name: 'support-bot',
    source: 'app.yml',
    environments: {
      production: { dify: 'https://dify.example.com/app/5f6c', gateway: { ...(address === undefined ? {} : { address }), nginx: { include } } },
    },
  });
  const gateway = config.environments['production']?.gateway;
  if (gateway === undefined) throw new Error('the test configuration has no gateway');
  return gateway;
};

/** connectionOf makes a connection from the ports that a test cares about. */
export const connectionOf = (ports: Partial<Connection>): Connection & { readonly lines: string[] } => {
  const lines: string[] = [];
  const noCommands: CommandRunner = { run: async () => done({ code: 0, stdout: '', stderr: '' }) };
  const environment = configSchema.parse({
    name: 'support-bot',
    source: 'app.yml',
    environments: { production: { dify: 'https://dify.example.com/app/5f6c' } },
  }).environments['production'];
  if (environment === undefined) throw new Error('the test configuration has no environment');
  return {
    name: 'support-bot-production',
    step: 'deploy', deadlineMs: 300_000, setting: () => undefined, mask: () => undefined, credentialFile: (path) => Promise.resolve(failed({ category: 'input', reason: `${path} is not read` })),
    environment,
    http: plainHttp,
    clock: systemClock(),
    secrets: { read: (name) => failed({ category: 'input', reason: `${name} is not set` }), find: () => undefined },
    commands: noCommands,
    files: diskFiles,
    signal: new AbortController().signal,
    readOnly: false,
    source: { platform: 'dify', path: 'app.yml', title: 'Support bot', kind: 'chat', digest: 'sha256:0', inputs: [] },
    ...ports,
    lines,
    log: (line) => void lines.push(line),
  };
};
