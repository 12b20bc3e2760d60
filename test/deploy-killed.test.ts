import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startLabDify, type LabDify } from '@sluice/lab';
import { chatflow } from '../packages/lab/test/dify-apps.ts';
import { startProxy, type Proxy } from '../packages/dify/test/proxy.ts';
import { project, sluice, type Ended } from './sluice-process.ts';

/* A run that is killed between its import and the record of it leaves a draft that the next run must know for Sluice's own. */

let lab: LabDify;
let proxy: Proxy;
let folder: string;
let app: string;

beforeEach(async () => {
  lab = await startLabDify({ timeScale: 20 });
  proxy = await startProxy(lab.origin);
  app = lab.createApp(saying('before')).appId;
  const production = { branches: ['main'], dify: { console: proxy.origin, app } };
  folder = await project({ 'sluice.yml': JSON.stringify({ name: 'bot', source: 'app.yml', environments: { production } }), 'app.yml': saying('first') });
});
afterEach(async () => {
  await proxy.close();
  await lab.close();
});

const saying = (word: string): string => chatflow('回答', `${word} {{#llm.text#}}`);

const run = async (step: string, onStart?: (send: (signal: NodeJS.Signals) => void) => void): Promise<Ended> =>
  sluice([step, '--environment', 'production', '--json'], {
    folder,
    environment: { DIFY_EMAIL: lab.credentials.email, DIFY_PASSWORD: lab.credentials.password, SLUICE_STATE: join(folder, 'state') },
    ...(onStart === undefined ? {} : { onStart }),
  });

/** killedAfterImport runs a step and kills it once the server has carried out the import, before the answer arrives. */
const killedAfterImport = async (step: string): Promise<void> => {
  let kill: (signal: NodeJS.Signals) => void = () => undefined;
  let imported = 0;
  proxy.rewrite = ({ method, path }, text) => {
    if (method === 'POST' && path.endsWith('/apps/imports')) {
      imported += 1;
      kill('SIGKILL');
    }
    return text;
  };
  const { code } = await run(step, (send) => {
    kill = send;
  });
  expect({ code, imported }).toEqual({ code: null, imported: 1 });
  proxy.rewrite = (_seen, text) => text;
};

test.each([
  ['deploy', 'deploy', ['second', 'third']],
  // The lease of a killed release keeps another release out for three minutes, but no deployment.
  ['release', 'release', ['second']],
])('after a killed %s a newer commit is deployed without overwrite', async (_name, step, words) => {
  expect((await run('release')).code).toBe(0);
  for (const word of words) {
    await writeFile(join(folder, 'app.yml'), saying(word));
    await killedAfterImport(step);
  }
  await writeFile(join(folder, 'app.yml'), saying('fourth'));
  const ended = await run('deploy');
  expect({ code: ended.code, said: ended.stderr }).toMatchObject({ code: 0 });
}, 60_000);

test('a draft that somebody edited after the kill is still a conflict', async () => {
  expect((await run('release')).code).toBe(0);
  await writeFile(join(folder, 'app.yml'), saying('second'));
  await killedAfterImport('deploy');
  await byHand('their work');
  await writeFile(join(folder, 'app.yml'), saying('third'));
  const { code, stdout } = await run('deploy');
  expect({ code, category: (JSON.parse(stdout) as { category: string }).category }).toEqual({ code: 7, category: 'conflict' });
}, 60_000);

/** byHand writes the draft as Studio does. */
const byHand = async (word: string): Promise<void> => {
  const headers = { authorization: `Bearer ${lab.credentials.adminKey}`, 'x-workspace-id': lab.credentials.workspaceId, 'content-type': 'application/json' };
  const url = `${lab.origin}/console/api/apps/imports`;
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ mode: 'yaml-content', yaml_content: saying(word), app_id: app }) });
  expect(answer.status).toBe(200);
};
