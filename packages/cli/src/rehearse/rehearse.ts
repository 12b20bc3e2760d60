import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  createFilePort,
  createSecretReader,
  done,
  failed,
  live,
  resultsFolder,
  runStep,
  systemClock,
  type Host,
  type Outcome,
  type Project,
  type SelectedEnvironment,
  type StepResult,
} from '@sluice/core';
import { startLab, type Lab } from '@sluice/lab';
import { folderStore } from '@sluice/state';
import { release, userQuestion } from '@sluice/steps';
import { readApplication } from '../application.ts';
import { httpClient } from '../connection.ts';
import { createContext, type Context } from '../context.ts';
import { loadProject } from '../load-project.ts';
import { candidateFaults, type CandidateFaults } from './candidate-faults.ts';
import { labCommands } from './lab-commands.ts';
import { rewrite } from './rewrite.ts';
import { seed, type Standing } from './seed.ts';
import { timeFactor } from './time-factor.ts';
import { startUsers, type Users } from './users.ts';

/** RehearseRequest is what the command line asks for. */
export interface RehearseRequest {
  /** file is a sluice.yml, a folder with one or a bare Dify DSL file; the example when absent. */
  readonly file?: string;
  readonly environment?: string;
  readonly candidate?: string;
  readonly signal: AbortSignal;
}

const example = join(dirname(dirname(fileURLToPath(import.meta.url))), 'examples', 'support-bot', 'sluice.yml');

const chooseEnvironment = (project: Project, named: string | undefined): Outcome<SelectedEnvironment> => {
  const { environments } = project.config;
  const names = Object.keys(environments);
  const name = named ?? names.find((one) => one.startsWith('prod')) ?? names.at(-1) ?? '';
  const config = Object.hasOwn(environments, name) ? environments[name] : undefined;
  if (config !== undefined) return done({ name, config });
  return failed({ category: 'input', reason: `there is no environment ${name} in ${project.file}`, hint: `Environments: ${names.join(', ')}.` });
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
  readonly factor: number;
}

interface StageParts {
  readonly host: Host;
  readonly project: Project;
  readonly environment: SelectedEnvironment;
  readonly faults: CandidateFaults | undefined;
  readonly signal: AbortSignal;
  readonly workFolder: string;
  readonly lab: Lab;
}

const seeded = async ({ lab, project, environment, faults }: StageParts): Promise<Outcome<Standing | undefined>> => {
  const application = await readApplication(project, environment.config);
  if (!application.ok) return application;
  const { parsed, files } = application.value;
  // A source with errors is not put into the lab: the release stops at validate and says where.
  if (parsed.source === undefined || parsed.findings.some(({ severity }) => severity === 'error')) return done(undefined);
  return done(seed(lab, environment.config, parsed, files[0]?.text ?? '', faults));
};

const stage = async (parts: StageParts): Promise<Outcome<Stage>> => {
  const { host, lab, project, environment, signal, workFolder } = parts;
  const standing = await seeded(parts);
  if (!standing.ok) return standing;
  const factor = timeFactor(environment.config);
  const rewritten = rewrite(project.config, environment.config, lab, standing.value ?? { application: '', secrets: {} });
  for (const value of Object.values(rewritten.secrets)) host.mask(value);
  for (const line of rewritten.said) host.log(`rehearsal: ${line}`);
  host.log(`rehearsal: all waits are ${factor} times shorter; only this machine is reached`);
  const config = { name: environment.name, config: rewritten.environment };
  const redact = (text: string): string => host.redact(text);
  const context = createContext({
    host,
    clock: systemClock(factor),
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
    results: resultsFolder(join(workFolder, 'results'), redact, (line) => host.log(line)),
  });
  return done({ lab, standing: standing.value, context, factor });
};

/** usersOf lets synthetic users ask at the users' own address; none when it cannot be asked yet. */
const usersOf = async ({ context, standing }: Stage): Promise<Users | undefined> => {
  if (standing === undefined || standing.stable === '') return undefined;
  const [target, question] = [await context.target(), await userQuestion(context)];
  if (!target.ok || !question.ok) return undefined;
  const opened = await target.value.open(live);
  if (!opened.ok) return undefined;
  return startUsers({ opened: opened.value, question: question.value, people: 500, atOnce: 6, pauseMs: 80, most: 5000 });
};

const report = (host: Host, { lab, standing }: Stage, seen: { answers: number; failures: number } | undefined): void => {
  if (standing === undefined) return;
  if (seen !== undefined) host.log(`users: ${seen.answers} answers while the release ran, ${seen.failures} of them failed`);
  const serving = standing.serving();
  const counts = Object.entries(standing.served()).map(([version, count]) => `${version}: ${count}`);
  host.log(`lab: users get ${serving}, which ${serving === standing.stable ? 'is the stable version' : `is not the version from before (${standing.stable})`}`);
  host.log(`lab: answers by version: ${counts.join(', ')}`);
  const messages = lab.inbox.messages().map(({ channel }) => channel);
  if (messages.length > 0) host.log(`lab: the inboxes hold ${messages.length} messages: ${messages.join(', ')}`);
  const nodes = standing.standIns();
  if (nodes.length > 0) host.log(`lab: not the real thing but a stand-in answered for ${nodes.slice(0, 12).join(', ')}${nodes.length > 12 ? ` and ${nodes.length - 12} more` : ''}`);
};

const withLab = async (parts: Omit<StageParts, 'lab'>): Promise<Outcome<StepResult>> => {
  const lab = await startLab({});
  try {
    const staged = await stage({ ...parts, lab });
    if (!staged.ok) return staged;
    const users = await usersOf(staged.value);
    const result = await runStep(release, staged.value.context, {});
    const seen = await users?.stop();
    report(parts.host, staged.value, seen);
    await staged.value.context.close();
    return done(result);
  } finally {
    await lab.close();
  }
};

/** rehearse runs a whole release against the lab and gives the release's own result. */
export const rehearse = async (host: Host, request: RehearseRequest): Promise<Outcome<StepResult>> => {
  const faults = request.candidate === undefined ? done(undefined) : candidateFaults(request.candidate);
  if (!faults.ok) return faults;
  const loaded = await loadProject(request.file ?? example);
  if (!loaded.ok) return loaded;
  const { project } = loaded.value;
  const environment = chooseEnvironment(project, request.environment);
  if (!environment.ok) return environment;
  const noticed = unseenWrong(project, environment.value, faults.value);
  if (!noticed.ok) return noticed;
  host.log(`rehearsal of ${relative(process.cwd(), join(project.folder, project.config.source))}, environment ${environment.value.name}`);
  const workFolder = await mkdtemp(join(tmpdir(), 'sluice-rehearsal-'));
  try {
    return await withLab({ host, project, environment: environment.value, faults: faults.value, signal: request.signal, workFolder });
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
};

