import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { project, repository } from './sluice-process.ts';

/* How the bundle gets from the resources of the Jenkins library to an agent: resources/sluice/unpack.cjs. */

const resources = join(repository, 'resources/sluice');
const expected = readFileSync(join(resources, 'bundle.sha256'), 'utf8').trim();

let agent: string;
let home: string;

/** deliver lays one delivery down, as sluiceBundle does, and runs it. */
const deliver = (name: string, archive?: string): Promise<{ readonly code: number; readonly said: string }> => {
  const delivery = join(agent, name);
  mkdirSync(delivery);
  cpSync(join(resources, 'unpack.cjs'), join(delivery, 'unpack.cjs'));
  if (archive !== undefined) writeFileSync(join(delivery, 'bundle.json'), archive);
  return new Promise((resolve) => {
    execFile(process.execPath, [join(delivery, 'unpack.cjs'), home, expected], (error, stdout, stderr) => resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, said: stdout + stderr }));
  });
};

const bundle = readFileSync(join(resources, 'bundle.json'), 'utf8');
const done = { code: 0, said: '' };

describe('the bundle on a Jenkins agent', () => {
  beforeEach(async () => {
    agent = await project({});
    home = join(agent, 'sluice-x');
  });

  test('four builds that bring it at once leave it whole, once, and nothing else', async () => {
    expect(await Promise.all(['a', 'b', 'c', 'd'].map((name) => deliver(name, bundle)))).toEqual([done, done, done, done]);
    expect(readdirSync(agent)).toEqual(['sluice-x']);
    expect(readdirSync(home)).toEqual(['dist']);
    expect(readdirSync(join(home, 'dist')).sort()).toEqual(readdirSync(join(repository, 'dist')).sort());
  });

  test.each<[string, (dist: string) => void]>([
    ['changed', (dist) => writeFileSync(join(dist, 'index.js'), 'process.exit(0)')],
    ['less', (dist) => rmSync(join(dist, 'licenses.txt'))],
    ['more', (dist) => writeFileSync(join(dist, 'more.js'), '')],
    ['a link', (dist) => (rmSync(join(dist, 'licenses.txt')), symlinkSync('/etc/passwd', join(dist, 'licenses.txt')))],
  ])('files that are %s are refused, by a later build as well', async (_, change) => {
    await deliver('a', bundle);
    change(join(home, 'dist'));
    for (const archive of [undefined, bundle]) {
      expect(await deliver('b', archive)).toMatchObject({ code: 3, said: expect.stringMatching(new RegExp(`^The files of Sluice in ${home} have the SHA-256 [0-9a-f]{64}, and the library states ${expected}\\.`)) });
    }
    expect(readdirSync(agent)).toEqual(['sluice-x']);
  });

  test('a bundle that was changed on its way is not unpacked', async () => {
    expect(await deliver('a', bundle.replace('use strict', 'use strictt'))).toMatchObject({ code: 3, said: expect.stringContaining('came to this agent has the SHA-256') });
    expect(readdirSync(agent)).toEqual([]);
  });
});
