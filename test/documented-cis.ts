import { spawn } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

/*
 * Bitbucket Pipelines, CircleCI and Yunxiao Flow cannot be run here. These follow a pipeline's file as their documentation
 * says they do: which step or job comes next, with which variables, in which shell. What they run is real.
 */

/** Place is where the commands of a pipeline run. */
export interface Place {
  readonly checkout: string;
  /** temporary holds what a job makes beside its checkout. */
  readonly temporary: string;
  /** variables are those that a person has set on the CI, and what the machine has. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Ended is how a step, a job or a pipeline ended: 0, an exit code, or null when a signal ended it. */
export interface Ended {
  readonly code: number | null;
  readonly log: string;
}

/** Watch is told of each command's process group when it starts. */
export type Watch = (group: number) => void;

interface Command extends Place {
  readonly argv: readonly [string, ...string[]];
  readonly watch?: Watch | undefined;
}

const runs = ({ argv: [program, ...argv], checkout, variables, watch }: Command): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, argv, { cwd: checkout, env: { ...variables }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, log: Buffer.concat(chunks).toString('utf8') }));
    if (child.pid !== undefined) watch?.(child.pid);
  });

const script = async (place: Place, text: string): Promise<string> => {
  const path = join(await mkdtemp(join(place.temporary, 'script-')), 'commands.sh');
  await writeFile(path, text);
  return path;
};

const lines = (text: string): readonly (readonly [string, string])[] =>
  text.split('\n').filter((line) => line.includes('=')).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const);

const readOr = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

interface BitbucketStep {
  readonly name: string;
  readonly script: readonly string[];
  readonly trigger?: 'manual';
  readonly 'output-variables'?: readonly string[];
}

type BitbucketItem = { readonly step?: BitbucketStep; readonly final?: BitbucketStep; readonly variables?: readonly { readonly name: string; readonly default?: string }[] };

/**
 * bitbucketStep runs a step's commands as one script of bash with `-e`, each after a line that prints it, and gives what the
 * step hands on (support.atlassian.com: "Why does Bitbucket Pipelines pass build steps despite previous command failure?",
 * "Variable sharing").
 */
const bitbucketStep = async (place: Place, step: BitbucketStep, watch?: Watch): Promise<Ended & { readonly shared: Readonly<Record<string, string>> }> => {
  const shared = join(await mkdtemp(join(place.temporary, 'shared-')), 'variables');
  const text = ['#!/bin/bash', 'set -e', ...step.script.flatMap((command) => [String.raw`printf '\x1d+ command\n'`, command, String.raw`printf '\n'`]), ''].join('\n');
  const ended = await runs({ ...place, variables: { ...place.variables, BITBUCKET_PIPELINES_VARIABLES_PATH: shared }, argv: ['/bin/bash', await script(place, text)], watch });
  const listed = step['output-variables'] ?? [];
  return { ...ended, shared: Object.fromEntries(lines(await readOr(shared)).filter(([name]) => listed.includes(name))) };
};

/**
 * bitbucketPipeline runs the steps of a pipeline in turn until one fails, and its final step whatever became of them. A step
 * that waits for a person is run only when `pressed` lists it ("Step options"; atlassian.com/blog, "Introducing final steps").
 */
export const bitbucketPipeline = async (place: Place, items: readonly BitbucketItem[], { pressed = [], watch }: { readonly pressed?: readonly string[]; readonly watch?: Watch } = {}): Promise<Ended & { readonly ran: readonly string[] }> => {
  let handedOn: Readonly<Record<string, string>> = Object.fromEntries(items.flatMap(({ variables = [] }) => variables.map(({ name, default: value = '' }) => [name, place.variables[name] ?? value])));
  let [code, log]: [number | null, string] = [0, ''];
  const ran: string[] = [];
  for (const { step, final } of items) {
    const one = final ?? step;
    const waits = one?.trigger === 'manual' && !pressed.includes(one.name);
    if (one === undefined || waits || (final === undefined && code !== 0)) continue;
    const ended = await bitbucketStep({ ...place, variables: { ...place.variables, ...handedOn } }, one, final === undefined ? watch : undefined);
    ran.push(one.name);
    log += ended.log;
    handedOn = { ...handedOn, ...ended.shared };
    if (code === 0) code = ended.code;
  }
  return { code, log, ran };
};

type CircleStep = string | { readonly run?: string | { readonly command: string } };

interface CircleJob {
  readonly environment?: Readonly<Record<string, string>>;
  readonly steps: readonly CircleStep[];
}

interface CircleUse {
  readonly name?: string;
  readonly type?: 'approval';
  readonly environment?: string;
  readonly requires?: readonly (string | Readonly<Record<string, string | readonly string[]>>)[];
}

interface CircleFile {
  readonly commands?: Readonly<Record<string, { readonly steps: readonly CircleStep[] }>>;
  readonly jobs: Readonly<Record<string, CircleJob>>;
  readonly workflows: Readonly<Record<string, { readonly jobs: readonly (string | Readonly<Record<string, CircleUse>>)[] }>>;
}

/** commandsOf are the commands of a job, with those of the file's own commands in their place; what checks out and stores is CircleCI's. */
const commandsOf = (file: CircleFile, steps: readonly CircleStep[]): readonly string[] =>
  steps.flatMap((step) => {
    if (typeof step === 'string') return step === 'checkout' ? [] : commandsOf(file, file.commands?.[step]?.steps ?? [`unknown step ${step}`]);
    return step.run === undefined ? [] : [typeof step.run === 'string' ? step.run : step.run.command];
  });

/** circleJob runs each command of a job by `/bin/bash -eo pipefail`, which runs the file of BASH_ENV first (circleci.com/docs: "Configuration reference", "Default shell options"; "Set an environment variable"). */
const circleJob = async (place: Place, file: CircleFile, job: CircleJob, watch?: Watch): Promise<Ended> => {
  const shared = join(await mkdtemp(join(place.temporary, 'bash-env-')), 'bash.env');
  await writeFile(shared, '');
  const variables = { ...place.variables, ...job.environment, BASH_ENV: shared };
  let log = '';
  for (const command of commandsOf(file, job.steps)) {
    const ended = await runs({ ...place, variables, argv: ['/bin/bash', '-eo', 'pipefail', await script(place, command)], watch });
    log += ended.log;
    if (ended.code !== 0) return { code: ended.code, log };
  }
  return { code: 0, log };
};

const ends = { success: ['success'], terminal: ['success', 'failed', 'canceled', 'not_run'] } as const;

/** wanted are the ends of another job after which a job starts: by its name alone when it passed, else as listed ("requires"). */
const wanted = (required: string | Readonly<Record<string, string | readonly string[]>>): readonly (readonly [string, readonly string[]])[] =>
  typeof required === 'string' ? [[required, ends.success]] : Object.entries(required).map(([name, listed]) => [name, listed === 'terminal' ? ends.terminal : [listed].flat()]);

/** circleWorkflow runs the jobs of a workflow, each once what it requires has ended so; an approval passes when `pressed` lists it, and else waits. */
export const circleWorkflow = async (place: Place, text: string, name: string, options: { readonly pressed?: readonly string[]; readonly parameters?: Readonly<Record<string, string>>; readonly watch?: Watch } = {}): Promise<Ended & { readonly ended: Readonly<Record<string, string>> }> => {
  const { pressed = [], parameters = {}, watch } = options;
  const file = parse(text) as CircleFile;
  const uses = (file.workflows[name]?.jobs ?? []).flatMap((use) => (typeof use === 'string' ? [[use, {} as CircleUse] as const] : Object.entries(use)));
  const ended: Record<string, string> = {};
  let [code, log]: [number | null, string] = [0, ''];
  for (const [key, use] of uses) {
    const own = use.name ?? key;
    const goes = (use.requires ?? []).flatMap(wanted).every(([other, listed]) => listed.includes(ended[other] ?? 'waits'));
    if (!goes || (use.type === 'approval' && !pressed.includes(own))) continue;
    if (use.type === 'approval') {
      ended[own] = 'success';
      continue;
    }
    const filled = JSON.stringify(file.jobs[key]).replace(/<< (?:pipeline\.)?parameters\.([a-z]+) >>/g, (_, parameter: string) => JSON.stringify({ ...parameters, environment: use.environment ?? '' }[parameter] ?? '').slice(1, -1));
    const job = await circleJob(place, file, JSON.parse(filled) as CircleJob, watch);
    ended[own] = job.code === 0 ? 'success' : job.code === null ? 'canceled' : 'failed';
    log += job.log;
    if (code === 0) code = job.code;
  }
  return { code, log, ended };
};

interface FlowJob {
  readonly component?: string;
  readonly condition?: string;
  readonly needs?: string;
  readonly steps?: Readonly<Record<string, { readonly step: string; readonly with: { readonly run?: string } }>>;
}

interface FlowFile {
  readonly stages: Readonly<Record<string, { readonly jobs: Readonly<Record<string, FlowJob>> }>>;
}

const flowJob = async (place: Place, job: FlowJob, watch?: Watch): Promise<Ended> => {
  const machine = await mkdtemp(join(place.temporary, 'machine-'));
  const shared = join(machine, 'flow.env');
  let log = '';
  for (const { step, with: { run } } of Object.values(job.steps ?? {})) {
    if (step !== 'Command' || run === undefined) continue;
    const variables = { ...place.variables, HOME: machine, FLOW_ENV: shared, ...Object.fromEntries(lines(await readOr(shared))) };
    const ended = await runs({ ...place, variables, argv: ['/bin/bash', await script(place, run)], watch });
    log += ended.log;
    if (ended.code !== 0) return { code: ended.code, log };
  }
  return { code: 0, log };
};

/**
 * flowPipeline runs the stages in turn, and in each the jobs whose condition holds: without one when nothing before it
 * failed, with `succeed(job)` or `failed(job)` by how that job ended (help.aliyun.com: "流水线任务 jobs", "使用 condition 语法").
 * The component ManualValidate passes when `approved` is true.
 */
export const flowPipeline = async (place: Place, text: string, { approved = true, watch }: { readonly approved?: boolean; readonly watch?: Watch } = {}): Promise<Ended & { readonly ended: Readonly<Record<string, boolean>> }> => {
  const ended: Record<string, boolean> = {};
  let [code, log]: [number | null, string] = [0, ''];
  const holds = ({ condition, needs }: FlowJob): boolean => {
    const [, word, other = ''] = /^(succeed|failed)\((\w+)\)$/.exec(condition ?? '') ?? [];
    if (needs !== undefined && ended[needs] === undefined) return false;
    if (word === undefined) return Object.values(ended).every(Boolean);
    return ended[other] === (word === 'succeed');
  };
  for (const { jobs } of Object.values((parse(text) as FlowFile).stages)) {
    for (const [name, job] of Object.entries(jobs)) {
      if (!holds(job)) continue;
      const one = job.component === 'ManualValidate' ? { code: approved ? 0 : 1, log: '' } : await flowJob(place, job, watch);
      ended[name] = one.code === 0;
      log += one.log;
      if (code === 0) code = one.code;
    }
  }
  return { code, log, ended };
};
