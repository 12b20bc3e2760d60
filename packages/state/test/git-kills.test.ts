import { spawn } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { branch, git, openWorld, path, valueOf, type World } from './git-world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** killer is a PATH with a `git` that kills whoever called it once its nth call has done what it was asked to. */
const killer = async (at: number): Promise<string> => {
  const bin = join(world.folder, `bin-${at}`);
  await mkdir(bin);
  const real = git(['--exec-path']).trim();
  const script = [
    '#!/bin/sh',
    `n=$(($(cat ${bin}/calls) + 1)); echo $n > ${bin}/calls`,
    `${real}/git "$@"; code=$?`,
    `test $n = ${at} && kill -9 $PPID`,
    'exit $code',
  ];
  await writeFile(join(bin, 'calls'), '0');
  await writeFile(join(bin, 'git'), `${script.join('\n')}\n`);
  await chmod(join(bin, 'git'), 0o755);
  return `${bin}:${path}`;
};

/** writeOnce runs a process that reads and writes the record, and gives the signal that ended it. */
const writeOnce = (searched: string, holder: string): Promise<NodeJS.Signals | number | null> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', here('typescript.mjs'), here('write-once.mjs'), world.bare, branch, searched, world.home, holder], { stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('close', (code, signal) => resolve(signal ?? code));
  });

// Between two calls of git nothing is written anywhere, so the end of one is the beginning of the next.
test('killed after any call of git, a run leaves a record that verifies and that the next run can write', async () => {
  const ends: (NodeJS.Signals | number | null)[] = [];
  let expected: string | undefined;
  for (let at = 1; ; at += 1) {
    const ended = await writeOnce(await killer(at), `killed at ${at}`);
    ends.push(ended);
    if (ended !== 'SIGKILL') break;
    // What the killed run had started itself may still be on its way.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const store = world.store();
    const found = valueOf(await store.read('应用', 'production'));
    expect([expected, `killed at ${at}`]).toContain(found?.record.lease?.holder);
    const record = found?.record ?? { format: 1 as const, application: '应用', environment: 'production', history: [] };
    valueOf(await store.write({ ...record, lease: { holder: `after ${at}`, until: 1 } }, found?.revision));
    expected = `after ${at}`;
    await store.close?.();
  }
  expect(ends.at(-1)).toBe(0);
  // version, init, ls-remote, and at the second time fetch and what follows it; commit and push.
  expect(ends.length).toBeGreaterThan(10);
  const sequence = JSON.parse(git(['--git-dir', world.bare, 'show', `${branch}:${git(['--git-dir', world.bare, 'ls-tree', '--name-only', branch]).trim()}`])) as { chain: { sequence: number } };
  expect(sequence.chain.sequence).toBe(world.log().length);
}, 120_000);
