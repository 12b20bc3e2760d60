import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Host } from '@sluice/core';
import fc from 'fast-check';
import { detectHost } from '../src/index.ts';
import { allText, captures, result, steppedClock, temporaryFolder } from './fakes.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const before = { output: process.env.GITHUB_OUTPUT, summary: process.env.GITHUB_STEP_SUMMARY };
beforeAll(async () => {
  folder = await temporaryFolder();
  process.env.GITHUB_OUTPUT = join(folder.path, 'github-output');
  process.env.GITHUB_STEP_SUMMARY = join(folder.path, 'github-summary.md');
  await writeFile(process.env.GITHUB_OUTPUT, '');
  await writeFile(process.env.GITHUB_STEP_SUMMARY, '');
});
afterAll(async () => {
  for (const [name, value] of [['GITHUB_OUTPUT', before.output], ['GITHUB_STEP_SUMMARY', before.summary]] as const) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
  await folder.remove();
});

const environments: Readonly<Record<Host['name'], Record<string, string>>> = {
  github: { GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'push', GITHUB_OUTPUT: 'set' },
  gitlab: { GITLAB_CI: 'true' },
  jenkins: { JENKINS_URL: 'x' },
  bitbucket: { BITBUCKET_BUILD_NUMBER: '1' },
  circleci: { CIRCLECI: 'true' },
  yunxiao: { PIPELINE_ID: '1', BUILD_NUMBER: '2', BUILD_EXECUTOR: 'li' },
  terminal: {},
};

/** sayEverywhere puts a text through every door of a host. */
const sayEverywhere = async (host: Host, text: string): Promise<void> => {
  host.log(text);
  host.warn(text);
  host.annotate({ rule: text, severity: 'error', message: text, place: { file: text, line: 1 }, hint: text });
  host.progress({ label: text, share: 0.5, text });
  host.stepStarted(text);
  const problem = { category: 'gate', reason: text, tried: text, where: text, answer: { message: text, code: text }, hint: text } as const;
  host.stepEnded(result({ step: text, reason: text, status: 'failed', category: 'gate', hint: text, problem }));
  await host.group(text, async () => host.log(text));
  await host.outputs({ reason: text, version: `a${text}b` });
  await host.summary(text);
  host.print(text);
  await host.close();
};

const written = async (name: Host['name'], terminal: boolean, act: (host: Host) => Promise<void>): Promise<string> => {
  const streams = captures(terminal ? { columns: 500 } : undefined);
  const own = join(folder.path, `${name}-${terminal}`);
  await mkdir(own, { recursive: true });
  // The files that a CI names for what is handed on.
  const handedOn = { BITBUCKET_PIPELINES_VARIABLES_PATH: join(own, 'variables'), BASH_ENV: join(own, 'bash-env'), FLOW_ENV: join(own, 'flow-env') };
  const host = await detectHost({ ...handedOn, ...environments[name] }, streams, { folder: own, clock: steppedClock() });
  await act(host);
  const log = streams.stdout.text() + streams.stderr.text();
  // The runner takes the lines that mask out of the log.
  return log.replace(/^::add-mask::.*\n/gm, '') + (await allText(folder.path));
};

const hosts: [Host['name'], boolean][] = [['github', false], ['gitlab', false], ['jenkins', false], ['bitbucket', false], ['circleci', false], ['yunxiao', false], ['terminal', false], ['terminal', true]];

describe.each(hosts)('%s (live: %s)', (name, terminal) => {
  test('a secret and its forms are in no byte that is written', async () => {
    const secrets = ['p@ss w0rd/+&"1"', 'sk-密钥-0123456789', '-----BEGIN KEY-----\nabcdefghij0123456789\n-----END KEY-----'];
    const forms = secrets.flatMap((secret) => [
      secret,
      Buffer.from(secret).toString('base64'),
      Buffer.from(secret).toString('base64url'),
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
    ]);
    const text = await written(name, terminal, async (host) => {
      for (const secret of secrets) host.mask(secret);
      for (const form of forms) await sayEverywhere(host, `before ${form} after`);
    });
    expect(text).toContain('***');
    for (const form of forms) expect(text).not.toContain(form);
    expect(text).not.toContain('abcdefghij0123456789');
  });

  test('a secret with something invisible inside does not appear either', async () => {
    const text = await written(name, terminal, async (host) => {
      host.mask('hidden-secret-77');
      host.mask('key##[part-42');
      host.log('broken key##[part-42');
      host.log('hidden-\u0000secret-77 hidden\u001B[1m-secret-77');
      await host.outputs({ reason: 'hidden-\u0007secret-77' });
    });
    expect(text).not.toContain('hidden-secret-77');
    expect(text).not.toContain('part-42');
  });

  test('no text from a server begins a line that a CI system obeys', async () => {
    const hostile = ['::set-output name=a::b', '::add-mask::a', '##[command]rm', '##[add-mask]a', '\u001D+ rm -rf', 'x\n::error::y', 'x\r::stop-commands::t', 'section_start:1:a\r\u001B[0Kt', '\u001B[0Ksection_end:1:a\r\u001B[0K', '\u001B]8;;https://evil\u0007x'];
    const streams = captures(terminal ? { columns: 500 } : undefined);
    const host = await detectHost(environments[name], streams, { folder: join(folder.path, 'hostile'), clock: steppedClock() });
    for (const text of hostile) {
      host.log(text);
      host.warn(text);
      host.annotate({ rule: 'r', severity: 'notice', message: text, place: { file: 'f' } });
      host.progress({ label: text, text });
      host.stepStarted(text);
      host.stepEnded(result({ step: text, reason: text, status: 'failed', category: 'gate' }));
      await host.group(text, async () => undefined);
    }
    const log = streams.stdout.text() + streams.stderr.text();
    const own = name === 'github' ? /^::(?:warning|notice|error|group|endgroup)(?: [^:]*)?::/ : /^$/;
    for (const line of log.split('\n')) {
      expect(line).not.toMatch(/^\s*(?:##\[)/);
      if (/^\s*::/.test(line)) expect(line).toMatch(own);
      // On GitHub only these properties come from Sluice; the rest of the line is data.
      expect(line.replace(own, '')).not.toMatch(/\u001B\]/);
    }
    if (name === 'gitlab') expect(log.match(/section_(?:start|end):\d+:(?!sluice_)[a-z]+\r/g)).toBeNull();
    else expect(log).not.toMatch(/section_(?:start|end):\d+:a\r/);
  });
});

test('whatever is said, masked text stays masked in the log and in one line', async () => {
  const secret = 'sEcr3t-of-the-run';
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), async (left, right) => {
      const streams = captures();
      const host = await detectHost({ JENKINS_URL: 'x' }, streams, { folder: folder.path, clock: steppedClock() });
      host.mask(secret);
      host.log(`${left}${secret}${right}`);
      const log = streams.stdout.text();
      expect(log).not.toContain(secret);
      expect(log.split('\n')).toHaveLength(2);
    }),
    { seed: 13, numRuns: 200 },
  );
});
