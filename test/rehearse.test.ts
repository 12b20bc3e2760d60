import { describe, expect, test } from '@jest/globals';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { project, repository, sluice, type Ended } from './sluice-process.ts';
import { hereIfSo } from './through-the-door.ts';

const corpus = process.env['SLUICE_DSL_CORPUS'];

interface Document {
  readonly status: string;
  readonly category: string;
  readonly reason: string;
  readonly outputs: Record<string, string>;
  readonly steps?: readonly Document[];
  readonly step: string;
}

const read = (ended: Ended): { code: number | null; document: Document; durationMs: number; stderr: string } => ({ ...ended, document: JSON.parse(ended.stdout) as Document });

const rehearse = async (...argv: readonly string[]) => read(await sluice(['rehearse', ...argv, '--json']));

const stepsOf = (document: Document): readonly string[] => (document.steps ?? []).map((step) => `${step.step} ${step.status}`);

describe('rehearse', () => {
  test('releases the Dify example behind a gateway', async () => {
    const { code, document, durationMs } = await rehearse();
    expect(stepsOf(document)).toEqual([
      'validate passed',
      'snapshot passed',
      'deploy passed',
      'health-check passed',
      'publish-version passed',
      'canary passed',
      'health-check passed',
      'notify passed',
    ]);
    expect(code).toBe(0);
    expect(document.outputs['verdict']).toBe('promote');
    expect(durationMs).toBeLessThan(40_000);
  }, 60_000);

  test('releases the AgentRun example', async () => {
    const { code, document } = await rehearse('examples/order-agent/sluice.yml');
    expect(document.reason).not.toBe('');
    expect(stepsOf(document)).toContain('canary passed');
    expect(code).toBe(0);
  }, 60_000);

  test.each([
    ['errors=0.2', 'examples/support-bot/sluice.yml', sluice],
    ['latency=3', 'examples/support-bot/sluice.yml', hereIfSo],
    ['tokens=3', 'examples/support-bot/sluice.yml', hereIfSo],
    ['wrong=0.3', 'examples/support-bot/sluice.yml', hereIfSo],
    ['errors=0.2', 'examples/order-agent/sluice.yml', hereIfSo],
  ])('aborts a candidate with %s of %s, and stable is back', async (faults, file, runner) => {
    const { code, document, stderr } = read(await runner(['rehearse', file, '--candidate', faults, '--json'], { environment: { SLUICE_RESULTS: await project({}) } }));
    expect(document.steps?.find((step) => step.step === 'canary')?.status).toBe('failed');
    expect(stepsOf(document).at(-1)).toBe('notify passed');
    expect(document.outputs['recovered']).toMatch(/read back/);
    expect(stderr).toMatch(/lab: users get .*stable/);
    expect(code).toBe(1);
  }, 60_000);

  test('keeps documents, picture and report where SLUICE_RESULTS says, and nothing else anywhere', async () => {
    const folder = await project({ 'temporary/.keep': '' });
    const temporary = join(folder, 'temporary');
    const kept = await sluice(['rehearse', 'examples/order-agent/sluice.yml'], { environment: { TMPDIR: temporary, SLUICE_RESULTS: join(folder, 'results') } });
    expect(kept.code).toBe(0);
    const names = await readdir(join(folder, 'results'));
    expect(names).toEqual(expect.arrayContaining(['report.html', expect.stringMatching(/^\d+-canary\.json$/), expect.stringMatching(/^\d+-canary\.svg$/), expect.stringMatching(/^\d+-release\.json$/)]));
    expect(await readdir(temporary)).toEqual(['.keep']);

    const gone = await sluice(['rehearse', 'gone.yml'], { environment: { TMPDIR: temporary, SLUICE_RESULTS: join(folder, 'other') } });
    expect(gone.code).toBe(2);
    expect((await readdir(join(folder, 'other'))).toSorted()).toEqual(['01-rehearse.json', 'junit.xml']);
    const silent = await sluice(['rehearse', 'examples/order-agent/sluice.yml'], { environment: { TMPDIR: temporary } });
    expect({ code: silent.code, left: await readdir(temporary) }).toEqual({ code: 0, left: ['.keep'] });
  }, 60_000);

  test('a knob that does not exist is exit 2 and names the knobs', async () => {
    const ended = await sluice(['rehearse', '--candidate', 'erors=1']);
    expect(ended.code).toBe(2);
    expect(ended.stderr + ended.stdout).toMatch(/erors.*\n[^]*errors=0\.2/);
  });

  test('a file that Dify cannot run stops at validate with the line', async () => {
    const text = await readFile(join(repository, 'examples/support-bot/app/support-bot.yml'), 'utf8');
    const folder = await project({ 'app.yml': text.replace(/^(\s*)target: .*$/m, '$1target: "no-such-node"') });
    const ended = await sluice(['rehearse', 'app.yml'], { folder });
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(/app\.yml:\d+:\d+/);
  });
});

const suite = corpus === undefined ? describe.skip : describe;

suite(`the corpus of real apps${corpus === undefined ? ' was not run: SLUICE_DSL_CORPUS is not set' : ''}`, () => {
  test('every file completes, or stops at validate with the line', async () => {
    const files = (await readdir(corpus ?? '')).filter((name) => name.endsWith('.yml')).sort();
    expect(files).toHaveLength(46);
    const ends: string[] = [];
    const folder = await project({});
    const one = async (): Promise<void> => {
      for (let name = files.shift(); name !== undefined; name = files.shift()) {
        const { code, document } = read(await hereIfSo(['rehearse', join(corpus ?? '', name), '--json'], { folder }));
        const stopped = document.outputs['failed-step'] === 'validate' && /:\d+:\d+: /.test(document.reason);
        ends.push(code === 0 ? `${name} completes` : stopped ? `${name} stops at validate` : `${name}: exit ${code}: ${document.reason}`);
      }
    };
    await Promise.all(Array.from({ length: 6 }, one));
    const stops = ends.filter((end) => !end.endsWith(' completes')).sort();
    // 05, 19 and 43 have keys and a password in plain text; what the others break was seen on a real Dify.
    expect(stops).toEqual(['05', '17', '19', '23', '39', '42', '43'].map((number) => `${number}.yml stops at validate`));
  }, 900_000);
});
