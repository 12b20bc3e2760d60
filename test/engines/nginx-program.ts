import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { GatewayKind } from '@sluice/gateway';

/** application is the one that the how-to speaks of. */
export const application = 'support-bot-production';

/** run runs a program. */
export const run = promisify(execFile);

/** wait waits for real. */
export const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** freePort is a port of loopback that nobody listened on a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** keys are what a client sends, and what a twin gets in its place. */
export const keys = { app: 'app-0123456789', twin: 'app-9876543210' } as const;

/** Documented are blocks of the how-to: the one of all applications, the server block of a kind, and the operator's own file of keys. */
interface Documented {
  readonly once: string;
  readonly server: string;
  readonly keys: string;
}

const documented = async (kind: GatewayKind): Promise<Documented> => {
  const page = await readFile(new URL('../../docs/gateway-nginx.md', import.meta.url), 'utf8');
  const [once, chat, workflow, twin] = [...page.matchAll(/```nginx\n([^`]*)```/g)].map(([, text]) => text);
  const [, , , operators] = [...page.matchAll(/```text\n([^`]*)```/g)].map(([, text]) => text);
  const server = { chat, workflow, twin }[kind];
  if (once === undefined || server === undefined || operators === undefined) throw new Error('docs/gateway-nginx.md has lost a block');
  return { once, server, keys: operators };
};

/** Nginx is a running nginx with the documented blocks. */
export interface Nginx {
  readonly origin: string;
  readonly include: string;
  /** command is the argument list that calls this nginx. */
  command(...argv: readonly string[]): string[];
  write(text: string): Promise<void>;
  run(...argv: readonly string[]): Promise<{ readonly code: number; readonly stderr: string }>;
  /** workers are the process ids that accept requests now. */
  workers(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** installed fails with the way to install nginx when it is missing. */
export const installed = async (): Promise<void> => {
  await run('nginx', ['-v']).catch(() => {
    throw new Error('nginx is not installed: apt-get install -y nginx-light');
  });
};

const mainConfig = (folder: string, http: string): string => `
daemon off;
${userInfo().uid === 0 ? `user ${userInfo().username};` : ''}
worker_processes 2;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path ${folder}/body;
    proxy_temp_path ${folder}/proxy;
    fastcgi_temp_path ${folder}/fastcgi;
    uwsgi_temp_path ${folder}/uwsgi;
    scgi_temp_path ${folder}/scgi;
${http}
}
`;

const stopped = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    child.once('exit', () => resolve());
    child.kill('SIGQUIT');
    // In-flight streams would hold a graceful stop back.
    setTimeout(() => child.kill('SIGTERM'), 1000).unref();
  });

/** NginxStart says what stands in front of what. */
export interface NginxStart {
  /** upstream is an origin. */
  readonly upstream: string;
  readonly kind: GatewayKind;
  /** text is the include file. */
  readonly text: string;
  readonly name?: string;
  /** swap are the keys of a twin: the app's, and its twin's. */
  readonly swap?: { readonly app: string; readonly twin: string };
}

/** startNginx runs the documented blocks with a port and folder of their own. */
export const startNginx = async ({ upstream, kind, text, name = application, swap = keys }: NginxStart): Promise<Nginx> => {
  const blocks = await documented(kind);
  const slots = (given: string): string => given.replaceAll('support_bot_production', name.replaceAll('-', '_'));
  return startServerBlocks(name, (folder, port) => {
    const [include, keyFile] = [join(folder, 'include.conf'), join(folder, 'keys.conf')];
    const http = slots(`${blocks.once}\n${blocks.server}`)
      .replace('127.0.0.1:5001', new URL(upstream).host)
      .replace('/etc/nginx/sluice/support-bot.conf', include)
      .replace('/etc/nginx/sluice/support-bot.keys', keyFile)
      .replace('listen 80;', `listen 127.0.0.1:${port};`)
      .replaceAll('/sluice/support-bot-production', `/sluice/${name}`)
      // The upstream of these tests answers to its own name only.
      .replaceAll('proxy_set_header Host $host;', `proxy_set_header Host ${new URL(upstream).host};`);
    const keyText = slots(blocks.keys).replace('app-KEY-OF-THE-APP', swap.app).replace('app-KEY-OF-ITS-TWIN', swap.twin);
    return { http, files: { [include]: text, [keyFile]: keyText } };
  });
};

/** startServerBlocks runs an nginx whose http context is given for its folder and port. It is up when it answers at /sluice/<name>. */
export const startServerBlocks = async (
  name: string,
  given: (folder: string, port: number) => { readonly http: string; readonly files: Readonly<Record<string, string>> },
): Promise<Nginx> => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-nginx-'));
  const port = await freePort();
  const include = join(folder, 'include.conf');
  const { http, files } = given(folder, port);
  for (const [path, content] of Object.entries(files)) await writeFile(path, content, { mode: 0o600 });
  await writeFile(join(folder, 'nginx.conf'), mainConfig(folder, http));
  const options = ['-p', folder, '-c', join(folder, 'nginx.conf')];
  const call = async (...argv: readonly string[]): Promise<{ code: number; stderr: string }> => {
    try {
      const { stderr } = await run('nginx', [...options, ...argv]);
      return { code: 0, stderr };
    } catch (error) {
      const { code, stderr } = error as { code: number; stderr: string };
      return { code, stderr };
    }
  };
  const tested = await call('-t');
  if (tested.code !== 0) {
    await rm(folder, { recursive: true, force: true });
    throw new Error(tested.stderr);
  }
  const child = spawn('nginx', options, { stdio: 'ignore' });
  const origin = `http://127.0.0.1:${port}`;
  let up = false;
  for (let tries = 0; tries < 100 && !up; tries += 1) {
    up = await fetch(`${origin}/sluice/${name}`).then((answer) => answer.ok, () => false);
    if (!up) await wait(50);
  }
  if (!up) {
    await stopped(child);
    throw new Error(`nginx does not answer; see ${folder}/error.log`);
  }
  return {
    origin,
    include,
    command: (...argv) => ['nginx', ...options, ...argv],
    write: (next) => writeFile(include, next),
    run: call,
    workers: async () => (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).trim().split(' '),
    close: async () => {
      await stopped(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
};
