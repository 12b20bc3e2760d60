import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCommandRunner, systemClock, type CommandRunner, type EnvironmentRecord, type StateStore } from '@sluice/core';
import { gitStore, type GitStoreOptions } from '../src/index.ts';

/** path is this machine's, for a runner as the door makes it. */
export const path = process.env['PATH'] ?? '';

export const git = (argv: readonly string[], cwd?: string): string => {
  const { status, stdout, stderr } = spawnSync('git', argv, { encoding: 'utf8', ...(cwd === undefined ? {} : { cwd }), env: { PATH: path, HOME: '/nonexistent', LC_ALL: 'C' } });
  if (status !== 0) throw new Error(`git ${argv.join(' ')}: ${stderr}`);
  return stdout;
};

export const full: EnvironmentRecord = {
  format: 1,
  application: '客服机器人/0b9c',
  environment: 'production',
  stable: { version: 'v1', digest: 'sha256:1' },
  lease: { holder: 'run 7', until: 1_800_000_000_000 },
  history: [],
};

/** World is a folder with a bare repository that stands for the server's. */
export interface World {
  readonly folder: string;
  readonly bare: string;
  /** home is an empty home, so that no setting of this machine's user counts. */
  readonly home: string;
  store(options?: Partial<GitStoreOptions>): StateStore;
  /** hook writes a hook of the bare repository, as a shell script. */
  hook(name: string, script: string): Promise<void>;
  log(format?: string): string[];
  close(): Promise<void>;
}

export const branch = 'sluice-state';

export const openWorld = async (): Promise<World> => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-git-'));
  const [bare, home] = [join(folder, 'bare.git'), join(folder, 'home')];
  await mkdir(home);
  git(['init', '--quiet', '--bare', bare]);
  const stores: StateStore[] = [];
  return {
    folder,
    bare,
    home,
    store: (options = {}) => {
      const store = gitStore({
        address: bare,
        branch,
        environment: {},
        commands: createCommandRunner({ path, home }),
        clock: systemClock(),
        who: { actor: '安', runUrl: 'https://ci.example.com/runs/7', commit: 'c0ffee' },
        rights: 'Add these lines.',
        redact: (text) => text,
        ...options,
      });
      stores.push(store);
      return store;
    },
    hook: async (name, script) => {
      const file = join(bare, 'hooks', name);
      await mkdir(join(bare, 'hooks'), { recursive: true });
      await writeFile(file, `#!/bin/sh\n${script}\n`);
      await chmod(file, 0o755);
    },
    log: (format = '%s') => git(['--git-dir', bare, 'log', `--format=${format}`, branch]).trim().split('\n'),
    close: async () => {
      for (const store of stores) await store.close?.();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** valueOf takes an outcome apart in a test. */
export const valueOf = <T>(outcome: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: object }): T => {
  if (outcome.ok) return outcome.value;
  throw new Error(JSON.stringify(outcome.problem));
};

/** watched notes every command line and its environment, and may put something between. */
export const watched = (home: string, seen: { argv: readonly string[]; environment: Readonly<Record<string, string>> }[]): CommandRunner => {
  const runner = createCommandRunner({ path, home });
  return {
    run: (request, signal) => {
      seen.push({ argv: request.argv, environment: request.environment ?? {} });
      return runner.run(request, signal);
    },
  };
};

/** GitServer is a bare repository over http, as a host serves it: with names and passwords, and with readers who may not push. */
export interface GitServer {
  readonly origin: string;
  /** break answers every further request like this. */
  fail(status: number | 'hangs' | undefined): void;
  close(): Promise<void>;
}

/** serve starts `git http-backend` behind a small server; `writer` may push and `reader` may not. */
export const serve = async (folder: string, { writer, reader }: { readonly writer: string; readonly reader: string }): Promise<GitServer> => {
  let failing: number | 'hangs' | undefined;
  const server: Server = createServer((request, response) => {
    if (failing === 'hangs') return;
    if (failing !== undefined) {
      response.writeHead(failing).end('broken');
      return;
    }
    const url = new URL(request.url ?? '/', 'http://localhost');
    const [, password = ''] = Buffer.from((request.headers.authorization ?? '').replace(/^basic /i, ''), 'base64').toString('utf8').split(':');
    if (![writer, reader].includes(password)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('who are you?');
      return;
    }
    if (password === reader && (url.searchParams.get('service') === 'git-receive-pack' || url.pathname.endsWith('git-receive-pack'))) {
      response.writeHead(403).end('remote: Write access to repository not granted.');
      return;
    }
    const child = spawn('git', ['http-backend'], {
      env: {
        PATH: path,
        GIT_PROJECT_ROOT: folder,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method ?? 'GET',
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        REMOTE_USER: 'writer',
        REMOTE_ADDR: '127.0.0.1',
      },
    });
    request.pipe(child.stdin).on('error', () => undefined);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('close', () => {
      const whole = Buffer.concat(chunks);
      const end = whole.indexOf('\r\n\r\n');
      const headers = whole.subarray(0, end).toString('utf8').split('\r\n').map((line) => line.split(': ') as [string, string]);
      const status = Number(headers.find(([name]) => name === 'Status')?.[1].slice(0, 3) ?? 200);
      response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status'))).end(whole.subarray(end + 4));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    fail: (status) => {
      failing = status;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};
