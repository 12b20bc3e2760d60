import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { project, repository } from '../sluice-process.ts';
import { javaHome, quickly } from './jenkins-engine.ts';

/* Our Groovy, and the pipelines that our pages show, under npm-groovy-lint. The rules that are off are in jenkins/.groovylintrc.yml, each with its reason. */

const program = join(repository, '.tools/npm-groovy-lint/node_modules/npm-groovy-lint/lib/index.js');
const ready = existsSync(program) && javaHome !== '';
if (!ready) process.stderr.write('test/engines/groovy-lint: not shown, .tools has no npm-groovy-lint, or there is no java (see .ci/run)\n');

const filesIn = (folder: string, pattern: RegExp): readonly string[] =>
  existsSync(join(repository, folder)) ? readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' }).filter((name) => pattern.test(name)).map((name) => `${folder}/${name}`) : [];

const shown = (page: string): Readonly<Record<string, string>> =>
  Object.fromEntries([...readFileSync(join(repository, page), 'utf8').matchAll(/```groovy\n([^]*?)```/g)].map(([, text = ''], index) => [`${page.replaceAll('/', '-')}-${index + 1}.groovy`, text]));

/** careless is a var with what the linter must find. */
const careless = 'def call() {\n  int unused = 1\n  if (true) { return 2; }\n}\n';

const ours = [...filesIn('vars', /\.groovy$/), ...filesIn('src', /\.groovy$/), ...filesIn('examples', /(?:^|\/)Jenkinsfile$/)];

interface Linted {
  readonly summary: { readonly totalFilesLinted: number };
  readonly files: Readonly<Record<string, { readonly errors: readonly { readonly rule: string; readonly msg: string; readonly line: number }[] }>>;
}

(ready ? describe : describe.skip)('npm-groovy-lint', () => {
  // One run for all: it starts a Java each time.
  test('finds nothing in the library, in the examples and on the pages, and does find what is wrong', async () => {
    const pages = { ...shown('docs/jenkins.md'), ...shown('docs/same-release.md'), ...shown('README.md') };
    const examples = Object.fromEntries(ours.map((path) => [`${path.replaceAll('/', '-')}${path.endsWith('.groovy') ? '' : '.groovy'}`, readFileSync(join(repository, path), 'utf8')]));
    const files = { ...examples, ...pages, 'careless.groovy': careless };
    const folder = await project(files);
    const argv = [program, '--noserver', '--failon', 'warning', '--output', 'json', '--config', join(repository, 'test/engines/jenkins'), '--path', folder, '--files', '**/*.groovy'];
    const environment = { PATH: process.env['PATH'] ?? '', HOME: folder, JAVA_HOME: javaHome, JAVA_TOOL_OPTIONS: quickly };
    const said = await new Promise<string>((resolve) => {
      execFile(process.execPath, argv, { cwd: folder, env: environment, timeout: 280_000, maxBuffer: 16 * 1024 * 1024 }, (_error, stdout, stderr) => resolve(stdout.includes('{') ? stdout.slice(stdout.indexOf('{')) : stderr));
    });
    const { summary, files: linted } = JSON.parse(said) as Linted;
    const found = Object.entries(linted).flatMap(([path, { errors }]) => errors.map(({ rule, line, msg }) => `${path.split('/').at(-1)}:${line} ${rule}: ${msg}`));
    expect(ours.length).toBeGreaterThanOrEqual(17);
    expect(summary.totalFilesLinted).toBe(Object.keys(files).length);
    expect(found.filter((text) => !text.startsWith('careless.groovy'))).toEqual([]);
    expect(found.join('\n')).toMatch(/careless\.groovy:\d+ (?:Unused|UnnecessarySemicolon|Constant)/);
  }, 300_000);
});
