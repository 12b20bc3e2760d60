import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openProject, type LabProject } from './lab-project.ts';

let house: LabProject;

beforeEach(async () => {
  house = await openProject({ steps: ['50%'], every: '1s', minimum: 1, watch: ['errors'], pairs: 20 });
});

afterEach(() => house.close());

test('deploy, publish-version and canary in processes of their own know of each other by the results folder', async () => {
  const deployed = await house.run(['deploy']);
  expect(deployed.document).toMatchObject({ status: 'passed', outputs: { version: 'draft', changed: 'true' } });
  const published = await house.run(['publish-version']);
  expect(published.document).toMatchObject({
    status: 'passed',
    outputs: { version: house.lab.dify.published(house.app), 'previous-version': house.stable, digest: deployed.document.outputs['digest'], served: 'nobody' },
  });
  expect(await house.served()).toEqual({ [house.stable]: 30 });
  const { version = '' } = published.document.outputs;
  const canary = await house.run(['canary']);
  expect(canary.document).toMatchObject({ status: 'passed', outputs: { verdict: 'promote', stable: house.stable, candidate: version } });
  expect(await house.served()).toEqual({ [version]: 30 });
}, 40_000);

test('publish-version refuses another draft than the one that an earlier process deployed', async () => {
  expect((await house.run(['deploy'])).code).toBe(0);
  await house.change('someone else');
  expect((await house.run(['deploy', '--overwrite'], { environment: { SLUICE_RESULTS: join(house.folder, 'their-results') } })).code).toBe(0);
  const { code, document } = await house.run(['publish-version']);
  expect({ code, category: document.category }).toEqual({ code: 7, category: 'conflict' });
  expect(house.lab.dify.published(house.app)).toBe(house.stable);
}, 40_000);

test('a canary without the folder does not guess what to judge', async () => {
  for (const step of ['deploy', 'publish-version']) expect((await house.run([step])).code).toBe(0);
  await rm(join(house.folder, '.sluice/results'), { recursive: true });
  const { code, document } = await house.run(['canary']);
  expect({ code, reason: document.reason }).toEqual({ code: 2, reason: 'it is not known which version to judge' });
  expect(await house.served()).toEqual({ [house.stable]: 30 });
}, 40_000);

test('on a CI, state that lasts only as long as the job is said once, with what to set', async () => {
  const onCi = { GITLAB_CI: 'true', CI_COMMIT_BRANCH: 'main' };
  const saidIn = async (environment: Readonly<Record<string, string>>): Promise<number> => {
    const { code, stderr } = await house.run(['release', '--dry-run'], { environment });
    expect(code).toBe(0);
    return stderr.split('last only as long as the folder of this job').length - 1;
  };
  expect(await saidIn({ ...onCi, SLUICE_STATE: '' })).toBe(1);
  expect(await saidIn(onCi)).toBe(0);
  expect(await saidIn({ SLUICE_STATE: '' })).toBe(0);
}, 40_000);
