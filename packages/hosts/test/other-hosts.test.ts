import { EventEmitter } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { detectHost, installCancellation, type HostOptions } from '../src/index.ts';
import { capture, captures, result, steppedClock, temporaryFolder } from './fakes.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const open = async (environment: Record<string, string>, options: Partial<HostOptions> = {}, streams = captures()) => {
  const own = join(folder.path, String(Math.random()).slice(2));
  await mkdir(own);
  const clock = steppedClock();
  const host = await detectHost(environment, streams, { folder: own, clock, ...options });
  return { host, streams, clock, folder: own };
};

const gitlab = { GITLAB_CI: 'true', CI: 'true' };
const jenkins = { JENKINS_URL: 'https://ci.example.com/' };
const failure = result({
  status: 'error', category: 'permission', reason: 'the token is not accepted', hint: 'Set DIFY_TOKEN.',
  problem: { category: 'permission', reason: 'the token is not accepted', tried: 'log in', where: 'https://dify.example.com', answer: { status: 401 }, hint: 'Set DIFY_TOKEN.' },
});

test.each([
  [{ GITHUB_ACTIONS: 'true', GITLAB_CI: 'true' }, 'github'],
  [gitlab, 'gitlab'],
  [jenkins, 'jenkins'],
  [{ CI: 'true', JENKINS_HOME: '/var/jenkins_home', CHANGE_ID: '3' }, 'jenkins'],
  [{ CI: 'true' }, 'terminal'],
  [{}, 'terminal'],
])('%j is %s', async (environment, name) => {
  expect((await open(environment)).host.name).toBe(name);
});

describe('GitLab', () => {
  test('groups are collapsible sections with names of their own', async () => {
    const { host, streams, clock } = await open(gitlab);
    clock.advance(5000);
    await host.group('Deploy\r\u001B[0Ksection_end:1:x', async () => host.log('inside'));
    await expect(host.group('two', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const marks = [...streams.stdout.text().matchAll(/\u001B\[0Ksection_(start|end):(\d+):(sluice_\d+_\d+)\r\u001B\[0K/g)].map((match) => match.slice(1, 4));
    expect(marks.map(([kind, at]) => [kind, at])).toEqual([['start', '5'], ['end', '5'], ['start', '5'], ['end', '5']]);
    expect(marks[0]?.[2]).toBe(marks[1]?.[2]);
    expect(marks[0]?.[2]).not.toBe(marks[2]?.[2]);
  });

  test('outputs are a dotenv report, one line each, the last value of a name wins', async () => {
    const { host, folder: own } = await open(gitlab);
    await host.outputs({ version: '12', reason: 'first' });
    await host.outputs({ reason: 'two\nSLUICE_VERSION=evil 中文 = ok' });
    expect(await readFile(join(own, 'sluice.env'), 'utf8')).toBe('SLUICE_VERSION=12\nSLUICE_REASON=two SLUICE_VERSION=evil 中文 = ok\n');
  });

  test('each step is a section with its ending below, also a step in a step; what has no frame is said without one', async () => {
    const { host, streams } = await open(gitlab);
    host.stepStarted('release');
    host.stepStarted('deploy');
    host.log('inside');
    host.stepEnded(result());
    host.stepEnded(result({ step: 'release' }));
    host.stepEnded(result({ step: 'sluice' }));
    // The format as docs.gitlab.com documents it under "Custom collapsible sections", the option [collapsed=true] with it.
    const mark = /\u001B\[0Ksection_(start|end):(\d+):([A-Za-z0-9_.-]+)(?:\[collapsed=true\])?\r\u001B\[0K/g;
    const lines = streams.stdout.text().replace(mark, (_, kind: string, at: string, name: string) => `<${kind} ${name.replace(/\d+_/, '')} ${at}>`).split('\n');
    expect(lines).toEqual([
      '<start sluice_1 0>release started', '<start sluice_2 0>deploy started', 'inside',
      '<end sluice_2 0>', 'deploy passed in 3.2 s: the draft holds the source',
      '<end sluice_1 0>', 'release passed in 3.2 s: the draft holds the source',
      'sluice passed in 3.2 s: the draft holds the source', '',
    ]);
  });

  test('SLUICE_DOTENV names the report; one that GitLab would refuse, and with it the job, is cut and said', async () => {
    const { host, folder: own, streams } = await open({ ...gitlab, SLUICE_DOTENV: 'reports/a.env' });
    await host.outputs({ long: '中'.repeat(4000), version: '12' });
    const report = await readFile(join(own, 'reports', 'a.env'), 'utf8');
    expect(report).toMatch(/^SLUICE_LONG=中{1300,}…\nSLUICE_VERSION=12\n$/);
    expect(Buffer.byteLength(report)).toBeLessThan(5120);
    expect(streams.stdout.text()).toMatch(/warning the dotenv report holds only the beginning of SLUICE_LONG; GitLab takes at most 5119 bytes/);
    await host.outputs(Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`a${index}`, 'x'.repeat(index * 100)])));
    expect(Buffer.byteLength(await readFile(join(own, 'reports', 'a.env')))).toBeLessThan(5120);
    expect(streams.stdout.text()).toContain('warning the dotenv report has 22 variables');
  });

  test('what a value quotes is not expanded in a later job: no server can have a secret put into an output', async () => {
    const { host, folder: own } = await open(gitlab);
    await host.outputs({ reason: 'the server said $DIFY_PASSWORD' });
    await host.outputs({ version: '1' });
    expect(await readFile(join(own, 'sluice.env'), 'utf8')).toBe('SLUICE_REASON=the server said $$DIFY_PASSWORD\nSLUICE_VERSION=1\n');
  });

  test('a report that cannot be written is a warning', async () => {
    const { host, streams } = await open({ ...gitlab, SLUICE_DOTENV: join(folder.path, 'file', 'x.env') });
    await writeFile(join(folder.path, 'file'), '');
    await host.outputs({ a: 'b' });
    expect(streams.stdout.text()).toContain('warning the dotenv report could not be written');
  });

  test('masking writes nothing', async () => {
    const { host, streams } = await open({ ...gitlab, CI_JOB_TOKEN: 'glcbt-64_abcdefgh' });
    host.mask('s3cret-value');
    host.log('s3cret-value glcbt-64_abcdefgh');
    expect(streams.stdout.text()).toBe('*** ***\n');
  });
});

describe('Jenkins', () => {
  test('outputs of all steps are one JSON object in the results folder', async () => {
    const { host, folder: own } = await open(jenkins);
    await host.outputs({ version: '12', reason: 'a' });
    await host.outputs({ reason: 'b\nc' });
    expect(JSON.parse(await readFile(join(own, '.sluice', 'results', 'outputs.json'), 'utf8'))).toEqual({ version: '12', reason: 'b c' });
  });

  test('SLUICE_OUTPUTS names a second file, of one output a line', async () => {
    const { host, folder: own } = await open({ ...jenkins, SLUICE_OUTPUTS: 'said.txt' });
    await host.outputs({ version: '12', reason: 'a' });
    await host.outputs({ reason: 'b\nstatus=passed 中文 = ok' });
    expect(await readFile(join(own, 'said.txt'), 'utf8')).toBe('version=12\nreason=a\nreason=b status=passed 中文 = ok\n');
    expect(await readFile(join(own, '.sluice', 'results', 'outputs.json'), 'utf8')).toContain('"version": "12"');
  });

  test('a broken outputs file is a warning', async () => {
    const { host, streams, folder: own } = await open({ ...jenkins, SLUICE_RESULTS: 'r' });
    await mkdir(join(own, 'r'));
    await writeFile(join(own, 'r', 'outputs.json'), '{');
    await host.outputs({ a: 'b' });
    expect(streams.stdout.text()).toContain('warning the outputs could not be written');
  });

  test('a failed step says everything that is known, the reason once', async () => {
    const { host, streams } = await open(jenkins);
    host.stepEnded(failure);
    expect(streams.stdout.text()).toBe(
      'deploy error in 3.2 s: the token is not accepted\n  tried: log in\n  where: https://dify.example.com\n  answer: HTTP 401\n  next: Set DIFY_TOKEN.\n',
    );
  });
});

describe('the end of a step that is composed of others', () => {
  const inner = result({ ...failure, step: 'canary' });
  const composed = { ...failure, step: 'release', steps: [result(), inner] };

  test('repeats nothing that they have said', async () => {
    const { host, streams } = await open(jenkins);
    host.stepEnded(result(composed));
    expect(streams.stdout.text()).toBe('release error in 3.2 s: the token is not accepted\n');
  });

  test('gives a hint of its own', async () => {
    const { host, streams } = await open(jenkins);
    const { problem: _problem, ...rest } = composed;
    host.stepEnded(result({ ...rest, hint: 'Run rollback now.' }));
    expect(streams.stdout.text()).toBe('release error in 3.2 s: the token is not accepted\n  next: Run rollback now.\n');
  });

  test('says what only it knows: that the way back failed, and what to do', async () => {
    const { host, streams } = await open(jenkins);
    const problem = { category: 'permission', reason: 'the weights could not be set', where: 'https://gateway.example.com', hint: 'Run rollback now.' } as const;
    host.stepEnded(result({ ...composed, hint: 'Users may still meet the new version. Run rollback now.', problem }));
    expect(streams.stdout.text()).toBe(
      'release error in 3.2 s: the token is not accepted\n  where: https://gateway.example.com\n  next: Users may still meet the new version. Run rollback now.\n',
    );
  });
});

describe('progress', () => {
  test('in a CI log is a line when its label changes, and every 30 s', async () => {
    const { host, streams, clock } = await open(gitlab);
    const tick = (label: string, text: string): void => {
      host.progress({ label, share: 0.254, text });
      clock.advance(10_000);
    };
    for (const answers of [1, 2, 3, 4, 5]) tick('canary 5 %', `${answers} answers`);
    tick('canary 25 %', '6 answers');
    tick('canary 5 %', '7 answers');
    expect(streams.stdout.text()).toBe('canary 5 %: 1 answers\ncanary 5 %: 4 answers\ncanary 25 %: 6 answers\ncanary 5 %: 7 answers\n');
  });

  test.each<[string, Record<string, string>, Partial<HostOptions>]>([
    ['on a CI', { CI: 'true' }, {}],
    ['on a dumb terminal', { TERM: 'dumb' }, {}],
  ])('%s is plain lines without control characters', async (_, environment, options) => {
    const streams = captures({ columns: 60 });
    const { host } = await open(environment, options, streams);
    host.progress({ label: 'a', share: 0.5, text: 'b' });
    host.stepStarted('deploy');
    host.stepEnded(result());
    expect(streams.stdout.text()).toBe('a: b\ndeploy started\ndeploy passed in 3.2 s: the draft holds the source\n');
  });

  test('goes to standard error when standard output is no terminal', async () => {
    const streams = { stdout: capture(), stderr: capture({ columns: 60 }) };
    const { host } = await open({}, {}, streams);
    host.progress({ label: 'a', share: 1, text: 'b' });
    host.log('a line');
    expect(streams.stdout.text()).toBe('a line\n');
    expect(streams.stderr.text()).toContain('a  [########################]  b');
  });

  test('with --json leaves standard output to the document', async () => {
    const streams = captures({ columns: 60 });
    const { host } = await open({}, { json: true }, streams);
    host.progress({ label: 'a', share: 1, text: 'b' });
    host.stepEnded(result());
    host.print('{}');
    await host.outputs({ a: 'b' });
    expect(streams.stdout.text()).toBe('{}\n');
  });
});

describe('a terminal', () => {
  test.each([[{}, true], [{ NO_COLOR: '1' }, false], [{ NO_COLOR: '' }, true], [{ TERM: 'dumb' }, false]])('with %j is coloured: %s', async (environment, coloured) => {
    const streams = captures({ columns: 80 });
    const { host } = await open(environment, {}, streams);
    host.stepEnded(result());
    const status = coloured ? '\u001B[32mpassed\u001B[39m' : 'passed';
    expect(streams.stdout.text()).toBe(`deploy ${status} in 3.2 s: the draft holds the source\n`);
  });
});

test('summaries are kept in the results folder where the CI has no page for them', async () => {
  const { host, folder: own } = await open(gitlab);
  host.mask('s3cret-value');
  await host.summary('# one s3cret-value');
  await host.summary('# two');
  expect(await readFile(join(own, '.sluice', 'results', 'summary.md'), 'utf8')).toBe('# one ***\n# two\n');
});

test('cancellation fires once and tells every signal', () => {
  const source = new EventEmitter();
  const told: [string, number][] = [];
  let aborted = 0;
  const cancellation = installCancellation(source, (signal, times) => void told.push([signal, times]));
  cancellation.signal.addEventListener('abort', () => (aborted += 1));
  expect(cancellation.signal.aborted).toBe(false);
  source.emit('SIGINT');
  source.emit('SIGTERM');
  source.emit('SIGINT');
  expect(cancellation.signal.aborted).toBe(true);
  expect([aborted, told]).toEqual([1, [['SIGINT', 1], ['SIGTERM', 2], ['SIGINT', 3]]]);
  cancellation.uninstall();
  expect([source.listenerCount('SIGINT'), source.listenerCount('SIGTERM')]).toEqual([0, 0]);
});
