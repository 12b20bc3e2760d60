import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { project, repository } from '../sluice-process.ts';

/* Our workflows and actions under actionlint, which asks shellcheck for their scripts, and zizmor at its strictest. */

const actionlint = join(repository, '.tools/bin/actionlint');
const zizmor = join(repository, '.tools/zizmor/bin/zizmor');
for (const program of [actionlint, zizmor]) if (!existsSync(program)) process.stderr.write(`test/engines/workflow-linters: not shown, there is no ${program.slice(repository.length + 1)} (see .ci/run)\n`);

const run = (program: string, argv: readonly string[], folder = repository): Promise<{ readonly code: number; readonly said: string }> =>
  new Promise((resolve) => {
    execFile(program, argv, { cwd: folder, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, said: stdout + stderr }));
  });

/** careless is a workflow with what both look for. */
const careless = 'on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v5\n      - run: echo ${{ github.event.pull_request.title }}\n';

const workflows = ['.github/workflows', 'examples/order-agent/.github/workflows'].flatMap((folder) => readdirSync(join(repository, folder)).map((name) => `${folder}/${name}`));

(existsSync(actionlint) ? describe : describe.skip)('actionlint', () => {
  test('finds nothing in our workflows and in those of the examples', async () => {
    expect(workflows.length).toBeGreaterThanOrEqual(6);
    expect(await run(actionlint, workflows)).toEqual({ code: 0, said: '' });
  });

  test('finds nothing in the workflows that README.md and docs/github.md show', async () => {
    const blocks = ['README.md', 'docs/github.md'].flatMap((page) => [...readFileSync(join(repository, page), 'utf8').matchAll(/```yaml\n(on:[^]*?)```/g)].map(([, text = '']) => text));
    expect(blocks.length).toBeGreaterThanOrEqual(3);
    const files = Object.fromEntries(blocks.map((text, index) => [`${index}.yml`, text]));
    expect(await run(actionlint, Object.keys(files), await project(files))).toEqual({ code: 0, said: '' });
  });

  test('does find what is wrong', async () => {
    const folder = await project({ 'x.yml': careless.replace('runs-on', 'run-on') });
    expect(await run(actionlint, ['x.yml'], folder)).toMatchObject({ code: 1, said: expect.stringMatching(/run-on[^]*untrusted/) });
  });
});

(existsSync(zizmor) ? describe : describe.skip)('zizmor', () => {
  const strict = ['--offline', '--persona', 'pedantic', '--no-progress', '--color=never'];

  test('finds nothing in our workflows and actions that is not justified where it stands', async () => {
    expect(await run(zizmor, [...strict, '.github', 'action.yml', 'actions'])).toMatchObject({ code: 0, said: expect.stringContaining('No findings to report') });
  });

  test('does find what is wrong', async () => {
    const folder = await project({ '.github/workflows/x.yml': careless });
    const { code, said } = await run(zizmor, [...strict, '.'], folder);
    expect({ found: code !== 0, said }).toEqual({ found: true, said: expect.stringMatching(/template-injection[^]*unpinned-uses|unpinned-uses[^]*template-injection/) });
  });
});
