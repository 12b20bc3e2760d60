import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import type { StepResult } from '@sluice/core';
import type { DifyVersion } from '@sluice/lab';
import { chatApp, workflow } from '../../packages/lab/test/dify-apps.ts';
import { installed } from './nginx-program.ts';
import { openTwinStage, type TwinStage } from './twin-stage.ts';

beforeAll(installed);

let stage: TwinStage;
afterEach(() => stage.close());

const people = Array.from({ length: 400 }, (_, index) => `user-${index}`);

/** within is four standard deviations of a binomial count. */
const within = (share: number): number => 4 * Math.sqrt(people.length * share * (1 - share));

/** App is one kind of app: its file that says a word, and how it is asked. */
interface App {
  readonly version: DifyVersion;
  readonly saying: (word: string) => string;
  readonly path: string;
  readonly inputs: Readonly<Record<string, string>>;
}

/** completion is an app whose configuration says a word. */
const completion = (word: string): string => {
  const dsl = parse(chatApp('completion')) as { app: object; model_config: object };
  return stringify({ ...dsl, model_config: { ...dsl.model_config, pre_prompt: word } }, { version: '1.1' });
};

const kinds: readonly (readonly [string, App])[] = [
  ['a workflow app on Dify 1.4.0', { version: '1.4.0', saying: (word) => workflow(word), path: 'workflows/run', inputs: { topic: 'dams' } }],
  ['a workflow app on Dify 1.12.1', { version: '1.12.1', saying: (word) => workflow(word), path: 'workflows/run', inputs: { topic: 'dams' } }],
  ['a completion app on Dify 1.12.1', { version: '1.12.1', saying: completion, path: 'completion-messages', inputs: { city: 'Hangzhou' } }],
];

const open = async ({ version, saying, inputs }: App): Promise<void> => {
  stage = await openTwinStage(version, saying('old'), { ask: [{ inputs }] });
};

const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** askAll has everybody ask once through nginx, and counts which of the two apps answered, by their own counters. */
const askAll = async ({ path, inputs }: App): Promise<{ readonly main: number; readonly twin: number }> => {
  const before = { main: total(stage.lab.served(stage.app.id)), twin: total(stage.lab.served(stage.twin)) };
  for (let at = 0; at < people.length; at += 20) {
    await Promise.all(
      people.slice(at, at + 20).map(async (user) => {
        const answer = await fetch(`${stage.nginx.origin}/v1/${path}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${stage.app.key}`, 'content-type': 'application/json' },
          body: JSON.stringify({ inputs, response_mode: 'blocking', user }),
        });
        if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
        await answer.arrayBuffer();
      }),
    );
  }
  return { main: total(stage.lab.served(stage.app.id)) - before.main, twin: total(stage.lab.served(stage.twin)) - before.twin };
};

const stepOf = (result: StepResult, step: string): StepResult | undefined => result.steps?.findLast((one) => one.step === step);

const said = ({ lines }: { readonly lines: readonly string[] }): string => lines.join('\n');

describe.each(kinds)('%s, its twin and nginx', (_, app) => {
  test('a release lets 5, 25 and 50 % of the users into the twin, and all of them into the app at its end', async () => {
    await open(app);
    await stage.write(app.saying('new'));
    const counted: Record<number, { main: number; twin: number }> = {};
    const ran = await stage.run('release', { reloaded: async (weight) => void (counted[weight] = await askAll(app)) });
    if (ran.result.status !== 'passed') throw new Error(said(ran));
    for (const weight of [0, 5, 25, 50, 100]) {
      const { main, twin } = counted[weight] ?? { main: 0, twin: 0 };
      expect(main + twin).toBe(people.length);
      expect(Math.abs(twin - (people.length * weight) / 100)).toBeLessThanOrEqual(within(weight / 100));
    }
    expect(stepOf(ran.result, 'canary')?.outputs).toMatchObject({ verdict: 'promote', weights: '5,25,50', stable: ran.result.outputs['previous-version'] });
    expect(stepOf(ran.result, 'publish-version')?.outputs).toMatchObject({ served: 'everybody', changed: 'true' });
    expect(await stage.weight()).toBe(0);

    const again = await stage.run('release');
    expect(again.result).toMatchObject({ status: 'passed', reason: expect.stringContaining('nothing was different') });
    await stage.write(app.saying('newer'));
    const second = await stage.run('release');
    if (second.result.status !== 'passed') throw new Error(said(second));
    expect(second.result.outputs['previous-version']).toBe(ran.result.outputs['version']);
    expect(await stage.weight()).toBe(0);
  });

  test('a run that dies at 25 % is taken up there, and a run that dies before the gateway is set publishes nothing twice', async () => {
    await open(app);
    await stage.write(app.saying('new'));
    await stage.run('release', { reloaded: async (weight) => void (weight === 25 && stage.cut()) });
    expect(await stage.weight()).toBe(25);
    // Everybody is in the twin when the app has the new content; there the second run dies, after it has published.
    const weights: number[] = [];
    await stage.run('release', {
      sameJob: true,
      reloaded: async (weight) => {
        weights.push(weight);
        if (weight === 0) stage.cut();
      },
    });
    expect(weights).toEqual([50, 100, 0]);
    const published = stage.lab.published(stage.app.id);
    const third = await stage.run('release', { sameJob: true });
    if (third.result.status !== 'passed') throw new Error(said(third));
    expect(stage.lab.published(stage.app.id)).toBe(published);
    expect(await stage.weight()).toBe(0);
  });
});

describe.each(kinds.slice(1))('%s and its twin, when something goes wrong', (_, app) => {
  test('a candidate that fails is aborted at its first weight, and nobody is left in the twin', async () => {
    await open(app);
    await stage.write(app.saying('new'));
    const ran = await stage.run('release', { reloaded: async (weight) => void (weight === 5 && stage.lab.setFaults(stage.twin, undefined, { errors: 1 })) });
    expect(ran.result).toMatchObject({ status: 'failed', category: 'gate', outputs: { 'failed-step': 'canary', verdict: 'abort' } });
    expect(ran.result.outputs['recovered']).toMatch(/^users get .*read back$/);
    expect(await stage.weight()).toBe(0);
    expect(await askAll(app)).toEqual({ main: people.length, twin: 0 });
  });

  test('something else released over a canary that died sends its users back first', async () => {
    await open(app);
    await stage.write(app.saying('new'));
    await stage.run('release', { reloaded: async (weight) => void (weight === 25 && stage.cut()) });
    await stage.write(app.saying('newer'));
    const weights: number[] = [];
    const ran = await stage.run('release', { sameJob: true, reloaded: async (weight) => void weights.push(weight) });
    if (ran.result.status !== 'passed') throw new Error(said(ran));
    expect(weights).toEqual([0, 5, 25, 50, 100, 0]);
  });

  test('rollback in a canary that died sends everybody to the app', async () => {
    await open(app);
    await stage.write(app.saying('new'));
    const first = await stage.run('release');
    expect(first.result.status).toBe('passed');
    await stage.write(app.saying('newer'));
    await stage.run('release', { reloaded: async (weight) => void (weight === 25 && stage.cut()) });
    const back = await stage.run('rollback', { sameJob: true });
    if (back.result.status !== 'passed') throw new Error(said(back));
    expect(back.result.outputs['version']).toBe(first.result.outputs['version']);
    expect(await stage.weight()).toBe(0);
  });
});
