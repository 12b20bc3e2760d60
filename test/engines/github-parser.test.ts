import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { repository, sluice } from '../sluice-process.ts';
import { actionFiles, read, shownWorkflows, workflowFiles } from './shown-workflows.ts';

/* GitHub's own parser, validator and expression evaluator on our workflows and actions, and on those that our pages show. */

const packages = join(repository, '.tools/github-parser/node_modules/');
const ready = existsSync(packages);
if (!ready) process.stderr.write('test/engines/github-parser: not shown, there is no .tools/github-parser (see .ci/run)\n');

interface Asked {
  readonly files?: Readonly<Record<string, string>>;
  readonly expressions?: readonly (readonly [expression: string, contexts: object, status?: 'success' | 'failure' | 'cancelled'])[];
}

interface Answer {
  readonly findings: readonly { readonly name: string; readonly line: number; readonly message: string }[];
  readonly values: readonly string[];
}

/** nameOf is how a workflow names the action whose file this is. */
const nameOf = (path: string): string => `OWNER/sluice/${path}`.replace(/\/action\.yml$/, '');

/** referring names our own actions as other repositories do: for an action beside the workflow the validator has no metadata. */
const referring = (text: string): string =>
  text.replaceAll(/uses: \.\/(?:\.sluice-actions\/?)?(\S*)/g, (_, path: string) => `uses: OWNER/sluice${path === '' ? '' : `/${path}`}@v1`);

const ask = ({ files = {}, expressions = [] }: Asked): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const question = {
      packages,
      files: Object.fromEntries(Object.entries(files).map(([name, text]) => [name, referring(text)])),
      actions: Object.fromEntries(actionFiles.map((path) => [nameOf(path), parse(read(path))])),
      workflows: Object.fromEntries(workflowFiles.map((path) => [path, read(path)])),
      expressions,
    };
    const child = execFile(process.execPath, [join(repository, 'test/engines/github-language.mjs')], { timeout: 60_000 }, (error, stdout) => {
      if (error === null) resolve(JSON.parse(stdout) as Answer);
      else reject(error);
    });
    child.stdin?.end(JSON.stringify(question));
  });

/** shownWith is the name of the workflow of the page that has this in it. */
const shownWith = (part: string): string => Object.entries(shownWorkflows).find(([name, text]) => name.startsWith('docs/github.md') && text.includes(part))?.[0] ?? '';

/** careless are files with one mistake each, and what is said of it. */
const careless = (): readonly (readonly [path: string, from: string, to: string, said: RegExp])[] => [
  ['action.yml', '      shell: bash\n', '', /^Required property is missing: shell$/],
  ['action.yml', 'icon: git-merge', 'icon: git-murge', /^Unexpected value 'git-murge'$/],
  ['action.yml', 'color: blue', 'color: bleu', /^Unexpected value 'bleu'$/],
  ['actions/canary/action.yml', 'toJSON(inputs)', 'toJSN(inputs)', /^Unrecognized function: 'toJSN'$/],
  ['.github/workflows/release.yml', 'needs: release', 'needs: relese', /depends on unknown job 'relese'/],
  ['.github/workflows/release.yml', "create: ${{ inputs.create }}", "craete: ${{ inputs.create }}", /^Invalid action input 'craete'$/],
  ['.github/workflows/release.yml', 'inputs.create', 'inputs.craete', /Context access might be invalid: craete/],
  ['.github/workflows/release.yml', 'steps.release.outputs.status', 'steps.release.outputs.state', /Context access might be invalid: state/],
  ['.github/workflows/release.yml', 'deployments: write', 'deployment: write', /Unexpected value 'deployment'/],
  ['.github/workflows/self-ci.yml', 'with: { config:', 'with: { konfig:', /^Invalid action input 'konfig'$/],
  [shownWith('rollback.yml@v1'), 'reason: ${{', 'raeson: ${{', /raeson/],
  [shownWith('rollback.yml@v1'), 'SLUICE_SECRETS: ${{', 'SLUICE_SECRET: ${{', /SLUICE_SECRET/],
  [shownWith('mode: abort'), 'needs.start.result ==', 'needs.strat.result ==', /strat/],
  [shownWith('mode: abort'), "if: always() && ", 'if: always( && ', /Unexpected symbol/],
];

(ready ? describe : describe.skip)("GitHub's validator", () => {
  const texts: Readonly<Record<string, string>> = { ...Object.fromEntries([...actionFiles, ...workflowFiles].map((path) => [path, read(path)])), ...shownWorkflows };

  test('finds nothing in our workflows and actions, in those of the examples, and in those that the pages show', async () => {
    expect(actionFiles.length).toBeGreaterThanOrEqual(14);
    expect(workflowFiles.length).toBeGreaterThanOrEqual(6);
    expect(Object.keys(shownWorkflows).length).toBeGreaterThanOrEqual(4);
    expect(await ask({ files: texts })).toEqual({ findings: [], values: [] });
  });

  test('does find a missing shell, an unknown job, a bad expression, and inputs and outputs that an action or a called workflow does not have', async () => {
    const files = Object.fromEntries(
      careless().map(([path, from, to], index) => {
        const text = texts[path] ?? '';
        expect(text).toContain(from);
        return [`${index}/${path}`, text.replace(from, to)];
      }),
    );
    const { findings } = await ask({ files });
    for (const [index, [path, , , said]] of careless().entries()) {
      expect(findings.filter(({ name }) => name === `${index}/${path}`).map(({ message }) => message)).toContainEqual(expect.stringMatching(said));
    }
  });

  test('has a second one beside it that knows the keys of an input', () => {
    const { validateAction } = createRequire(packages)('@action-validator/core') as { validateAction(text: string): { readonly errors: readonly { readonly detail?: string }[] } };
    for (const path of actionFiles) expect({ path, ...validateAction(read(path)) }).toMatchObject({ path, errors: [] });
    expect(validateAction(read('action.yml').replace('required: false', 'requierd: false')).errors).toMatchObject([{ detail: "Additional property 'requierd' is not allowed" }]);
  });
});

test('the root action may be listed on the Marketplace, and no two actions have one name', () => {
  interface Definition {
    readonly name: string;
    readonly description: string;
    readonly branding?: { readonly icon: string; readonly color: string };
  }
  const definitions = actionFiles.map((path) => parse(read(path)) as Definition);
  expect(new Set(definitions.map(({ name }) => name)).size).toBe(actionFiles.length);
  const [root] = definitions;
  // Which icons and colours there are, the validator knows.
  expect(root?.branding).toEqual({ icon: expect.any(String), color: expect.any(String) });
  expect(root?.description.length).toBeLessThan(125);
});

(ready ? describe : describe.skip)("GitHub's evaluator", () => {
  let condition = '';
  beforeAll(() => {
    condition = /if: (always\(\) && .*)$/m.exec(read('docs/github.md'))?.[1] ?? '';
  });

  test('gives all inputs as one text that the bundle reads as they were written', async () => {
    const inputs = { config: '"quoted" $(touch x) `y`\n中文 \\ %', environment: '' };
    const { values } = await ask({ expressions: [['toJSON(inputs)', { inputs }]] });
    const { code, stdout } = await sluice(['validate', '--json'], { environment: { SLUICE_INPUTS: values[0] ?? '' } });
    expect(code).toBe(2);
    expect((JSON.parse(stdout) as { readonly reason: string }).reason).toContain(inputs.config);
  });

  test('takes the share back when nobody approved, and only when there is one', async () => {
    const results = (start: string, approval: string, promote: string): object => ({ needs: { start: { result: start }, approval: { result: approval }, promote: { result: promote } } });
    const cases = [
      [results('success', 'success', 'success'), 'success', 'false'],
      [results('success', 'failure', 'skipped'), 'failure', 'true'],
      [results('success', 'cancelled', 'cancelled'), 'cancelled', 'true'],
      [results('success', 'success', 'failure'), 'failure', 'true'],
      [results('failure', 'skipped', 'skipped'), 'failure', 'false'],
    ] as const;
    const { values } = await ask({ expressions: cases.map(([contexts, status]) => [condition, contexts, status] as const) });
    expect(values).toEqual(cases.map(([, , wanted]) => wanted));
  });
});
