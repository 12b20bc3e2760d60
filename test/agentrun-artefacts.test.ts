import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openStage, type Stage } from './lab-stage.ts';
import { agentSetting, stepOf, writeAgent } from './stage-settings.ts';

const runtime = 'order-agent';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

/** writeArtefact is an s.yaml whose agent comes from elsewhere than a folder. */
const writeArtefact = async (lines: string): Promise<void> => {
  await writeAgent(stage, 'unused');
  const path = join(stage.folder, 's.yaml');
  await stage.write('s.yaml', (await readFile(path, 'utf8')).replace(/code: .*/, lines));
};

const object = (name: string, checksum: string): string => `code: { language: nodejs20, command: [node, index.js], ossBucketName: builds, ossObjectName: ${name}, checksum: "${checksum}" }`;
const image = (tag: string): string => `customContainerConfig: { image: "registry.example.com/orders/agent:${tag}", port: 9000 }`;

test.each([
  ['an archive in OSS', object('orders-1.zip', '1001'), object('orders-2.zip', '1002'), { codeConfiguration: { ossBucketName: 'builds', ossObjectName: 'orders-2.zip', checksum: '1002' } }],
  ['a container image', image('1'), image('2'), { containerConfiguration: { image: 'registry.example.com/orders/agent:2' } }],
])('%s goes through whole releases by the API: made, changed under a canary, found unchanged, rolled back', async (_name, first, second, shown) => {
  const setting = agentSetting(stage);
  await writeArtefact(first);
  expect((await stage.run('release', setting, { create: true })).result).toMatchObject({ status: 'passed', outputs: { version: '1', published: 'true' } });
  stage.newResults();

  await writeArtefact(second);
  const { result } = await stage.run('release', setting);
  expect(result).toMatchObject({ status: 'passed', outputs: { version: '2', 'previous-version': '1', verdict: 'promote' } });
  const sent = stepOf(result, 'deploy');
  expect(sent).toMatchObject({ outputs: { changed: 'true', served: 'nobody' } });
  expect((await stage.run('snapshot', setting)).result.status).toBe('passed');
  const folder = join(stage.folder, '.sluice/snapshots/production/agentrun/runtime.json');
  expect(JSON.parse(await readFile(folder, 'utf8'))).toMatchObject(shown);
  expect(stage.lab.agentrun.routing(runtime, 'production')).toEqual({ targetVersion: '2', versionWeights: [] });

  stage.newResults();
  expect((await stage.run('release', setting)).result).toMatchObject({ status: 'passed', outputs: { version: '2', published: 'false' } });
  expect((await stage.run('rollback', setting, { version: '1' })).result).toMatchObject({ status: 'passed' });
  expect(stage.lab.agentrun.routing(runtime, 'production')).toEqual({ targetVersion: '1', versionWeights: [] });
}, 60_000);

test('code that is too large for a request is refused before anything is sent', async () => {
  stage.lab.agentrun.createRuntime({ name: runtime, endpoint: 'production' });
  await writeAgent(stage, 'new');
  const { writeFile } = await import('node:fs/promises');
  await writeFile(join(stage.folder, 'code/model.bin'), randomBytes(51 * 1024 * 1024));
  const { result, sent } = await stage.run('deploy', agentSetting(stage));
  expect(result).toMatchObject({ category: 'input', reason: expect.stringContaining('the limit is 50 MB where it goes with the request'), hint: expect.stringContaining('`deploy: s`') });
  expect(sent.filter((one) => !one.startsWith('GET'))).toEqual([]);
}, 60_000);
