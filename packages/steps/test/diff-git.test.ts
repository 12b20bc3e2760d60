import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from '@jest/globals';
import { done, type CommandRunner } from '@sluice/core';
import { openRepository } from '../src/diff-git.ts';

test('a checkout that git refuses leaves no folder behind', async () => {
  const indexes: string[] = [];
  const commands: CommandRunner = {
    run: ({ argv, environment = {} }) => {
      const { GIT_INDEX_FILE: index } = environment;
      if (index !== undefined) indexes.push(index);
      if (argv.includes('--show-toplevel')) return Promise.resolve(done({ code: 0, stdout: '/project\nfalse\n\n', stderr: '' }));
      return Promise.resolve(done(argv.includes('read-tree') ? { code: 128, stdout: '', stderr: 'fatal: bad tree' } : { code: 0, stdout: `${'a'.repeat(40)}\n`, stderr: '' }));
    },
  };
  const repository = await openRepository(commands, '/project', new AbortController().signal);
  const checkout = repository.ok ? await repository.value.checkout('b'.repeat(40)) : repository;
  expect(checkout).toMatchObject({ ok: false, problem: { reason: 'git cannot read the commit', answer: { message: 'fatal: bad tree' } } });
  expect(indexes.map((index) => existsSync(dirname(index)))).toEqual([false]);
});
