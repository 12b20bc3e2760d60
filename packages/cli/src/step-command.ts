import { resolve } from 'node:path';
import {
  createSecretReader,
  done,
  endedBy,
  failed,
  originOf,
  outputsOf,
  parseInputs,
  resultOf,
  resultsFolder,
  runStep,
  safeOutputs,
  selectEnvironment,
  selectPreview,
  systemClock,
  type AnyStep,
  type CommandRunner,
  type Arguments,
  type Host,
  type Origin,
  type Outcome,
  type Project,
  type ResultsFolder,
  type SelectedEnvironment,
  type Selection,
  type StepEnding,
  type StepResult,
} from '@sluice/core';
import { attachmentsOf } from '@sluice/steps';
import { createContext, type Context } from './context.ts';
import { eachEnvironment } from './each-environment.ts';
import { loadProject } from './load-project.ts';
import { offlineSurroundings } from './offline.ts';
import { secretVariables } from './platforms.ts';
import { recorded } from './recorded.ts';
import { secretNames } from './secret-names.ts';
import type { Signals } from './signals.ts';

const ended = (step: AnyStep, ending: StepEnding, origin: Origin = {}): StepResult => ({ ...resultOf(step.name, ending, safeOutputs(step), new Date(), 0), ...origin });

/** examining are the steps that may ask programs about a source: validate, a release, which begins with it, and diff, which asks git. */
const examining: ReadonlySet<string> = new Set(['validate', 'release', 'diff']);

const textInput = (inputs: Readonly<Record<string, unknown>>, name: string): string | undefined => {
  const value = inputs[name];
  return typeof value === 'string' ? value : undefined;
};

interface Prepared {
  readonly context: Context;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly deadlineMs: number;
}

const skippedText = (preparation: Preparation): string => ('skipped' in preparation ? preparation.skipped : '');

/** Preparation is the context to run a step in, or the reason to skip it. */
type Preparation = Prepared | { readonly skipped: string };

const contextFor = async (
  host: Host,
  project: Project,
  selected: Outcome<SelectedEnvironment>,
  run: { readonly step: string; readonly deadlineMs: number; readonly offline: boolean; readonly dryRun: boolean; readonly results: ResultsFolder },
  signals: Signals,
): Promise<Outcome<Context>> => {
  const { step, deadlineMs, offline, dryRun, results } = run;
  const clock = systemClock();
  const surroundings =
    offline || !selected.ok
      ? done(offlineSurroundings)
      : await (await import('./online.ts')).onlineSurroundings(host, clock, project, selected.value, signals);
  if (!surroundings.ok) return surroundings;
  const note = (line: string): void => host.log(line);
  const secrets = createSecretReader({
    environment: host.environment,
    ...(selected.ok ? { environmentName: selected.value.name } : {}),
    mask: (value) => host.mask(value),
    note,
    offline: offline && host.context.pullRequest !== undefined,
  });
  // A server may repeat any of them, also before this run has had a use for it: finding one masks it.
  if (selected.ok && !offline) for (const name of await secretNames(project, selected.value.config)) secrets.find(name);
  return done(
    createContext({
      ...{ host, clock, step, deadlineMs, dryRun, offline, project, selected },
      settings: host.environment,
      signal: signals.signal,
      connectionSignal: signals.connection,
      cancelled: () => signals.signal.aborted,
      rehearsal: false,
      workFolder: resolve(project.folder, '.sluice'),
      secrets,
      ...surroundings.value,
      ...(examining.has(step) ? { programs: { run: async (...request: Parameters<CommandRunner['run']>) => (await import('./connection.ts')).examiner(host).run(...request) } } : {}),
      results,
    }),
  );
};

/** selectFor finds the environment that a step works on. One for previews is for steps that know of it; pull requests of the repository itself get it for those that work nowhere else. */
const selectFor = (host: Host, step: AnyStep, project: Project, input: string | undefined): Outcome<Selection> => {
  const options = { ...(input === undefined ? {} : { input }), context: host.context };
  if (step.previews === 'only') return selectPreview(project, { ...options, host: host.name });
  const selection = selectEnvironment(project, options);
  if (!selection.ok || 'skipped' in selection.value || selection.value.config.preview === undefined || step.previews === 'too') return selection;
  return failed({
    category: 'input',
    reason: `the environment ${selection.value.name} is for previews, where nothing is released`,
    tried: step.name,
    hint: 'Use preview and sweep there, or name another environment.',
  });
};

/** readInputs reads a step's inputs; secrets that came in by mistake are masked before anything is said of them. */
const readInputs = async (host: Host, step: AnyStep, given: Arguments): Promise<Outcome<Readonly<Record<string, unknown>>>> => {
  const flags = { ...given.flags, ...(given.positionals[0] === undefined ? {} : { config: given.positionals[0] }) };
  const json = host.environment['SLUICE_INPUTS'];
  const values = { flags, ...(json === undefined ? {} : { json }) };
  const parsed = parseInputs(step, values);
  for (const secret of parsed.secretsSeen) host.mask(secret);
  if (parsed.secretsSeen.length === 0) return parsed.inputs;
  const loaded = await loadProject(host.folder, parsed.config ?? 'sluice.yml');
  const environments = loaded.ok ? Object.values(loaded.value.project.config.environments) : [];
  return parseInputs(step, { ...values, secretVariables: await secretVariables(environments) }).inputs;
};

const prepare = async (host: Host, step: AnyStep, given: Arguments, results: ResultsFolder, signals: Signals): Promise<Outcome<Preparation>> => {
  const read = await readInputs(host, step, given);
  if (!read.ok) return read;
  const inputs = read.value;
  const { deadline } = inputs;
  const deadlineMs = typeof deadline === 'number' ? deadline : step.deadlineMs;
  const loaded = await loadProject(host.folder, textInput(inputs, 'config') ?? 'sluice.yml');
  if (!loaded.ok) return loaded;
  const { project } = loaded.value;
  const environment = textInput(inputs, 'environment');
  const selection = selectFor(host, step, project, environment);
  // An offline step without an environment looks at all of them; everything else needs the one it works on.
  if (!selection.ok && (!step.offline || environment !== undefined)) return selection;
  const skipped = selection.ok && 'skipped' in selection.value ? selection.value.skipped : undefined;
  if (skipped !== undefined && !step.offline) {
    if (step.previews === 'only') host.annotate({ rule: 'preview/skipped', severity: 'notice', message: skipped, place: { file: project.file } });
    return done({ skipped });
  }
  const selected: Outcome<SelectedEnvironment> = !selection.ok
    ? selection
    : 'skipped' in selection.value
      ? failed({ category: 'input', reason: selection.value.skipped })
      : done(selection.value);
  const connects = !step.offline || (step.connectsWhenNamed === true && environment !== undefined);
  const offline = !connects || (host.context.pullRequest !== undefined && step.previews !== 'only');
  const context = await contextFor(host, project, selected, { step: step.name, deadlineMs, offline, dryRun: inputs['dry-run'] === true, results }, signals);
  return context.ok ? done({ context: context.value, inputs, deadlineMs }) : context;
};

/** notEnded are what a pipeline reads when this process is killed before the step has ended. */
const notEnded = (step: AnyStep): StepResult => ended(step, { category: 'defect', reason: `${step.name} has not ended` });

/** unnamed are the environments that a step has to work on one after the other; undefined when one was named, or when the step works on one. */
const unnamed = async (host: Host, step: AnyStep, given: Arguments): Promise<readonly string[] | undefined> => {
  if (step.eachEnvironment !== true || host.context.pullRequest !== undefined) return undefined;
  const inputs = await readInputs(host, step, given);
  if (!inputs.ok || textInput(inputs.value, 'environment') !== undefined) return undefined;
  const loaded = await loadProject(host.folder, textInput(inputs.value, 'config') ?? 'sluice.yml');
  if (!loaded.ok) return undefined;
  return Object.keys(loaded.value.project.config.environments);
};

const commentResult = async (host: Host, step: AnyStep, given: Arguments, result: StepResult): Promise<void> => {
  const inputs = await readInputs(host, step, given);
  await (await import('./pull-request-comment.ts')).commentOn(host, step, inputs.ok ? inputs.value : given.flags, result);
};

/** runStepCommand runs one step as the command line and SLUICE_INPUTS say, and gives its result document. */
export const runStepCommand = async (host: Host, step: AnyStep, given: Arguments, signals: Signals): Promise<StepResult> => {
  await host.outputs(outputsOf(notEnded(step)));
  const names = await unnamed(host, step, given);
  if (names === undefined) {
    const result = await runOnce(host, step, given, signals);
    if (host.comment !== undefined) await commentResult(host, step, given, result);
    return result;
  }
  const results: StepResult[] = [];
  for (const environment of names) {
    if (names.length > 1) host.log(`environment ${environment}`);
    results.push(await runOnce(host, step, { ...given, flags: { ...given.flags, environment } }, signals));
  }
  const [only] = results;
  if (only !== undefined && results.length === 1) return only;
  const all = eachEnvironment(step, names, results, host.context);
  const { write } = resultsFolder(host.resultsFolder, (text) => host.redact(text), (line) => host.log(line), attachmentsOf);
  host.stepEnded(all);
  return recorded(host, all, await write(all));
};

const runOnce = async (host: Host, step: AnyStep, given: Arguments, signals: Signals): Promise<StepResult> => {
  const results = resultsFolder(host.resultsFolder, (text) => host.redact(text), (line) => host.log(line), attachmentsOf);
  const prepared = await prepare(host, step, given, results, signals);
  if (!prepared.ok || 'skipped' in prepared.value) {
    const result = ended(step, prepared.ok ? { category: 'skipped', reason: skippedText(prepared.value) } : endedBy(prepared.problem), originOf(host.context));
    host.stepEnded(result);
    return recorded(host, result, await results.write(result));
  }
  const { context, inputs, deadlineMs } = prepared.value;
  const result = await runStep(step, context, inputs, deadlineMs);
  const written = await context.record(result);
  await context.close();
  return recorded(host, result, written);
};
