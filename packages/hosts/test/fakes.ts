import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, StepResult } from '@sluice/core';
import type { Writer } from '../src/index.ts';

/** Capture is a stream that remembers every byte. */
export interface Capture extends Writer {
  text(): string;
}

export const capture = (terminal?: { columns: number }): Capture => {
  const written: string[] = [];
  return {
    ...(terminal === undefined ? {} : { isTTY: true, columns: terminal.columns }),
    write: (text, done) => {
      written.push(text);
      done?.();
      return true;
    },
    text: () => written.join(''),
  };
};

export const captures = (terminal?: { columns: number }) => ({ stdout: capture(terminal), stderr: capture(terminal) });

/** steppedClock moves only when it is told to. */
export const steppedClock = (): Clock & { advance(milliseconds: number): void } => {
  let now = 0;
  return {
    factor: 1,
    now: () => now,
    elapsed: () => now,
    sleep: () => new Promise(() => undefined),
    advance: (milliseconds) => {
      now += milliseconds;
    },
  };
};

export const temporaryFolder = async (): Promise<{ readonly path: string; remove(): Promise<void> }> => {
  const path = await mkdtemp(join(tmpdir(), 'sluice-hosts-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
};

/** allText is everything in all files below a folder. */
export const allText = async (folder: string): Promise<string> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return (await Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8')))).join('\n');
};

export interface ApiCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** apiServer answers on loopback and remembers what it was asked. */
export const apiServer = async (answer: (call: ApiCall) => ApiAnswer | 'silence') => {
  const calls: ApiCall[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const call = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
      calls.push(call);
      const given = answer(call);
      if (given === 'silence') return;
      const { status, body } = given;
      response.writeHead(status, { 'content-type': 'application/json', 'x-github-request-id': 'ABCD:1' });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    calls,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};

export const result = (rest: Partial<StepResult> = {}): StepResult => ({
  step: 'deploy',
  status: 'passed',
  category: 'passed',
  reason: 'the draft holds the source',
  hint: '',
  outputs: {},
  evidence: null,
  startedAt: '2026-01-01T00:00:00.000Z',
  durationMs: 3200,
  ...rest,
});

/** tokenFor is an unsigned token in the form of a JSON Web Token, as a CI gives one to a job. */
export const tokenFor = (audience: string | readonly string[] | undefined): string =>
  ['{"alg":"none"}', JSON.stringify({ iss: 'https://ci.example.com', aud: audience }), 'a-signature-of-sixteen'].map((part) => Buffer.from(part).toString('base64url')).join('.');
