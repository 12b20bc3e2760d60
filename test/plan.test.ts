import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { StepResult } from '@sluice/core';
import { runStepCommand } from '../packages/cli/src/step-command.ts';
import { attachmentsOf, loadStep, summaryOf } from '../packages/steps/src/index.ts';
import { atTerminal, quietHost } from './quiet-host.ts';

const paired = '    canary: { pairs: 200 }';
const weighted = '    gateway: { nginx: { include: /etc/nginx/sluice/bot.conf } }\n    canary: { steps: [5%, 25%, 50%], watch: [errors] }';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-plan-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ran {
  readonly result: StepResult;
  readonly lines: readonly string[];
}

/** ran runs plan as the command line does, in a folder with a sluice.yml of these environments and without any variable. */
const ran = async (environments: Readonly<Record<string, string>>, flags: Readonly<Record<string, string>> = {}, pullRequest = false): Promise<Ran> => {
  const config = join(folder, 'sluice.yml');
  const blocks = Object.entries(environments).map(([name, canary]) => `  ${name}:\n    dify: https://dify.example.com/app/0b9c2f4e-6a1d-4f7e-9c55-2f1d9a7e4b10\n${canary}\n`);
  await writeFile(config, `name: bot\nsource: app.yml\nenvironments:\n${blocks.join('')}`);
  const lines: string[] = [];
  const host = quietHost(folder, {
    context: { ...atTerminal, ...(pullRequest ? { pullRequest: { number: 7, fork: true } } : {}) },
    log: (line) => lines.push(line),
    warn: (line) => lines.push(line),
  });
  const { signal } = new AbortController();
  const result = await runStepCommand(host, await loadStep('plan'), { flags, positionals: [config], json: false, dryRun: false, help: false }, { signal, connection: signal });
  return { result, lines };
};

describe('plan', () => {
  test('tells for each rate of requests how often a worse version is caught, at what cost, and what would help', async () => {
    const { result, lines } = await ran({ production: weighted });
    expect(result).toMatchObject({ status: 'passed', reason: expect.stringMatching(/^production, 0\.02 requests a second: 1 % -> 3 % errors are caught in [\d.]+ % of rollouts/) });
    expect(lines[0]).toBe('production: 5 %, 25 %, 50 % for 10 m each, at most 200 pairs of probes, so 400 answers; watches errors');
    expect(lines[2]).toMatch(/^requests\/s +caught +in 15 m +let through +exposed/);
    expect(lines.slice(3, 7).map((line) => line.split(/ {2,}/)[0])).toEqual(['0.02', '2', '20', '200']);
    expect(lines).toContainEqual(expect.stringMatching(/^At 0\.02 requests a second more is caught with /));
    const caught = lines.slice(3, 7).map((line) => Number(line.split(/ {2,}/)[1]?.replace(' %', '')));
    expect(caught[0]).toBeLessThan(40);
    expect(caught[3]).toBe(100);
    expect(Number(result.outputs['good-aborted'])).toBeLessThanOrEqual(5);
    const summary = await summaryOf(result);
    expect(summary).toContain('### Forecast for production');
    expect(summary.split('\n').filter((line) => /^\| (0\.02|2|20|200) \|/.test(line))).toHaveLength(4);
    const written = await readFile(join(folder, 'results', '01-plan.svg'), 'utf8');
    expect((await attachmentsOf(result, '01-plan', [result]))['01-plan.svg']).toBe(written);
    expect(written.match(/stroke-width="2"/g)).toHaveLength(4);
    expect(written).toContain('1 -&gt; 3 % errors');
  });

  test('without a split it is judged on pairs alone: nobody is exposed, at any rate', async () => {
    const { result: named, lines } = await ran({ staging: paired }, { traffic: '0.02, 5', base: '2%', change: '40%' });
    expect(named).toMatchObject({ status: 'passed', outputs: { caught: '100', exposed: '0', 'let-through': '0' } });
    const cells = lines.slice(3, 5).map((line) => line.split(/ {2,}/));
    expect(cells.map(([traffic]) => traffic)).toEqual(['0.02', '5']);
    expect(cells[0]?.slice(1)).toEqual(cells[1]?.slice(1));
  });

  test('a pull request gets the forecast of every environment, and needs no credential', async () => {
    const { result, lines } = await ran({ staging: '    canary: false', production: weighted }, { traffic: '2' }, true);
    expect(result).toMatchObject({ status: 'passed', reason: expect.stringMatching(/^production, 2 requests/) });
    expect(lines).toContain('staging: sluice.yml asks for no canary there');
  });

  test('no canary is nothing to forecast', async () => {
    expect((await ran({ staging: '    canary: false' })).result).toMatchObject({ status: 'skipped', outputs: { caught: '' } });
  });

  test.each<[Readonly<Record<string, string>>, RegExp]>([
    [{ traffic: 'much' }, /the input traffic must be requests a second, above 0 and up to 10000, got "much"/],
    [{ traffic: '2,' }, /traffic/],
    [{ traffic: '0' }, /traffic/],
    [{ base: '0%' }, /the input base must be a share above 0% and below 100%, got "0%"/],
    [{ base: '100%' }, /base/],
    [{ change: '1%' }, /the input change must be a share above the base of 1% and below 100%/],
    [{ change: '120%' }, /change/],
    [{ session: '0' }, /session/],
    [{ session: '1.5' }, /session/],
    [{ environment: 'prod' }, /there is no environment "prod"/],
  ])('%j is bad input with a hint', async (flags, words) => {
    const { result } = await ran({ production: weighted }, flags);
    expect(result).toMatchObject({ category: 'input', reason: expect.stringMatching(words), hint: expect.stringMatching(/\S/) });
  });

  test('a plan that cannot be is bad input', async () => {
    const { result } = await ran({ production: '    canary: { steps: [10%] }' });
    expect(result).toMatchObject({ category: 'input', reason: 'canary.steps needs a target that can split traffic, and this one cannot', hint: expect.stringMatching(/gateway/) });
  });
});
