import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { detectHost } from '../src/index.ts';
import { subfolderOf } from '../src/subfolder.ts';
import { captures, temporaryFolder } from './fakes.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
  await mkdir(join(folder.path, 'repo', 'services', '机器人'), { recursive: true });
});
afterEach(() => folder.remove());

test.each(['folder', 'file, as in a work tree of its own'])('the way from the root of the repository is found where .git is a %s', async (kind) => {
  const root = join(folder.path, 'repo');
  if (kind === 'folder') await mkdir(join(root, '.git'));
  else await writeFile(join(root, '.git'), 'gitdir: elsewhere');
  expect([root, join(root, 'services'), join(root, 'services', '机器人'), folder.path].map(subfolderOf)).toEqual(['', 'services', 'services/机器人', '']);
});

test('a host knows it, and GitHub marks the line in the file of the repository', async () => {
  const root = join(folder.path, 'repo');
  await mkdir(join(root, '.git'));
  const open = async (environment: Record<string, string>, below: string) => {
    const streams = captures();
    const host = await detectHost({ RUNNER_TEMP: folder.path, ...environment }, streams, { folder: join(root, below) });
    host.annotate({ rule: 'a/b', severity: 'error', message: 'm', place: { file: 'app/bot.yml', line: 3 } });
    return { subfolder: host.context.subfolder, said: streams.stdout.text() };
  };
  expect(await open({ GITHUB_ACTIONS: 'true' }, 'services')).toEqual({ subfolder: 'services', said: '::error file=services/app/bot.yml,line=3,title=a/b::m\n' });
  expect(await open({ GITHUB_ACTIONS: 'true' }, '')).toEqual({ subfolder: undefined, said: '::error file=app/bot.yml,line=3,title=a/b::m\n' });
  expect(await open({ GITLAB_CI: 'true' }, 'services')).toEqual({ subfolder: 'services', said: 'error app/bot.yml:3 m (a/b)\n' });
});
