import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { project, repository } from '../sluice-process.ts';
import { read, shownWorkflows, workflowFiles } from './shown-workflows.ts';

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

/** pages are the workflows that our pages show, as a repository of their own has them. */
const pages = Object.fromEntries(Object.entries(shownWorkflows).map(([name, text]) => [`.github/workflows/${name.replaceAll('/', '-')}`, text]));

test('the first workflow of the page has at most 12 lines, and is a job with an environment and the root action', () => {
  const text = shownWorkflows['docs/github.md-0.yml'] ?? '';
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(12);
  const { jobs } = parse(text) as { readonly jobs: { readonly release: { readonly environment: string; readonly steps: readonly { readonly uses: string }[] } } };
  expect(jobs.release.environment).toBe('production');
  expect(jobs.release.steps.at(-1)?.uses).toBe('OWNER/sluice@v1');
});

(existsSync(actionlint) ? describe : describe.skip)('actionlint', () => {
  test('finds nothing in our workflows and in those of the examples', async () => {
    expect(workflowFiles.length).toBeGreaterThanOrEqual(6);
    expect(await run(actionlint, workflowFiles)).toEqual({ code: 0, said: '' });
  });

  test('finds nothing in the workflows that our pages show', async () => {
    expect(Object.keys(pages).length).toBeGreaterThanOrEqual(3);
    expect(await run(actionlint, Object.keys(pages), await project(pages))).toEqual({ code: 0, said: '' });
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

  /* What is shown is to be short and to be read: names, comments on permissions and commits instead of tags are for the reader's own file. */
  const shown = `
rules:
  unpinned-uses: { config: { policies: { '*': ref-pin } } } # a commit in a page grows old; the page says to pin
  anonymous-definition: { disable: true } # a name says what the page says beside it
  undocumented-permissions: { disable: true } # the page has a table of them, with the reasons
  concurrency-limits: { disable: true } # releases wait for each other by the lease of the record
`;

  test('finds no more in the workflows that our pages and examples show than what is left to the reader', async () => {
    const examples = Object.fromEntries(workflowFiles.filter((path) => path.startsWith('examples/')).map((path) => [`.github/workflows/${path.replaceAll('/', '-')}`, read(path)]));
    expect(Object.keys(examples).length).toBeGreaterThanOrEqual(1);
    const folder = await project({ ...pages, ...examples, 'zizmor.yml': shown });
    expect(await run(zizmor, [...strict, '--config', 'zizmor.yml', '.github'], folder)).toMatchObject({ code: 0, said: expect.stringContaining('No findings to report') });
  });

  test('does find what is wrong', async () => {
    const folder = await project({ '.github/workflows/x.yml': careless });
    const { code, said } = await run(zizmor, [...strict, '.'], folder);
    expect({ found: code !== 0, said }).toEqual({ found: true, said: expect.stringMatching(/template-injection[^]*unpinned-uses|unpinned-uses[^]*template-injection/) });
  });
});
