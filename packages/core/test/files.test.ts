import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createFilePort } from '../src/files/file-port.ts';
import { readFileText } from '../src/files/read-text.ts';
import { resultOf, type StepResult } from '../src/result.ts';
import { resultsFolder, type Attachments } from '../src/results/folder.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-core-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const isRoot = process.getuid?.() === 0;

describe('readFileText', () => {
  test('reads UTF-8 without its byte order mark', async () => {
    await writeFile(join(folder, 'a.yml'), '\uFEFFname: 客服\r\n');
    expect(await readFileText(join(folder, 'a.yml'), 'a.yml')).toEqual({ ok: true, value: 'name: 客服\r\n' });
  });

  test.each<[string, (path: string) => Promise<unknown>, RegExp]>([
    ['missing', async () => undefined, /^a.yml does not exist$/],
    ['a folder', (path) => mkdir(path), /^a.yml is a folder, not a file$/],
    ['GBK', (path) => writeFile(path, Uint8Array.from([0xbf, 0xcd, 0xb7, 0xfe])), /^a.yml is not UTF-8 text; it looks like GBK$/],
    ['UTF-16', (path) => writeFile(path, Buffer.from('name: a', 'utf16le')), /looks like UTF-16$/],
  ])('%s', async (_name, make, reason) => {
    await make(join(folder, 'a.yml'));
    const read = await readFileText(join(folder, 'a.yml'), 'a.yml');
    expect(read).toMatchObject({ ok: false, problem: { category: 'input', where: 'a.yml' } });
    expect(read.ok ? '' : read.problem.reason).toMatch(reason);
  });

  test('a large file is refused before it is read', async () => {
    await writeFile(join(folder, 'big'), '');
    await truncate(join(folder, 'big'), 20 * 1024 ** 3);
    expect(await readFileText(join(folder, 'big'), 'big')).toMatchObject({ ok: false, problem: { reason: 'big has 20480 MB; at most 10 MB are read' } });
  });

  test('a path through a file, and one with NUL', async () => {
    await writeFile(join(folder, 'file'), '');
    expect(await readFileText(join(folder, 'file', 'below'), 'file/below')).toMatchObject({ ok: false, problem: { reason: 'file/below cannot be read: a part of the path is not a folder' } });
    expect(await readFileText('a\0b', 'a?b')).toMatchObject({ ok: false, problem: { category: 'input' } });
  });

  (isRoot ? test.skip : test)('a file without permission (not for root)', async () => {
    await writeFile(join(folder, 'closed'), 'x');
    await chmod(join(folder, 'closed'), 0);
    expect(await readFileText(join(folder, 'closed'), 'closed')).toMatchObject({ ok: false, problem: { reason: 'closed cannot be read: permission denied' } });
  });
});

describe('file port', () => {
  const files = createFilePort();
  const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

  test('writes a new file with 0644 and its folders, and leaves nothing else', async () => {
    const path = join(folder, 'a', 'b.conf');
    expect(await files.read(path)).toEqual({ ok: true, value: undefined });
    expect(await files.write(path, '内容\n')).toEqual({ ok: true, value: undefined });
    expect(await files.read(path)).toEqual({ ok: true, value: '内容\n' });
    expect(await modeOf(path)).toBe(0o644);
    expect(await readdir(join(folder, 'a'))).toEqual(['b.conf']);
  });

  test.each([0o600, 0o664, 0o666])('keeps the mode %o of a file', async (mode) => {
    const path = join(folder, 'kept');
    await writeFile(path, 'old');
    await chmod(path, mode);
    await files.write(path, 'new');
    expect([await modeOf(path), await readFile(path, 'utf8')]).toEqual([mode, 'new']);
  });

  test('refuses symbolic links and folders', async () => {
    await writeFile(join(folder, 'real'), 'untouched');
    await symlink(join(folder, 'real'), join(folder, 'link'));
    for (const path of [join(folder, 'link'), folder]) {
      expect(await files.write(path, 'x')).toMatchObject({ ok: false, problem: { category: 'input' } });
      expect(await files.read(path)).toMatchObject({ ok: false, problem: { category: 'input' } });
    }
    expect(await readFile(join(folder, 'real'), 'utf8')).toBe('untouched');
  });
});

describe('results folder', () => {
  const result = (step: string, reason: string, outputs: Readonly<Record<string, string>> = {}): StepResult =>
    resultOf(step, { category: 'passed', reason, outputs, evidence: { list: [1, reason, null], missing: undefined } }, { version: '' }, new Date(0), 12.4);
  const opened = (redact: (text: string) => string = (text) => text) => {
    const notes: string[] = [];
    return { notes, results: resultsFolder(join(folder, 'results'), redact, (line) => notes.push(line)) };
  };

  test('counts up and gives the newest of a step', async () => {
    const { results } = opened();
    expect(await results.newest('deploy')).toBeUndefined();
    for (const [step, reason] of [['deploy', 'first'], ['canary', 'x'], ['deploy', 'second']] as const) await results.write(result(step, reason));
    expect((await readdir(join(folder, 'results'))).toSorted()).toEqual(['01-deploy.json', '02-canary.json', '03-deploy.json']);
    expect(await results.newest('deploy')).toMatchObject({ step: 'deploy', status: 'passed', category: 'passed', reason: 'second', outputs: { version: '' }, evidence: { list: [1, 'second', null] } });
  });

  describe('what is attached', () => {
    const attached = (attachments: Attachments, redact: (text: string) => string = (text) => text) => {
      const notes: string[] = [];
      return { notes, results: resultsFolder(join(folder, 'results'), redact, (line) => notes.push(line), attachments) };
    };
    const at = (name: string): string => join(folder, 'results', name);

    test('is made from the redacted document, lies beside it, is its owner\'s alone, and the last one of a name stays', async () => {
      const { results, notes } = attached(async ({ reason }, base) => ({ [`${base}.svg`]: `<${reason}>`, 'report.html': `<p>${reason}` }), (text) => text.replaceAll('s3cret', '***'));
      await results.write(result('canary', 'the s3cret one'));
      await results.write(result('release', 'two'));
      expect((await readdir(join(folder, 'results'))).toSorted()).toEqual(['01-canary.json', '01-canary.svg', '02-release.json', '02-release.svg', 'report.html']);
      expect(await readFile(at('01-canary.svg'), 'utf8')).toBe('<the *** one>');
      expect(await readFile(at('report.html'), 'utf8')).toBe('<p>two');
      expect((await stat(at('report.html'))).mode & 0o777).toBe(0o600);
      expect(notes).toEqual([]);
    });

    test('is written in place of a link, never through it', async () => {
      await mkdir(join(folder, 'results'));
      await writeFile(join(folder, 'other'), 'untouched');
      await symlink(join(folder, 'other'), at('report.html'));
      await attached(async () => ({ 'report.html': 'mine' })).results.write(result('release', 'x'));
      expect([await readFile(join(folder, 'other'), 'utf8'), await readFile(at('report.html'), 'utf8')]).toEqual(['untouched', 'mine']);
    });

    /** reporting remembers of which results the reports were made last, as `step reason`. */
    const reporting = (redact?: (text: string) => string) => {
      let job: readonly string[] = [];
      const { results, notes } = attached(async (_result, _base, all) => {
        job = all.map(({ step, reason }) => `${step} ${reason}`);
        return { 'all.txt': job.join('\n') };
      }, redact);
      return { results, notes, job: () => job };
    };
    const inRun = (step: string, reason: string, run: string, job?: string): StepResult => ({ ...result(step, reason), run, ...(job === undefined ? {} : { job }) });

    test('is told of all results of the job, of no other run, and of no job whose folder was handed on', async () => {
      const { results, notes, job } = reporting();
      for (const made of [inRun('validate', 'other run', '6', 'a'), inRun('validate', 'other job', '7', 'a'), inRun('validate', 'first', '7', 'b'), inRun('deploy', 'second', '7', 'b'), inRun('validate', 'third', '7', 'b')]) await results.write(made);
      expect(job()).toEqual(['validate first', 'deploy second', 'validate third']);
      expect(await readFile(at('all.txt'), 'utf8')).toBe('validate first\ndeploy second\nvalidate third');
      await results.write(inRun('deploy', 'no job', '7'));
      expect([job(), notes]).toEqual([['deploy no job'], []]);
    });

    test('is told of the newest result of each step where the host knows no run', async () => {
      const { results, job } = reporting();
      for (const [step, reason] of [['validate', 'old'], ['deploy', 'x'], ['validate', 'new']] as const) await results.write(result(step, reason));
      await results.write({ ...result('validate', 'there'), environment: 'staging' });
      expect(job()).toEqual(['deploy x', 'validate new', 'validate there']);
    });

    test('is told nothing of what is damaged, and of a problem with what is known of it', async () => {
      await mkdir(join(folder, 'results'));
      const problem = { category: 'platform', reason: 'r', where: 'https://x.example.com', answer: { status: 502 } } as const;
      await writeFile(at('01-a.json'), '{"step": "a"');
      await writeFile(at('02-b.json'), JSON.stringify({ ...result('b', 'x'), problem: { category: 'passed', reason: 'r' } }));
      await writeFile(at('03-c.json'), JSON.stringify({ ...result('c', 'x'), problem }));
      await mkdir(at('04-d.json'));
      let problems: unknown;
      const { results, notes } = attached(async (_result, _base, job) => {
        problems = job.map((one) => one.problem);
        return {};
      });
      expect(await results.write(result('e', 'x'))).toMatchObject({ ok: true });
      expect([problems, notes]).toEqual([[problem, undefined], []]);
    });

    test('is told no secret, also none that control characters part, in this process or an earlier one', async () => {
      const { results, job } = reporting((text) => text.replaceAll('s3cret', '***'));
      await mkdir(join(folder, 'results'));
      await writeFile(at('01-a.json'), JSON.stringify(result('a', 's3\u0000cret')));
      await results.write(result('b', 's3\u001b[31mcret'));
      expect(job()).toEqual(['a ***', 'b ***']);
    });

    test('holds every result when several processes write at once', async () => {
      const steps = ['a', 'b', 'c', 'd', 'e', 'f'];
      await Promise.all(steps.map((step) => reporting().results.write(result(step, 'x'))));
      expect((await readFile(at('all.txt'), 'utf8')).split('\n').toSorted()).toEqual(steps.map((step) => `${step} x`));
    });

    test('one report that cannot be written does not keep the others from it', async () => {
      await mkdir(join(folder, 'results', 'junit.xml', 'x'), { recursive: true });
      const { results, notes } = attached(async () => ({ 'junit.xml': 'a', 'report.html': 'b' }));
      expect(await results.write(result('release', 'x'))).toMatchObject({ ok: true });
      expect(await readFile(at('report.html'), 'utf8')).toBe('b');
      expect(notes).toEqual([expect.stringMatching(/report beside 01-release\.json was not written/)]);
    });

    test.each<[string, Attachments, RegExp]>([
      ['a renderer that throws', () => Promise.reject(new Error('no picture')), /report beside 01-release\.json was not written: no picture/],
      ['a folder in its place', async () => ({ '': 'x' }), /report beside 01-release\.json was not written: /],
    ])('%s is noted, and the document is there', async (_, attachments, note) => {
      const { results, notes } = attached(attachments);
      expect(await results.write(result('release', 'x'))).toEqual({ ok: true, value: undefined });
      expect(notes).toEqual([expect.stringMatching(note)]);
      expect(await results.newest('release')).toMatchObject({ reason: 'x' });
    });
  });

  test('goes on after 99', async () => {
    const { results } = opened();
    await results.write(result('deploy', 'x'));
    await writeFile(join(folder, 'results', '99-deploy.json'), JSON.stringify(result('deploy', 'old')));
    await results.write(result('deploy', 'new'));
    expect((await results.newest('deploy'))?.reason).toBe('new');
  });

  const opensAt = (name: string, ...rest: [attachments?: Attachments, clock?: { now(): number }]) => {
    const notes: string[] = [];
    return { notes, results: resultsFolder(join(folder, name), (text) => text, (line) => notes.push(line), ...rest) };
  };
  const began = (step: string, reason: string, at: number): StepResult => resultOf(step, { category: 'passed', reason }, {}, new Date(at), 1);

  test.each(['999999', '1000000', '99999999999999999999', '9'.repeat(60)])('goes on after %s, and what began later is newer', async (forged) => {
    const { results } = opened();
    await mkdir(join(folder, 'results'));
    await writeFile(join(folder, 'results', `${forged}-deploy.json`), JSON.stringify(began('deploy', 'forged', 1000)));
    for (const [reason, at] of [['one', 2000], ['two', 3000]] as const) {
      expect(await results.write(began('deploy', reason, at))).toMatchObject({ ok: true });
      expect((await results.newest('deploy'))?.reason).toBe(reason);
    }
    const next = `${BigInt(forged) + 2n}-deploy.json`;
    expect(await readdir(join(folder, 'results'))).toContain(next);
  });

  test('of jobs that ran side by side, the newest is the one that began last, not the one with the higher number', async () => {
    const { results } = opened();
    await mkdir(join(folder, 'results'));
    await writeFile(join(folder, 'results', '07-deploy.json'), JSON.stringify(began('deploy', 'earlier', 1000)));
    await writeFile(join(folder, 'results', '03-deploy.json'), JSON.stringify(began('deploy', 'later', 2000)));
    expect((await results.newest('deploy'))?.reason).toBe('later');
  });

  test('a document that says that it began in the future is not used', async () => {
    const { results, notes } = opensAt('results', undefined, { now: () => 10_000 });
    await results.write(began('deploy', 'true', 9000));
    await writeFile(join(folder, 'results', '02-deploy.json'), JSON.stringify(began('deploy', 'skewed', 10_000 + 9 * 60_000)));
    expect((await results.newest('deploy'))?.reason).toBe('skewed');
    await writeFile(join(folder, 'results', '03-deploy.json'), JSON.stringify(began('deploy', 'forged', 10_000 + 11 * 60_000)));
    expect((await results.newest('deploy'))?.reason).toBe('skewed');
    expect(notes).toEqual([`${join(folder, 'results', '03-deploy.json')} says that it began in the future and is not used`]);
  });

  test('a symbolic link is followed neither as the folder nor as a document', async () => {
    await mkdir(join(folder, 'elsewhere'));
    await writeFile(join(folder, 'elsewhere', '01-deploy.json'), JSON.stringify(began('deploy', 'theirs', 1000)));
    await symlink(join(folder, 'elsewhere'), join(folder, 'linked'));
    const linked = opensAt('linked');
    expect(await linked.results.write(began('deploy', 'mine', 2000))).toMatchObject({
      ok: false,
      problem: { category: 'permission', reason: expect.stringMatching(/linked is a symbolic link, and links are not followed$/), hint: expect.stringContaining('SLUICE_RESULTS') },
    });
    expect(await linked.results.newest('deploy')).toBeUndefined();
    expect(linked.notes).toEqual([expect.stringMatching(/is a symbolic link/)]);
    expect(await readdir(join(folder, 'elsewhere'))).toEqual(['01-deploy.json']);

    const { results, notes } = opensAt('own');
    await mkdir(join(folder, 'own'));
    await symlink(join(folder, 'elsewhere', '01-deploy.json'), join(folder, 'own', '01-deploy.json'));
    expect(await results.newest('deploy')).toBeUndefined();
    expect(notes).toEqual([expect.stringMatching(/01-deploy\.json is a symbolic link; it is not used/)]);
  });

  test('a folder that cannot be made below a file system of the kernel ends with the reason', async () => {
    // Node's own recursive mkdir never ends there.
    if (process.platform !== 'linux') return;
    const results = resultsFolder('/proc/sluice/results', (text) => text, () => undefined);
    expect(await results.write(began('deploy', 'x', 1))).toMatchObject({
      ok: false,
      problem: { category: 'permission', reason: expect.stringMatching(/\/proc\/sluice\/results cannot be made: the file system takes no new folder there/) },
    });
  });

  test('several processes never write over one another', async () => {
    const { results } = opened();
    const written = await Promise.all(Array.from({ length: 8 }, (_, index) => results.write(result('deploy', `r${index}`))));
    expect(written.every((one) => one.ok)).toBe(true);
    expect(await readdir(join(folder, 'results'))).toHaveLength(8);
  });

  test('redacts every text, also where the secret looks like JSON', async () => {
    const secret = 'a","b';
    const { results } = opened((text) => text.replaceAll(secret, '***'));
    await results.write(result('deploy', `the ${secret} of it`, { [`key ${secret}`]: secret }));
    const text = await readFile(join(folder, 'results', '01-deploy.json'), 'utf8');
    expect(text).not.toContain('a\\",\\"b');
    expect(await results.newest('deploy')).toMatchObject({ reason: 'the *** of it', outputs: { 'key ***': '***' } });
  });

  test.each([
    ['not JSON', '{'],
    ['another shape', '{"step":"deploy"}'],
    ['another step', JSON.stringify({ ...resultOf('canary', { category: 'passed', reason: 'x' }, {}, new Date(0), 1) })],
    ['an unknown category', JSON.stringify({ ...resultOf('deploy', { category: 'passed', reason: 'x' }, {}, new Date(0), 1), category: 'toString' })],
    ['outputs that are no text', JSON.stringify({ ...resultOf('deploy', { category: 'passed', reason: 'x' }, {}, new Date(0), 1), outputs: { a: 1 } })],
    ['a list', '[]'],
  ])('%s is passed over, and said', async (_name, text) => {
    const { results, notes } = opened();
    await results.write(result('deploy', 'good'));
    await writeFile(join(folder, 'results', '07-deploy.json'), text);
    expect((await results.newest('deploy'))?.reason).toBe('good');
    expect(notes).toEqual([`${join(folder, 'results', '07-deploy.json')} is not a result document of deploy and is not used`]);
  });

  test('a folder that cannot be written is a permission problem', async () => {
    await writeFile(join(folder, 'results'), 'a file');
    const { results, notes } = opened();
    expect(await results.write(result('deploy', 'x'))).toMatchObject({
      ok: false,
      problem: { category: 'permission', reason: expect.stringMatching(/results is a file, not a folder$/), hint: expect.stringContaining('SLUICE_RESULTS') },
    });
    expect(await results.newest('deploy')).toBeUndefined();
    expect(notes).toHaveLength(1);
  });
});
