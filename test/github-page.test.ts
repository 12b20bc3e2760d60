import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { repository } from './sluice-process.ts';

test('each message in the table of docs/github.md is one that the code has', async () => {
  const page = await readFile(join(repository, 'docs/github.md'), 'utf8');
  const rows = [...page.slice(page.indexOf('## Message, cause, fix')).matchAll(/^\| (.*?) \| .* \| .* \|$/gm)].map(([, message = '']) => message);
  const messages = rows.flatMap((row) => /`(.+)`/.exec(row)?.[1] ?? []);
  expect(messages.length).toBeGreaterThanOrEqual(15);
  const sources = await Promise.all(
    (await readdir(join(repository, 'packages'), { recursive: true })).filter((path) => /^\w+\/src\/.*\.ts$/.test(path) && !path.startsWith('lab/')).map((path) => readFile(join(repository, 'packages', path), 'utf8')),
  );
  const code = [...sources, await readFile(join(repository, 'actions/run.sh'), 'utf8')].join('\n').replaceAll(/\$\{[^}]*\}/g, '…');
  for (const message of messages) {
    // A name stands for what the code puts in.
    const asked = message.replace('sluice.yml does', '… does');
    expect({ message, isThere: code.includes(asked) }).toEqual({ message, isThere: true });
  }
});
