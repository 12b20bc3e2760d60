import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { project, repository } from '../sluice-process.ts';

/* Our files for Bitbucket Pipelines and CircleCI, held to the schemas that these publish, which check-jsonschema carries. */

const program = join(repository, '.tools/check-jsonschema/bin/check-jsonschema');
const ready = existsSync(program);
if (!ready) process.stderr.write('test/engines/ci-schemas: not shown, .tools has no check-jsonschema (see .ci/run)\n');

const page = (name: string): string => /```yaml\n([^]*?)```/.exec(readFileSync(join(repository, `docs/${name}.md`), 'utf8'))?.[1] ?? '';

/** check gives what the schema has against a text; empty when it fits. */
const check = async (schema: string, text: string): Promise<string> => {
  const folder = await project({});
  writeFileSync(join(folder, 'file.yml'), text);
  try {
    execFileSync(program, ['--builtin-schema', `vendor.${schema}`, join(folder, 'file.yml')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return '';
  } catch (error) {
    return String(Reflect.get(error as object, 'stdout'));
  }
};

const files = [
  ['bitbucket-pipelines', 'examples/pipelines/bitbucket-pipelines.yml', readFileSync(join(repository, 'examples/pipelines/bitbucket-pipelines.yml'), 'utf8')],
  ['bitbucket-pipelines', 'docs/bitbucket.md', page('bitbucket')],
  ['circle-ci', 'examples/pipelines/circleci/config.yml', readFileSync(join(repository, 'examples/pipelines/circleci/config.yml'), 'utf8')],
  ['circle-ci', 'docs/circleci.md', page('circleci')],
] as const;

(ready ? describe : describe.skip)('the schema of', () => {
  test.each(files)('%s has nothing against %s', async (schema, _path, text) => {
    expect(text).not.toBe('');
    expect(await check(schema, text)).toBe('');
  });

  test.each([
    ['bitbucket-pipelines', 'concurrency-group: production', 'concurrency-group: [production]'],
    ['bitbucket-pipelines', 'trigger: manual', 'trigger: by-hand'],
    ['circle-ci', 'no_output_timeout: 75m', 'no_output_timeout: [75m]'],
    ['circle-ci', 'release: terminal', 'release: over'],
  ])('%s refuses what is not in it: %s as %s', async (schema, right, wrong) => {
    const [, , text = ''] = files.find(([name]) => name === schema) ?? [];
    expect(text).toContain(right);
    expect(await check(schema, text.replace(right, wrong))).not.toBe('');
  });
});
