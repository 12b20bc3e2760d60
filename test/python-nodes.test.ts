import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { chatflow, edge, node, textOf } from '../packages/dify/test/dsl.ts';
import { project } from './sluice-process.ts';
import { throughTheDoor } from './through-the-door.ts';

const settings = 'name: bot\nsource: app.yml\nenvironments:\n  production:\n    live-at-once: true\n    dify: https://dify.example.com/app/0b9c2f4e-6a1d-4f7e-9c55-2f1d9a7e4b10\n';
const account = { DIFY_EMAIL: 'release@example.com', DIFY_PASSWORD: 'correct-horse-battery', CRM_TOKEN: 'crm-token-1' };

/** appWith is an app with a node of Python in it. */
const appWith = (code: string): string => {
  const dsl = chatflow();
  dsl.workflow.graph?.nodes.push(node('code', 'code', { title: 'Count', code_language: 'python3', code, variables: [], outputs: { out: { type: 'string', children: null } } }));
  dsl.workflow.graph?.edges.splice(1, 1, edge('llm', 'code'), edge('code', 'answer'));
  return textOf(dsl);
};

/** folderWith is a project with a program python3 in the folder bin. */
const folderWith = async (python: string): Promise<string> => {
  const folder = await project({ 'sluice.yml': settings, 'app.yml': appWith('def main():\n    return {"out": (1}\n'), 'bin/python3': `#!/bin/sh\n${python}\n` });
  await chmod(join(folder, 'bin/python3'), 0o755);
  return folder;
};

const pathOf = (folder: string): string => `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`;

const refuses = `cat >/dev/null; echo '[{"line": 2, "reason": "python3 said so"}]'`;

test.each(['validate', 'release'])('%s ends with 1 where a python3 on the PATH refuses the code', async (step) => {
  const folder = await folderWith(refuses);
  const { code, said } = await throughTheDoor([step, folder, ...(step === 'release' ? ['--environment', 'production'] : [])], folder, { PATH: pathOf(folder), ...account });
  expect([code, said]).toEqual([1, expect.stringContaining('The Python of node "Count" cannot be parsed, line 2: python3 said so.')]);
});

test.each<[string, string]>([
  ['is broken', 'echo broken >&2; exit 1'],
  ['answers nonsense', 'echo "[{]"'],
  ['ends by a signal', 'kill -SEGV $$'],
  ['cannot tell', `cat >/dev/null; echo '[{}]'`],
])('a python3 that %s leaves the warning, and validate passes', async (_name, python) => {
  const folder = await folderWith(python);
  const { code, said } = await throughTheDoor(['validate', folder], folder, { PATH: pathOf(folder) });
  expect([code, said]).toEqual([0, expect.stringMatching(/warning.*looks broken|looks broken.*code-python/s)]);
});

test('no python3 leaves the warning, and neither an empty PATH nor one that depends on the folder finds one in the project', async () => {
  const folder = await folderWith(`touch ${'"$0"'}.ran; ${refuses}`);
  await writeFile(join(folder, 'python3'), `#!/bin/sh\n${refuses}\n`);
  await chmod(join(folder, 'python3'), 0o755);
  const before = process.cwd();
  process.chdir(folder);
  try {
    for (const PATH of ['', '.', ':', 'bin', './bin:.']) {
      const { code, said } = await throughTheDoor(['validate', folder], folder, { PATH });
      expect([PATH, code, said]).toEqual([PATH, 0, expect.stringContaining('looks broken')]);
    }
  } finally {
    process.chdir(before);
  }
});
