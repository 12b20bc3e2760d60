import {
  done,
  failed,
  notAsked,
  placeText,
  readFileText,
  type Application,
  type Checked,
  type CommandRunner,
  type Connection,
  type EnvironmentConfig,
  type EvidenceRequest,
  type Outcome,
  type Place,
  type Platform,
  type Previews,
  type Project,
  type ResultsFolder,
  type SelectedEnvironment,
  type Source,
  type StepContext,
  type StepResult,
  type Target,
} from '@sluice/core';
import type { EvidencePorts } from '@sluice/evidence';
import { parseFile, readApplication, sourceOf, type Reading } from './application.ts';
import { gitOnly } from './git-only.ts';

/** Worked is what a context works out from its parts. */
type Worked = 'git' | 'parseFile' | 'application' | 'overlaid' | 'target' | 'previews' | 'checks' | 'parseEnvironment' | 'evidence' | 'earlier' | 'record';

/** ContextParts are what a step's context is put together from. */
export interface ContextParts extends Omit<StepContext, Worked> {
  /** step is the name of the step that runs, and deadlineMs its deadline. */
  readonly step: string;
  readonly deadlineMs: number;
  /** settings are the environment variables that a platform's settings are read from; none in a rehearsal. */
  readonly settings: Readonly<Record<string, string | undefined>>;
  /** programs run what examines a source, offline too; absent in steps that do not examine it. */
  readonly programs?: CommandRunner;
  /** connectionSignal ends connections; it fires later than `signal`. */
  readonly connectionSignal: AbortSignal;
  readonly results: ResultsFolder;
}

/** once makes a function that works at its first call and gives the same promise afterwards. */
const once = <T>(work: () => Promise<T>): (() => Promise<T>) => {
  let promise: Promise<T> | undefined;
  return () => {
    promise ??= work();
    return promise;
  };
};

/** reader reads each source once, however many environments share it. */
const reader = (project: Project, reading: Reading): ((environment: EnvironmentConfig) => Promise<Outcome<Application>>) => {
  const read = new Map<string, Promise<Outcome<Application>>>();
  return (environment) => {
    const source = sourceOf(project, environment);
    const promise = read.get(source) ?? readApplication(project, environment, reading);
    read.set(source, promise);
    return promise;
  };
};

const overlaidSource = async (parts: ContextParts, application: () => Promise<Outcome<Application>>): Promise<Outcome<Source>> => {
  if (!parts.selected.ok) return parts.selected;
  const read = await application();
  if (!read.ok) return read;
  const { platform, parsed } = read.value;
  const error = parsed.findings.find((finding) => finding.severity === 'error');
  if (parsed.source === undefined || error !== undefined) {
    const place: Place = error?.place ?? { file: parts.project.config.source };
    return failed({
      category: 'gate',
      reason: error?.message.replace(/\.$/, '') ?? 'the source cannot be read',
      where: placeText(place),
      hint: 'Run validate: it lists everything that is wrong, without a connection.',
    });
  }
  return platform.overlay(parsed.source, parts.selected.value.config, parts.secrets);
};

const refusedOffline = (): Outcome<never> =>
  failed({
    category: 'input',
    reason: 'a pull request gets no connection to an environment',
    hint: 'Run this step on a branch that sluice.yml maps to an environment; pull requests run validate, diff, plan and rehearse.',
  });

/** settingsOf reads the settings that a platform lists, and nothing else of the environment. */
const settingsOf =
  ({ settings }: ContextParts, environment: string, platform: Platform): Connection['setting'] =>
  (name) =>
    Object.hasOwn(platform.settings ?? {}, name)
      ? [`${name}_${environment.toUpperCase().replaceAll('-', '_')}`, name].map((variable) => settings[variable]?.trim() ?? '').find((value) => value !== '')
      : undefined;

/** evidencePorts are what sources of evidence may touch; a rehearsal has no Prometheus and runs no commands. */
const evidencePorts = ({ clock, http, commands, secrets, project, selected, rehearsal }: ContextParts): EvidencePorts => {
  const canary = selected.ok && !rehearsal ? selected.value.config.canary : undefined;
  return { clock, http, commands, secrets, folder: project.folder, configured: typeof canary === 'object' ? canary.evidence : [] };
};

/** longestCredential is the most bytes of a file that holds one credential. */
const longestCredential = 64 * 1024;

/** connectionOf is the connection of the selected environment to a platform, for a source. */
const connectionOf = (parts: ContextParts, { name, config }: SelectedEnvironment, platform: Platform, source: Source): Connection => {
  const { http, clock, secrets, commands, files, host, step, deadlineMs, rehearsal } = parts;
  return {
    name: `${parts.project.config.name}-${name}`,
    step,
    deadlineMs,
    setting: settingsOf(parts, name, platform),
    mask: (secret) => host.mask(secret),
    credentialFile: (path) => readFileText(path, path, longestCredential),
    ...(host.identityToken === undefined || rehearsal ? {} : { identityToken: host.identityToken }),
    environment: config,
    ...{ http, clock, secrets, commands, files },
    signal: parts.connectionSignal,
    log: (line) => host.log(line),
    readOnly: parts.dryRun,
    source,
  };
};

/** checkEnvironment asks with the source as it is: what an environment puts in its place is the platform's to know. */
const checkEnvironment = async (parts: ContextParts, application: () => Promise<Outcome<Application>>): Promise<Outcome<Checked>> => {
  if (parts.offline) return refusedOffline();
  if (!parts.selected.ok) return parts.selected;
  const read = await application();
  if (!read.ok) return read;
  const { platform, parsed, files } = read.value;
  const [file] = files;
  const skipped = (why: string, needs: readonly string[]): Outcome<Checked> => done({ connection: [{ name: 'connection', skipped: why }], environment: notAsked(needs, why) });
  if (parsed.source === undefined || file === undefined) return skipped('not checked, since the source cannot be read', []);
  if (platform.check === undefined) return skipped(`not checked, since Sluice cannot check a connection to ${platform.name} yet`, platform.needs?.(parsed.source) ?? []);
  return done(await platform.check({ ...connectionOf(parts, parts.selected.value, platform, parsed.source), readOnly: true }, file));
};

const connectTarget = async (
  parts: ContextParts,
  application: () => Promise<Outcome<Application>>,
  source: () => Promise<Outcome<Source>>,
): Promise<Outcome<Target>> => {
  if (parts.offline) return refusedOffline();
  if (!parts.selected.ok) return parts.selected;
  const [read, overlaid] = [await application(), await source()];
  if (!read.ok) return read;
  if (!overlaid.ok) return overlaid;
  return read.value.platform.connect(connectionOf(parts, parts.selected.value, read.value.platform, overlaid.value));
};

/** connectPreviews connects with the source as the environment has it, else as it lies there: what is wrong with it must not keep a preview from being removed. */
const connectPreviews = async (
  parts: ContextParts,
  application: () => Promise<Outcome<Application>>,
  source: () => Promise<Outcome<Source>>,
): Promise<Outcome<Previews>> => {
  if (parts.offline) return refusedOffline();
  if (!parts.selected.ok) return parts.selected;
  const [read, overlaid] = [await application(), await source()];
  if (!read.ok) return read;
  const { platform, parsed } = read.value;
  const known = overlaid.ok || parsed.source === undefined ? overlaid : done(parsed.source);
  if (!known.ok) return known;
  if (platform.previews === undefined) return failed({ category: 'input', reason: `Sluice makes no previews on ${platform.name}` });
  const others = Object.entries(parts.project.config.environments).filter(([, { preview }]) => preview === undefined);
  return platform.previews(connectionOf(parts, parts.selected.value, platform, known.value), { project: parts.project.config.name, others: Object.fromEntries(others) });
};

const environmentNamed = async (
  project: Project,
  name: string,
  read: (environment: EnvironmentConfig) => Promise<Outcome<Application>>,
): Promise<Outcome<Application>> => {
  const environment = project.config.environments[name];
  if (environment !== undefined) return read(environment);
  return failed({ category: 'input', reason: `sluice.yml has no environment ${name}`, where: project.file });
};

/** Context is a step's context with an end. */
export interface Context extends StepContext {
  /** close ends the connection, if there was one. */
  close(): Promise<void>;
}

/** createContext puts a step's context together; files are read and connections are made when a step asks for them, once. */
export const createContext = (parts: ContextParts): Context => {
  const pullRequest = parts.host.context.pullRequest !== undefined;
  const read = reader(parts.project, { pullRequest, ...(parts.programs === undefined ? {} : { examine: { commands: parts.programs, signal: parts.signal } }) });
  const application = async (): Promise<Outcome<Application>> => (parts.selected.ok ? read(parts.selected.value.config) : parts.selected);
  const overlaid = once(() => overlaidSource(parts, application));
  let connected = false;
  const target = once(() => {
    connected = true;
    return connectTarget(parts, application, overlaid);
  });
  const remembered = new Map<string, StepResult>();
  const { connectionSignal: _connectionSignal, step: _step, programs: _programs, deadlineMs: _deadlineMs, settings: _settings, results, ...shared } = parts;
  return {
    ...shared,
    application,
    overlaid,
    target,
    previews: once(() => connectPreviews(parts, application, overlaid)),
    checks: () => checkEnvironment(parts, application),
    git: gitOnly(parts.programs),
    parseFile: (environment, file) => parseFile(environment, file, parts.project.config.lint),
    parseEnvironment: (name) => environmentNamed(parts.project, name, read),
    evidence: async (request: EvidenceRequest) => (await import('@sluice/evidence')).openSources(request, evidencePorts(parts)),
    earlier: async (step) => remembered.get(step) ?? results.newest(step),
    record: async (result) => {
      remembered.set(result.step, result);
      return results.write(result);
    },
    close: async () => {
      const opened = connected ? await target() : done(undefined);
      if (opened.ok && opened.value !== undefined) await opened.value.close();
      await parts.http.close();
      await parts.state.close?.();
    },
  };
};
