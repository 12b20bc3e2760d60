import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { generatedFiles } from '@sluice/faces';
import { loadStep, stepNames } from '@sluice/steps';
import { project, repository } from './sluice-process.ts';

/* How this repository's own workflows keep what they release from being touched on the way. */

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const workflows = readdirSync(join(repository, '.github/workflows')).map((name) => `.github/workflows/${name}`);
const actions = ['action.yml', ...readdirSync(join(repository, 'actions'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => `actions/${name}/action.yml`)];
const pages = [...readdirSync(repository), ...readdirSync(join(repository, 'docs')).map((name) => `docs/${name}`)].filter((path) => path.endsWith('.md'));
const examples = execFileSync('git', ['ls-files', 'examples'], { cwd: repository, encoding: 'utf8' }).split('\n').filter((path) => /\.ya?ml$/.test(path));

interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
}

interface Job {
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps?: readonly Step[];
}

interface Workflow {
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const workflow = (path: string): Workflow => parse(read(path)) as Workflow;
const uses = (text: string): readonly string[] => [...text.matchAll(/^\s*(?:- )?(?:\{ )?uses: ([^\s,]+(?: # v[\d.]+)?)/gm)].map(([, what = '']) => what);

describe('our own workflows', () => {
  test('use what others wrote at a commit, with the version beside it', () => {
    const foreign = [...workflows, ...actions].flatMap((path) => uses(read(path))).filter((what) => !what.startsWith('./'));
    expect(foreign.length).toBeGreaterThan(10);
    expect(foreign.filter((what) => !/^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(what))).toEqual([]);
  });

  test('use each of them at one commit', () => {
    const pins = workflows.flatMap((path) => uses(read(path))).filter((what) => !what.startsWith('./'));
    const names = new Set(pins.map((pin) => pin.split('@')[0]));
    expect(new Set(pins).size).toBe(names.size);
  });

  test('show in docs and examples nothing but ourselves and what GitHub wrote', () => {
    const shown = [...pages, ...examples].flatMap((path) => uses(read(path)).map((what) => ({ path, what })));
    expect(shown.length).toBeGreaterThan(10);
    expect(shown.filter(({ what }) => !/^(OWNER\/sluice(\/[\w./-]+)?@v1|(actions|github)\/[a-z/-]+@v\d+|\.\/.*)$/.test(what))).toEqual([]);
  });

  test('have no permission that a job does not name', () => {
    expect(workflows.filter((path) => JSON.stringify(workflow(path).permissions) !== '{}')).toEqual([]);
  });

  test('install packages by the lock file, without their scripts, and never in a job that can write', () => {
    const own = workflows.filter((path) => path.includes('/self-'));
    const jobs = own.flatMap((path) => Object.values(workflow(path).jobs).map((job) => ({ path, job, commands: (job.steps ?? []).map(({ run = '' }) => run).join('\n') })));
    expect(jobs.flatMap(({ commands }) => commands.match(/npm (?!run )[^\n]*/g) ?? [])).toEqual(expect.arrayContaining(['npm ci --ignore-scripts']));
    for (const { path, job, commands } of jobs) {
      for (const [command] of commands.matchAll(/\bnpm (?!run )[^\n]*/g)) expect({ path, command }).toEqual({ path, command: 'npm ci --ignore-scripts' });
      if (Object.values(job.permissions ?? {}).includes('write')) expect({ path, packages: /\bnpm\b|\bnpx\b|\.ci\/run/.test(commands) }).toEqual({ path, packages: false });
    }
    expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m);
  });

  test('release from main alone, after CI, in an environment whose reviewers let it begin', () => {
    const { jobs } = workflow('.github/workflows/self-release.yml');
    expect(jobs['check']).toMatchObject({ if: "github.ref == 'refs/heads/main'", steps: expect.arrayContaining([expect.objectContaining({ name: 'CI must have passed on this commit' })]) });
    expect(jobs['publish']).toMatchObject({ needs: 'check', environment: 'release' });
    expect(Object.entries(jobs).filter(([, job]) => JSON.stringify(job).includes('secrets.')).map(([name]) => name)).toEqual(['publish']);
  });
});

describe('dependencies', () => {
  test('wait at least a week after they came out', () => {
    const { updates } = parse(read('.github/dependabot.yml')) as { updates: readonly { 'package-ecosystem': string; cooldown: { 'default-days': number } }[] };
    expect(updates.map((update) => update['package-ecosystem']).sort()).toEqual(['github-actions', 'npm']);
    for (const { cooldown } of updates) expect(cooldown['default-days']).toBeGreaterThanOrEqual(7);
  });
});

/** fakeHub is a `gh` that keeps the one release that it knows in a file, and dies after as many calls as it is told. */
const fakeHub = `#!/bin/sh
echo "$1 $2" >> "$HUB/calls"
if [ "$(wc -l < "$HUB/calls")" -gt "$HUB_DIES_AFTER" ]; then exit 9; fi
case "$2" in
  view) [ -e "$HUB/draft" ] && cat "$HUB/draft" ;;
  create) echo true > "$HUB/draft" ;;
  upload) [ "$(cat "$HUB/draft")" = true ] && printf '%s\\n' "$@" | grep sluice- > "$HUB/assets" ;;
  edit) echo false > "$HUB/draft" ;;
esac
`;

describe('the release on GitHub', () => {
  const step = workflow('.github/workflows/self-release.yml').jobs['publish']?.steps?.find(({ name }) => name?.startsWith('The release, '))?.run ?? '';

  test.each([0, 1, 2, 3, 4])('is whole after a run that died in call %i and a second one, which does nothing where nothing is left to do', async (dies) => {
    const folder = await project({ 'bin/gh': fakeHub, 'package.json': '{"version":"1.2.3"}', 'release/sluice-1.2.3.tar.gz': 'a', 'release/sluice-1.2.3.tar.gz.sha256': 'b', 'release/notes.md': '- c', 'provenance.json': '{}' });
    await chmod(join(folder, 'bin/gh'), 0o755);
    await writeFile(join(folder, 'calls'), '');
    const run = (after: number): number | null => {
      const env = { PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, HUB: folder, HUB_DIES_AFTER: `${after}`, RUNNER_TEMP: folder, PROVENANCE: join(folder, 'provenance.json') };
      return spawnSync('bash', ['-e', '-o', 'pipefail', '-c', step], { cwd: folder, env }).status;
    };
    expect(run(dies) === 0).toBe(dies === 4);
    const before = (await readFile(join(folder, 'calls'), 'utf8')).split('\n').length;
    expect(run(99)).toBe(0);
    expect(await readFile(join(folder, 'draft'), 'utf8')).toBe('false\n');
    expect(await readFile(join(folder, 'assets'), 'utf8')).toBe('sluice-1.2.3.tar.gz\nsluice-1.2.3.tar.gz.attestation.jsonl\nsluice-1.2.3.tar.gz.sha256\n');
    if (dies === 4) expect((await readFile(join(folder, 'calls'), 'utf8')).split('\n').slice(before - 1)).toEqual(['release view', '']);
  });
});

describe('a patch that another job built', () => {
  const git = (folder: string, ...argv: readonly string[]): string => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...argv], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  /** applied makes a patch out of changes in one checkout and applies it in another. */
  const applied = async (change: (folder: string) => Promise<void>): Promise<{ readonly code: number | null; readonly said: string; readonly staged: string }> => {
    const folder = await project({ 'one/README.md': 'before\n', 'one/dist/1.index.js': 'before' });
    const one = join(folder, 'one');
    const other = join(folder, 'other');
    git(one, 'init', '--quiet', '--initial-branch=main');
    git(one, 'add', '--all');
    git(one, 'commit', '--quiet', '--message', 'before');
    git(folder, 'clone', '--quiet', one, other);
    await change(one);
    git(one, 'add', '--all');
    await writeFile(join(folder, 'patch'), git(one, 'diff', '--cached', '--binary', '--no-renames'));
    const { status, stderr } = spawnSync(process.execPath, [join(repository, 'scripts/apply-generated.js'), join(folder, 'patch')], { cwd: other, encoding: 'utf8' });
    return { code: status, said: stderr, staged: git(other, 'diff', '--cached', '--name-only') };
  };
  const writing = (paths: readonly string[]) => async (folder: string): Promise<void> => {
    for (const path of paths) {
      await mkdir(join(folder, dirname(path)), { recursive: true });
      await writeFile(join(folder, path), `new ${path}\n`);
    }
  };

  test('is applied where it changes nothing but what is generated', async () => {
    const steps = [];
    for (const name of stepNames) steps.push(await loadStep(name));
    const whole = steps.find(({ name }) => name === 'release');
    if (whole === undefined) throw new Error('there is no release');
    const made = generatedFiles({ steps, whole, exposures: [], rights: { conditional: [], steps: [], trusts: {}, longest: 0 }, origin: { repository: '', reference: 'v1' }, readme: read('README.md') });
    const paths = [...Object.keys(made), 'dist/index.js', 'dist/2.index.js', 'dist/licenses.txt', 'dist/package.json', 'resources/sluice/bundle.json', 'resources/sluice/bundle.sha256'].sort();
    const { code, said, staged } = await applied(async (folder) => {
      await writing(paths)(folder);
      await rm(join(folder, 'dist/1.index.js'));
    });
    expect({ code, said, staged: staged.trim().split('\n').sort() }).toEqual({ code: 0, said: '', staged: [...paths, 'dist/1.index.js'].sort() });
  });

  test('is refused where it changes anything else as well, by the name of each', async () => {
    const foreign = ['.github/allowed_signers', '.github/workflows/self-ci.yml', 'actions/run.sh', 'dist/more/index.js', 'docs/releasing.md', 'package-lock.json', 'package.json', 'resources/sluice/unpack.cjs', 'scripts/release.js', 'vars/sluiceBundle.groovy', 'vars/sluiceRun.groovy'];
    expect(await applied(writing(['dist/index.js', ...foreign]))).toEqual({ code: 1, said: `refused: these are not generated files: ${foreign.map((path) => `${path} (100644)`).join(', ')}\n`, staged: '' });
  });

  test('is refused where it makes a link', async () => {
    expect(await applied((folder) => symlink('/etc/passwd', join(folder, 'dist/2.index.js')))).toEqual({ code: 1, said: expect.stringContaining('dist/2.index.js (120000)'), staged: '' });
  });
});
