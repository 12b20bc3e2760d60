import { beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { chmod, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { loadStep, stepNames } from '../packages/steps/src/index.ts';
import { project, repository, type Ended } from './sluice-process.ts';

interface Action {
  readonly name: string;
  readonly description: string;
  readonly inputs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly outputs: Readonly<Record<string, { readonly description: string; readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Readonly<Record<string, unknown>>[] };
}

const actionAt = async (folder: string): Promise<Action> => parse(await readFile(join(repository, folder, 'action.yml'), 'utf8')) as Action;

const faces: readonly (readonly [folder: string, step: (typeof stepNames)[number]])[] = [['.', 'release'], ...stepNames.map((name) => [`actions/${name}`, name] as const)];

describe('the definition of', () => {
  test.each(faces)('%s', async (folder, name) => {
    const action = await actionAt(folder);
    const step = await loadStep(name);
    expect(action.runs.using).toBe('composite');
    expect(action.runs.steps).toHaveLength(1);
    const [run] = action.runs.steps;
    expect(Object.keys(run ?? {}).sort()).toEqual(['env', 'id', 'run', 'shell']);
    expect(run).toMatchObject({ shell: 'bash', env: { SLUICE_INPUTS: '${{ toJSON(inputs) }}' } });
    expect(Object.keys(run?.['env'] ?? {})).toEqual(['SLUICE_INPUTS']);
    expect(run?.['run']).not.toContain('${{');
    expect(run?.['run']).toMatch(new RegExp(`^source "\\$GITHUB_ACTION_PATH/[./a-z]*run\\.sh" ${name}$`));
    expect(action.description.length).toBeGreaterThan(20);

    const inputs = Object.entries(action.inputs);
    expect(inputs.map(([input]) => input)).toEqual(Object.keys(step.inputs.shape));
    expect(inputs.length).toBeLessThanOrEqual(8);
    for (const [, input] of inputs) {
      expect(Object.keys(input).sort()).toEqual(['description', 'required']);
      expect(input['required']).toBe(false);
      expect(String(input['description'])).toMatch(/\S{2}.*\.$/);
    }
    // Beside a step's own outputs there is how it ended, which every step gives.
    for (const output of Object.keys(step.outputs)) expect(Object.keys(action.outputs)).toContain(output);
    const known = new Set([...Object.keys(step.outputs), 'status', 'category', 'reason']);
    for (const [output, { description, value }] of Object.entries(action.outputs)) {
      expect(known).toContain(output);
      expect(description).toMatch(/\S{2}/);
      expect(value).toBe(`\${{ steps.${String(run?.['id'])}.outputs.${output} }}`);
    }
  });

  test('every folder below actions is a step', async () => {
    const folders = (await readdir(join(repository, 'actions'), { withFileTypes: true })).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual([...stepNames].sort());
  });
});

interface Runner {
  readonly temp: string;
  readonly folder: string;
  /** tools are the programs that run.sh and bash need, without any node. */
  readonly tools: string;
}

/** fakeNode is a program that runs.sh meets as `node`. */
const fakeNode = async (path: string, script: string): Promise<void> => {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `#!/bin/bash\n${script}\n`);
  await chmod(path, 0o755);
};

/** runner makes the folders of a self-hosted runner: `_work/_temp` with `externals` two levels above it, and a PATH without node. */
const runner = async (): Promise<Runner> => {
  const folder = await project({ '_work/_temp/.keep': '', 'repository/.keep': '', 'tools/.keep': '', output: '', summary: '' });
  const tools = join(folder, 'tools');
  await symlink('/usr/bin/dirname', join(tools, 'dirname'));
  return { folder, temp: join(folder, '_work/_temp'), tools };
};

interface Started {
  readonly ended: Promise<Ended>;
  readonly pid: number;
  /** said resolves when standard output holds the text. */
  said(text: string): Promise<void>;
  interrupt(signal: NodeJS.Signals): void;
}

/** runnerLine runs the text of a `run` step as GitHub's runner does: a script file, and bash as the entry process. */
const runnerLine = async (text: string, actionPath: string, { folder, temp, tools }: Runner, extra: Readonly<Record<string, string>> = {}): Promise<Started> => {
  const file = join(temp, `${Math.random().toString(36).slice(2)}.sh`);
  await writeFile(file, text);
  const started = performance.now();
  const child = spawn('/bin/bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', file], {
    cwd: join(folder, 'repository'),
    env: {
      PATH: tools,
      GITHUB_ACTIONS: 'true',
      GITHUB_ACTION_PATH: actionPath,
      GITHUB_OUTPUT: join(folder, 'output'),
      GITHUB_STEP_SUMMARY: join(folder, 'summary'),
      RUNNER_TEMP: temp,
      ...extra,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  const listeners: (() => void)[] = [];
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      texts[name] += chunk;
      for (const listener of listeners) listener();
    });
  }
  const kill = setTimeout(() => child.kill('SIGKILL'), 20_000);
  return {
    pid: child.pid ?? 0,
    ended: new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        clearTimeout(kill);
        resolve({ code, ...texts, durationMs: performance.now() - started });
      });
    }),
    said: (wanted) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (texts.stdout.includes(wanted)) resolve();
        };
        listeners.push(look);
        look();
      }),
    interrupt: (signal) => void child.kill(signal),
  };
};

const runText = async (face: string): Promise<string> => String((await actionAt(face)).runs.steps[0]?.['run']);

const validate = async (made: Runner, extra: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  (await runnerLine(await runText('actions/validate'), join(repository, 'actions/validate'), made, extra)).ended;

const externals = ({ folder }: Runner, version: 'node20' | 'node24'): string => join(folder, 'externals', version, 'bin/node');

const withNode = async (path: string): Promise<void> => {
  await mkdir(join(path, '..'), { recursive: true });
  await symlink(process.execPath, path);
};

/** missing is what validate says in an empty folder, by which it is known that Sluice itself ran. */
const missing = /sluice\.yml does not exist/;

describe('a run step finds Node', () => {
  let made: Runner;
  beforeAll(async () => {
    made = await runner();
  });

  test('on PATH first, although the runner has its own', async () => {
    const other = await runner();
    await withNode(join(other.tools, 'node'));
    await fakeNode(externals(other, 'node24'), 'echo "the wrong node"; exit 99');
    const ended = await validate(other);
    expect({ code: ended.code, out: ended.stdout }).toEqual({ code: 2, out: expect.stringMatching(missing) });
  });

  test.each(['node24', 'node20'] as const)("in the runner's externals/%s", async (version) => {
    const other = await runner();
    await withNode(externals(other, version));
    const ended = await validate(other);
    expect({ code: ended.code, out: ended.stdout }).toEqual({ code: 2, out: expect.stringMatching(missing) });
    expect(ended.stderr).toBe('');
  });

  test('and passes over an older one, and one that does not start', async () => {
    const other = await runner();
    await fakeNode(join(other.tools, 'node'), 'if [ "$1" = -p ]; then echo false; else echo v18.20.4; fi');
    await fakeNode(externals(other, 'node24'), 'exit 127');
    await withNode(externals(other, 'node20'));
    const ended = await validate(other);
    expect({ code: ended.code, out: ended.stdout }).toEqual({ code: 2, out: expect.stringMatching(missing) });
  });

  test('or says that there is none, what was passed over, and what to add', async () => {
    const none = await validate(made);
    expect(none.code).toBe(2);
    expect(none.stdout).toMatch(/^::error title=Sluice::No Node\.js 20 or newer was found\. Add a step before this one: uses: actions\/setup-node/);
    const old = await runner();
    await fakeNode(join(old.tools, 'node'), 'if [ "$1" = -p ]; then echo false; else echo v18.20.4; fi');
    const passed = await validate(old);
    expect({ code: passed.code, out: passed.stdout }).toEqual({ code: 2, out: expect.stringMatching(/^::error title=Sluice::.*Passed over: \S*tools\/node \(v18\.20\.4\)\./) });
  });

  test('without RUNNER_TEMP, and in folders with blanks', async () => {
    const other = await runner();
    const odd = join(other.folder, 'a b $(touch pwned) \'"', 'actions/validate');
    await mkdir(odd, { recursive: true });
    await symlink(join(repository, 'actions/run.sh'), join(odd, '../run.sh'));
    await symlink(join(repository, 'dist'), join(odd, '../../dist'));
    await withNode(join(other.tools, 'node'));
    const line = await runnerLine(await runText('actions/validate'), odd, other, { RUNNER_TEMP: '' });
    expect((await line.ended).stdout).toMatch(missing);
    expect(await readdir(join(other.folder, 'repository'))).not.toContain('pwned');
  });
});

describe('a run step', () => {
  let made: Runner;
  beforeAll(async () => {
    made = await runner();
    await withNode(join(made.tools, 'node'));
  });

  test('takes its inputs from one variable and nothing from its text', async () => {
    const hostile = '$(touch pwned)`touch pwned`"; touch pwned #';
    const ended = await validate(made, { SLUICE_INPUTS: JSON.stringify({ config: hostile, environment: '', 'fail-on': '' }) });
    expect(ended.code).toBe(2);
    expect(ended.stdout).toContain('touch pwned');
    expect(await readdir(join(made.folder, 'repository'))).not.toContain('pwned');
  });

  test('gives its outputs, its summary, its exit code and its result document', async () => {
    const other = await runner();
    await withNode(join(other.tools, 'node'));
    const config = join(repository, 'examples/support-bot/sluice.yml');
    const ended = await validate(other, { SLUICE_INPUTS: JSON.stringify({ config, environment: 'production' }) });
    expect({ code: ended.code, err: ended.stderr }).toEqual({ code: 0, err: '' });
    const outputs = await readFile(join(other.folder, 'output'), 'utf8');
    for (const name of ['errors', 'findings', 'status', 'category', 'reason']) expect(outputs).toMatch(new RegExp(`^${name}<<`, 'm'));
    expect(outputs).toMatch(/^status<<.*\npassed\n/m);
    expect(await readFile(join(other.folder, 'summary'), 'utf8')).toContain('validate');
    expect((await readdir(join(other.temp, 'sluice'))).toSorted()).toEqual(['01-validate.json', 'gl-code-quality-report.json', 'junit.xml', 'sluice.sarif']);
  });

  test('becomes Node, so that a cancelled job ends by itself at once and leaves no process', async () => {
    const text = (await runText('actions/validate')).replace(/ validate$/, ' lab');
    const line = await runnerLine(text, join(repository, 'actions/validate'), made);
    await line.said('SLUICE_LAB_TOKEN');
    // The entry process is Node itself: the shell has been replaced.
    expect(await readFile(`/proc/${line.pid}/cmdline`, 'utf8')).toContain('dist/index.js\0lab');
    const before = performance.now();
    line.interrupt('SIGINT');
    const ended = await line.ended;
    expect([0, 130]).toContain(ended.code);
    expect(performance.now() - before).toBeLessThan(6000);
    expect(() => process.kill(line.pid, 0)).toThrow(/ESRCH/);
  });
});
