import { spawn, type ChildProcess } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createCommandRunner, done, failed, systemClock, type FilePort, type Split, type Traffic } from '@sluice/core';
import { createNginxGateway, renderInclude } from '@sluice/gateway';
import { connectionOf, gatewayOf } from '../../packages/gateway/test/ports.ts';
import type { LabServer } from '../../packages/lab/src/server.ts';
import { application, freePort, installed, run, startNginx, wait, type Nginx } from './nginx-program.ts';
import { armOf, forms, seenBy, startUpstream } from './recording-upstream.ts';

const stable = '0b9c7a52-6a1f-4c1e-9d0a-3f1a2b3c4d5e';
const candidate = '018f3a52-6a1f-7c1e-9d0a-3f1a2b3c4d5e';
const nothing: Split = { stable: '', weight: 0 };
const pinned: Split = { stable, weight: 0 };

/** Machine is OpenSSH's own server on loopback, with keys of its own, and how to run a command through it. */
interface Machine {
  over(command: string): string[];
  close(): Promise<void>;
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
    child.kill();
  });

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => socket.destroy());
    socket.once('error', () => undefined);
    socket.once('close', (failedToConnect) => resolve(!failedToConnect));
  });

const startMachine = async (): Promise<Machine> => {
  await run('/usr/sbin/sshd', ['-V']).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new Error('sshd is not installed: apt-get install -y openssh-server');
  });
  const folder = await mkdtemp(join(tmpdir(), 'sluice-sshd-'));
  const at = (name: string): string => join(folder, name);
  const port = await freePort();
  for (const name of ['host', 'user']) await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  await writeFile(at('authorized'), await readFile(at('user.pub')));
  await writeFile(at('known'), `[127.0.0.1]:${port} ${await readFile(at('host.pub'), 'utf8')}`);
  const options = [`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${at('host')}`, `AuthorizedKeysFile ${at('authorized')}`, 'PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'UsePAM no', 'StrictModes no', 'PermitRootLogin prohibit-password', `PidFile ${at('pid')}`];
  await writeFile(at('config'), `${options.join('\n')}\n`);
  // OpenSSH's server needs this folder where it is built with privilege separation, which a package's service makes at boot.
  if (userInfo().uid === 0) await run('mkdir', ['-p', '-m', '755', '/run/sshd']);
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', at('config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (part: Buffer) => (said += part.toString()));
  const close = async (): Promise<void> => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 100; tries += 1) {
    if (await listens(port)) {
      const client = ['ssh', '-F', 'none', '-o', 'BatchMode=yes', '-o', `UserKnownHostsFile=${at('known')}`, '-i', at('user'), '-p', String(port), `${userInfo().username}@127.0.0.1`];
      return { over: (command) => [...client, command], close };
    }
    await wait(50);
  }
  await close();
  throw new Error(`sshd does not answer: ${said}`);
};

let machine: Machine;
let upstream: LabServer;
let nginx: Nginx;
beforeAll(async () => {
  await installed();
  machine = await startMachine();
  upstream = await startUpstream();
  const text = renderInclude(nothing, { application, kind: 'chat' });
  if (!text.ok) throw new Error(text.problem.reason);
  nginx = await startNginx({ upstream: upstream.origin, kind: 'chat', text: text.value });
});
afterAll(async () => {
  await nginx.close();
  await upstream.close();
  await machine.close();
});

const noFiles: FilePort = {
  read: async () => failed({ category: 'defect', reason: 'the disk of this machine was read' }),
  write: async () => failed({ category: 'defect', reason: 'the disk of this machine was written' }),
};

/** remoteTraffic reaches everything of the gateway's machine over SSH, and asks it over HTTP. */
const remoteTraffic = (change: { readonly write?: string; readonly test?: string } = {}): Traffic => {
  const configured = gatewayOf(nginx.include, `${nginx.origin}/v1`);
  const commands = {
    read: machine.over(`cat ${nginx.include}`),
    write: machine.over(change.write ?? `cat > ${nginx.include}.new && mv ${nginx.include}.new ${nginx.include}`),
    test: machine.over(change.test ?? nginx.command('-t').join(' ')),
    reload: machine.over(nginx.command('-s', 'reload').join(' ')),
  };
  const connection = connectionOf({ clock: systemClock(), files: noFiles, commands: createCommandRunner({ path: `${process.env['PATH'] ?? ''}:/usr/sbin`, home: tmpdir() }) });
  return createNginxGateway({ application, kind: 'chat', gateway: { ...configured, nginx: { ...configured.nginx, ...commands } }, api: 'https://dify.example.com/v1', connection });
};

const armsNow = async (): Promise<ReadonlySet<string | undefined>> => {
  const path = forms.find(({ kind }) => kind === 'chat')?.path ?? '';
  const seen = await Promise.all(Array.from({ length: 60 }, (_, index) => seenBy(nginx.origin + path, JSON.stringify({ user: `user-${index}` }))));
  return new Set(seen.map((one) => armOf('chat', { stable, candidate }, one)));
};

test('a gateway on another machine is pinned, split and closed over SSH', async () => {
  const traffic = remoteTraffic();
  const share: Split = { stable, candidate, weight: 50 };
  expect(await traffic.set(nothing, pinned)).toEqual(done({ split: pinned, reach: 'serving' }));
  expect(await armsNow()).toEqual(new Set([stable]));
  expect(await traffic.set(pinned, share)).toEqual(done({ split: share, reach: 'serving' }));
  expect(await armsNow()).toEqual(new Set([stable, candidate]));
  expect(await traffic.set(share, pinned)).toEqual(done({ split: pinned, reach: 'serving' }));
  expect(await armsNow()).toEqual(new Set([stable]));
});

test('tee does as well', async () => {
  const split: Split = { stable: candidate, weight: 0 };
  const traffic = remoteTraffic({ write: `tee ${nginx.include}` });
  expect(await traffic.set(pinned, split)).toEqual(done({ split, reach: 'serving' }));
  expect(await traffic.set(split, pinned)).toEqual(done({ split: pinned, reach: 'serving' }));
});

test.each([
  ['nginx refuses the file', { test: 'echo "[emerg] no such thing" >&2; exit 1' }, /ended with exit code 1; the include file of before was put back/],
  ['the write fails', { write: 'head -c 50 > /dev/null; exit 3' }, /ended with exit code 3/],
  ['the write writes elsewhere', { write: `cat > /dev/null` }, /does not print what it was given/],
])('the file and the split stay as they were when %s', async (_, change, said) => {
  const before = await readFile(nginx.include, 'utf8');
  const set = await remoteTraffic(change).set(pinned, { stable, candidate, weight: 5 });
  expect(set).toMatchObject({ ok: false, problem: { category: 'platform', reason: expect.stringMatching(said) } });
  expect(await readFile(nginx.include, 'utf8')).toBe(before);
  expect(await armsNow()).toEqual(new Set([stable]));
});

test('a file that somebody changed by hand over there is noticed', async () => {
  const before = await readFile(nginx.include, 'utf8');
  await appendFile(nginx.include, 'map "" $mine { default 1; }\n');
  const set = await remoteTraffic().set(pinned, { stable, candidate, weight: 5 });
  expect(set).toMatchObject({ ok: false, problem: { category: 'conflict' } });
  await writeFile(nginx.include, before);
});
