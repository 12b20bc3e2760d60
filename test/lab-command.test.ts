import { afterEach, describe, expect, test } from '@jest/globals';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';
import { repository } from './sluice-process.ts';

interface RunningLab {
  readonly process: ChildProcess;
  /** printed is standard output once it has a whole text that `complete` accepts. */
  printed(complete: (text: string) => boolean): Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

const startLab = (...argv: readonly string[]): RunningLab => {
  const child = spawn(process.execPath, [join(repository, 'dist', 'index.js'), 'lab', ...argv], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] ?? '' } });
  running.push(child);
  const texts = { stdout: '', stderr: '' };
  const waiting: (() => void)[] = [];
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      texts[name] += chunk;
      for (const look of waiting) look();
    });
  }
  return {
    process: child,
    printed: (complete) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (complete(texts.stdout)) resolve(texts.stdout);
        };
        waiting.push(look);
        look();
      }),
    ended: new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, ...texts }));
    }),
  };
};

const wholeLine = (text: string): boolean => text.endsWith('\n');

interface Asked {
  readonly status: number;
  readonly text: string;
}

const ask = (address: string, headers: Readonly<Record<string, string>> = {}): Promise<Asked> =>
  new Promise((resolve, reject) => {
    const asking = request(address, { headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asking.on('error', reject);
    asking.end();
  });

const origins = ['SLUICE_LAB_DIFY', 'SLUICE_LAB_GATEWAY', 'SLUICE_LAB_AGENTRUN_CONTROL', 'SLUICE_LAB_AGENTRUN_DATA', 'SLUICE_LAB_CONTROL', 'SLACK_WEBHOOK', 'DINGTALK_WEBHOOK', 'WEBHOOK_URL'] as const;

const stop = async (lab: RunningLab, signal: NodeJS.Signals): Promise<void> => {
  const before = performance.now();
  lab.process.kill(signal);
  const ended = await lab.ended;
  expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
  expect(performance.now() - before).toBeLessThan(6000);
  expect(() => process.kill(lab.process.pid ?? 0, 0)).toThrow(/ESRCH/);
};

describe('lab', () => {
  test('prints one line of JSON, and its servers answer until it is interrupted', async () => {
    const lab = startLab('--json');
    const text = await lab.printed(wholeLine);
    expect(text.split('\n')).toHaveLength(2);
    const variables = JSON.parse(text) as Record<string, string>;
    for (const name of origins) {
      const address = variables[name] ?? '';
      expect({ name, address }).toEqual({ name, address: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+/) });
      expect({ name, status: (await ask(address)).status }).toEqual({ name, status: expect.any(Number) });
      // A page in a browser that reaches the port under a name of its own gets nothing.
      expect({ name, status: (await ask(address, { host: 'attacker.example.com' })).status }).toEqual({ name, status: 421 });
    }
    const setup = await ask(`${variables['SLUICE_LAB_DIFY'] ?? ''}/console/api/setup`);
    expect(setup.status).toBe(200);

    const control = `${variables['SLUICE_LAB_CONTROL'] ?? ''}/messages`;
    expect((await ask(control)).status).toBe(401);
    expect((await ask(control, { authorization: 'Bearer wrong' })).status).toBe(401);
    const messages = await ask(control, { authorization: `Bearer ${variables['SLUICE_LAB_TOKEN'] ?? ''}` });
    expect({ status: messages.status, value: JSON.parse(messages.text) as unknown }).toEqual({ status: 200, value: { messages: [], refused: expect.anything() } });

    await stop(lab, 'SIGINT');
    for (const name of origins) await expect(ask(variables[name] ?? '')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('prints exports that sh reads, the same names as in JSON, with other credentials at each start', async () => {
    const [one, other] = [startLab(), startLab('--json')];
    const text = await one.printed((printed) => printed.includes('SLUICE_LAB_TOKEN=') && wholeLine(printed));
    const json = JSON.parse(await other.printed(wholeLine)) as Record<string, string>;
    const read = execFileSync('/bin/sh', ['-eu', '-c', `${text}\nenv`], { env: {}, encoding: 'utf8' });
    const variables = Object.fromEntries(read.split('\n').flatMap((line) => (/^[A-Z_]+=/.test(line) ? [[line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]] : [])));
    const names = Object.keys(json);
    expect(names.filter((name) => variables[name] === undefined || variables[name] === '')).toEqual([]);
    expect(text.split('\n').filter((line) => line !== '')).toHaveLength(names.length);
    for (const name of ['DIFY_PASSWORD', 'SLUICE_LAB_TOKEN', 'ALIBABA_CLOUD_ACCESS_KEY_SECRET', 'AGENTRUN_API_KEY', 'DINGTALK_SECRET']) {
      expect(variables[name]?.length).toBeGreaterThan(7);
      expect(variables[name]).not.toBe(json[name]);
    }
    await stop(one, 'SIGTERM');
    await stop(other, 'SIGINT');
  });

  test('has a help of its own, and starts nothing for it', async () => {
    const ended = await startLab('--help').ended;
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/^lab: .*until it is interrupted\.\n[^]*--json/);
    expect(ended.stdout).not.toContain('Exit codes');
  });

  test('takes no words and no flags of its own', async () => {
    const ended = await startLab('somewhere').ended;
    expect(ended.code).toBe(2);
    expect(ended.stdout).toMatch(/a word too many/);
  });
});
