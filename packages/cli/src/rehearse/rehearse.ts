import { realpathSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import {
  createFilePort,
  createSecretReader,
  done,
  endedBy,
  failed,
  live,
  resultOf,
  resultsFolder,
  runStep,
  systemClock,
  type Host,
  type Outcome,
  type Project,
  type ResultsFolder,
  type SelectedEnvironment,
  type StepResult,
} from '@sluice/core';
import { startLab, type Lab } from '@sluice/lab';
import { folderStore } from '@sluice/state';
import { attachmentsOf, loadStep, userQuestion } from '@sluice/steps';
import { readApplication } from '../application.ts';
import { httpClient } from '../connection.ts';
import { createContext, type Context } from '../context.ts';
import { loadProject } from '../load-project.ts';
import { recorded } from '../recorded.ts';
import { candidateFaults, type CandidateFaults } from './candidate-faults.ts';
import { labCommands } from './lab-commands.ts';
import { rewrite } from './rewrite.ts';
import { seed, type Standing } from './seed.ts';
import { timeFactor } from './time-factor.ts';
import { countServed, startUsers, type UsersOptions } from './users.ts';

/** RehearseRequest is what the command line asks for. */
export interface RehearseRequest {
  /** file is a sluice.yml, a folder with one or a bare Dify DSL file; the example when absent. */
  readonly file?: string;
  readonly environment?: string;
  readonly candidate?: string;
  readonly signal: AbortSignal;
}

/** exampleBeside is the example of the clone that the bundle belongs to. */
const exampleBeside = (bundle: string): string => join(dirname(dirname(realpathSync(bundle))), 'examples', 'support-bot', 'sluice.yml');

const chooseEnvironment = (project: Project, named: string | undefined): Outcome<SelectedEnvironment> => {
  const { environments } = project.config;
  const names = Object.keys(environments).filter((one) => environments[one]?.preview === undefined);
  const name = named ?? names.find((one) => one.startsWith('prod')) ?? names.at(-1) ?? '';
  const config = names.includes(name) ? environments[name] : undefined;
  if (config !== undefined) return done({ name, config });
  return failed({ category: 'input', reason: `there is no environment ${name} to release to in ${project.file}`, hint: `Environments: ${names.join(', ')}.` });
};

/** unseenWrong is the problem of asking for wrong answers where nothing says what a right one is. */
const unseenWrong = (project: Project, environment: SelectedEnvironment, faults: CandidateFaults | undefined): Outcome<void> => {
  const health = environment.config.health ?? project.config.health;
  const expects = health?.ask?.some((question) => question.expect !== undefined) ?? false;
  if (faults?.wrong === undefined || expects) return done(undefined);
  return failed({
    category: 'input',
    reason: 'wrong answers cannot be noticed: no question says what a right answer is',
    where: project.file,
    hint: 'Add to sluice.yml: health: { ask: [{ query: ping, expect: { contains: pong } }] }',
  });
};

/** Stage is a lab with the application in it, and the context of a release that knows nothing but the lab. */
interface Stage {
  readonly lab: Lab;
  readonly standing: Standing | undefined;
  readonly context: Context;
  /** split is true when the users' traffic is split, so that many users are needed for a share of them to be seen. */
  readonly split: boolean;
}

interface StageParts {
  readonly host: Host;
  readonly project: Project;
  readonly environment: SelectedEnvironment;
  readonly faults: CandidateFaults | undefined;
  readonly signal: AbortSignal;
  readonly workFolder: string;
  readonly results: ResultsFolder;
  readonly lab: Lab;
}

const twinned = ({ project, environment }: StageParts): Outcome<never> =>
  failed({
    category: 'input',
    reason: `a rehearsal stands in for one app, and the canary of ${environment.name} is judged in a second one, its twin`,
    tried: 'put the application into the lab',
    where: project.file,
    hint: 'Rehearse an environment without gateway.twin, or look at this one with release --dry-run.',
  });

const seeded = async (parts: StageParts): Promise<Outcome<Standing | undefined>> => {
  const { lab, project, environment } = parts;
  if (environment.config.gateway?.twin !== undefined) return twinned(parts);
  const application = await readApplication(project, environment.config, { pullRequest: parts.host.context.pullRequest !== undefined });
  if (!application.ok) return application;
  const { parsed, files } = application.value;
  // A source with errors is not put into the lab: the release stops at validate and says where.
  if (parsed.source === undefined || parsed.findings.some(({ severity }) => severity === 'error')) return done(undefined);
  return done(seed(lab, environment.config, parsed, files[0]?.text ?? ''));
};

/** misbehaving is a host at whose canary the new version turns bad: what health checks find before is not what the canary is for. */
const misbehaving = (host: Host, standing: Standing | undefined, faults: CandidateFaults | undefined): Host => {
  if (standing === undefined || faults === undefined) return host;
  return {
    ...host,
    stepStarted: (step) => {
      if (step === 'canary') standing.misbehave(faults);
      host.stepStarted(step);
    },
  };
};

/** rehearsalResults keeps documents, picture and report where SLUICE_RESULTS says; without it they go with the rehearsal. */
const rehearsalResults = (host: Host, workFolder: string): ResultsFolder => {
  const named = (host.environment['SLUICE_RESULTS'] ?? '') !== '';
  return resultsFolder(named ? host.resultsFolder : join(workFolder, 'results'), (text) => host.redact(text), (line) => host.log(line), named ? attachmentsOf : undefined);
};

/** rehearsedMs is the deadline that a rehearsed release is told of. */
const rehearsedMs = 60 * 60_000;

const stage = async (parts: StageParts): Promise<Outcome<Stage>> => {
  const { lab, project, environment, signal, workFolder } = parts;
  const standing = await seeded(parts);
  if (!standing.ok) return standing;
  const host = misbehaving(parts.host, standing.value, parts.faults);
  if (host !== parts.host) host.log(`rehearsal: from the canary on the new version misbehaves (${Object.entries(parts.faults ?? {}).map(([knob, value]) => `${knob}=${value}`).join(', ')})`);
  const factor = timeFactor(environment.config);
  const rewritten = rewrite(project.config, environment.config, lab, standing.value ?? { application: '', secrets: {} }, parts.faults === undefined ? 30 : undefined);
  for (const value of Object.values(rewritten.secrets)) host.mask(value);
  for (const line of rewritten.said) host.log(`rehearsal: ${line}`);
  host.log(`rehearsal: all waits are ${factor} times shorter; only this machine is reached`);
  const config = { name: environment.name, config: rewritten.environment };
  const context = createContext({
    host,
    clock: systemClock(factor),
    step: 'release',
    deadlineMs: rehearsedMs,
    settings: {},
    signal,
    connectionSignal: new AbortController().signal,
    cancelled: () => signal.aborted,
    dryRun: false,
    offline: false,
    rehearsal: true,
    project: { ...project, config: { ...project.config, notify: rewritten.notify, environments: { [environment.name]: rewritten.environment } } },
    workFolder,
    selected: done(config),
    secrets: createSecretReader({
      environment: rewritten.secrets,
      environmentName: environment.name,
      mask: (value) => host.mask(value),
      note: (line) => host.log(line),
      offline: false,
    }),
    http: httpClient({ host, clock: systemClock(), signal: new AbortController().signal, loopbackOnly: true }),
    commands: labCommands(lab),
    files: createFilePort(),
    state: folderStore(join(workFolder, 'state')),
    results: parts.results,
  });
  return done({ lab, standing: standing.value, context, split: environment.config.gateway !== undefined || environment.config.agentrun !== undefined });
};

/** Door is the address that users use, with the question that they ask there. */
type Door = Pick<UsersOptions, 'opened' | 'question'>;

/** doorOf opens the users' address; undefined while there is nothing to ask. */
const doorOf = async ({ context, standing }: Stage): Promise<Door | undefined> => {
  if (standing === undefined || standing.stable === '') return undefined;
  const [target, question] = [await context.target(), await userQuestion(context)];
  if (!target.ok || !question.ok) return undefined;
  const opened = await target.value.open(live);
  return opened.ok ? { opened: opened.value, question: question.value } : undefined;
};

const named = (standing: Standing, version: string): string =>
  standing.same(version, standing.stable) ? `the stable version (${version})` : `the new version (${version})`;

/** reportServed asks as twenty more users and tells, from the lab's own counters, who answered them. */
const reportServed = async (host: Host, standing: Standing, door: Door): Promise<void> => {
  const served = await countServed(door, 20, () => standing.served());
  const counts = Object.entries(served).map(([version, count]) => `${count} of 20 from ${named(standing, version)}`);
  host.log(`lab: users get ${counts.length === 0 ? 'no answer' : counts.join(', ')}, counted by the lab`);
};

const report = (host: Host, { lab, standing }: Stage): void => {
  const messages = lab.inbox.messages().map(({ channel }) => channel);
  if (messages.length > 0) host.log(`lab: messages in the inboxes: ${messages.join(', ')}`);
  const nodes = standing?.standIns() ?? [];
  const more = nodes.length > 12 ? ` and ${nodes.length - 12} more` : '';
  if (nodes.length > 0) host.log(`lab: a stand-in, not the real thing, answered for ${nodes.slice(0, 12).join(', ')}${more}`);
};

const play = async (host: Host, staged: Stage): Promise<StepResult> => {
  const door = await doorOf(staged);
  const users = door === undefined ? undefined : startUsers({ ...door, people: 500, atOnce: staged.split ? 6 : 2, pauseMs: 80, most: 5000 });
  const result = await runStep(await loadStep('release'), staged.context, {});
  const seen = await users?.stop();
  if (seen !== undefined) host.log(`users: ${seen.answers} answers while the release ran, ${seen.failures} of them failed`);
  if (door !== undefined && staged.standing !== undefined) await reportServed(host, staged.standing, door);
  report(host, staged);
  await door?.opened.close();
  await staged.context.close();
  return result;
};

const withLab = async (parts: Omit<StageParts, 'lab'>): Promise<Outcome<StepResult>> => {
  const lab = await startLab({});
  try {
    const staged = await stage({ ...parts, lab });
    return staged.ok ? done(await play(parts.host, staged.value)) : staged;
  } finally {
    await lab.close();
  }
};

const perform = async (host: Host, request: RehearseRequest, kept: Pick<StageParts, 'workFolder' | 'results'>): Promise<Outcome<StepResult>> => {
  const faults = request.candidate === undefined ? done(undefined) : candidateFaults(request.candidate);
  if (!faults.ok) return faults;
  const loaded = await loadProject(host.folder, request.file ?? exampleBeside(process.argv[1] ?? '.'));
  if (!loaded.ok) return loaded;
  const { project } = loaded.value;
  const environment = chooseEnvironment(project, request.environment);
  if (!environment.ok) return environment;
  const noticed = unseenWrong(project, environment.value, faults.value);
  if (!noticed.ok) return noticed;
  host.log(`rehearsal of ${relative(host.folder, join(project.folder, project.config.source))}, environment ${environment.value.name}`);
  return withLab({ host, project, environment: environment.value, faults: faults.value, signal: request.signal, ...kept });
};

/** rehearse runs a whole release against the lab and gives the release's own result, or why there was none. */
export const rehearse = async (host: Host, request: RehearseRequest): Promise<StepResult> => {
  const workFolder = await mkdtemp(join(tmpdir(), 'sluice-rehearsal-'));
  try {
    const results = rehearsalResults(host, workFolder);
    const ended = await perform(host, request, { workFolder, results });
    const result = ended.ok ? ended.value : resultOf('rehearse', endedBy(ended.problem), {}, new Date(), 0);
    if (!ended.ok) host.stepEnded(result);
    return recorded(host, result, await results.write(result));
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
};
