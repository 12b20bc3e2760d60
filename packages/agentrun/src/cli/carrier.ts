import { resolve, dirname } from 'node:path';
import { done, failed, type Connection, type Outcome } from '@sluice/core';
import { readCode, type CodeArchive } from '../source/code.ts';
import { AgentRunSource } from '../source/source.ts';
import { buildIsNeeded, staleIn, type BuildMode } from './build.ts';
import { makePrivateHome, type PrivateHome } from './private-home.ts';
import { lineOf, requireVersion, runTemplate, settingNames, type Caller, type CliOptions } from './serverless-devs.ts';
import { templateOf, type TemplateOptions } from './template.ts';

/** Prepared is a source as it will be sent, and what is worth telling of how it came to be. */
export interface Prepared {
  readonly source: AgentRunSource;
  readonly notes: readonly string[];
}

/** Carrier brings sources to AgentRun otherwise than through its API. */
export interface Carrier {
  /** prepare builds the code where that is needed; with `dryRun` it only says that it would. */
  prepare(source: AgentRunSource, dryRun: boolean): Promise<Outcome<Prepared>>;
  /** send makes the runtime, or changes its LATEST. */
  send(source: AgentRunSource): Promise<Outcome<void>>;
  close(): Promise<void>;
}

/** CarrierParts are what the Serverless Devs CLI is run with. */
export interface CarrierParts {
  readonly options: CliOptions;
  readonly build: BuildMode;
  /** components is a folder of components that outlives a run. */
  readonly components: string | undefined;
  caller(): Promise<Outcome<Caller>>;
  log(line: string): void;
}

const archiveName = 'code.zip';

/** builtAgain is the source with the code as it lies there after a build. */
const builtAgain = (source: AgentRunSource, src: string): Outcome<AgentRunSource> => {
  const { parts } = source;
  const archive = readCode(parts.folder, parts.path, src);
  return archive.ok ? done(new AgentRunSource({ ...parts, archive: archive.value })) : archive;
};

/** builtNotes say what a build put where the agent does not look by itself. */
const builtNotes = ({ parts }: AgentRunSource, manifests: readonly string[]): readonly string[] =>
  manifests.includes('requirements.txt') && parts.agent.environmentVariables?.['PYTHONPATH'] === undefined
    ? ['the build puts Python packages into the folder python; if the agent does not find them, give it the variable PYTHONPATH: /code/python']
    : [];

class ServerlessDevsCarrier implements Carrier {
  readonly #parts: CarrierParts;
  readonly #home: PrivateHome;

  constructor(parts: CarrierParts, home: PrivateHome) {
    this.#parts = parts;
    this.#home = home;
  }

  async prepare(source: AgentRunSource, dryRun: boolean): Promise<Outcome<Prepared>> {
    const { options, build } = this.#parts;
    const version = await requireVersion(options, this.#home);
    if (!version.ok) return version;
    const notes = dryRun ? [`would run ${lineOf(options, 'deploy')}`] : [];
    const src = source.parts.agent.code?.src;
    const folder = src === undefined ? undefined : resolve(source.parts.folder, dirname(source.path), src);
    if (src === undefined || folder === undefined) return done({ source, notes });
    const stale = staleIn(folder);
    const needed = buildIsNeeded(build, stale, src);
    if (!needed.ok) return needed;
    if (!needed.value) return done({ source, notes });
    const manifests = stale.map(({ manifest }) => manifest);
    if (dryRun) return done({ source, notes: [`would run ${lineOf(options, 'build')}, for ${manifests.join(' and ')}; what it makes is not known yet`, ...notes] });
    this.#parts.log(`building ${src}, for ${manifests.join(' and ')}`);
    const built = await this.#run('build', source, { component: options.component, code: folder });
    if (!built.ok) return built;
    const again = builtAgain(source, src);
    if (!again.ok) return again;
    const left = staleIn(folder).filter(({ missing }) => missing);
    if (left.length === 0) return done({ source: again.value, notes: builtNotes(source, manifests) });
    return failed({ category: 'platform', reason: `the build ended well and left no ${left.map(({ product }) => product).join(', ')}`, tried: `run ${lineOf(options, 'build')}`, where: src, hint: 'Run it by hand on this machine, or install what the agent needs in a step before, and set `build: never`.' });
  }

  async send(source: AgentRunSource): Promise<Outcome<void>> {
    const { archive } = source.parts;
    const { component } = this.#parts.options;
    this.#parts.log(`deploying with ${component}`);
    return this.#run('deploy', source, archive === undefined ? { component } : { component, ...(await this.#code(archive)) });
  }

  close(): Promise<void> {
    return this.#home.remove();
  }

  /** Our own archive is handed over, whose checksum is known, so that what the platform then shows can be compared. */
  async #code({ bytes, checksum }: CodeArchive): Promise<Pick<TemplateOptions, 'code' | 'checksum'>> {
    return { code: await this.#home.write(archiveName, bytes), checksum };
  }

  async #run(command: 'build' | 'deploy', source: AgentRunSource, options: TemplateOptions): Promise<Outcome<void>> {
    const template = templateOf(source, options);
    if (!template.ok) return template;
    const caller = await this.#parts.caller();
    return caller.ok ? runTemplate(this.#parts.options, this.#home, caller.value, command, template.value) : caller;
  }
}

/** openCarrier makes a private home and runs the Serverless Devs CLI in it; `close` takes it away. */
export const openCarrier = async (parts: CarrierParts): Promise<Outcome<Carrier>> => {
  const home = await makePrivateHome(parts.components);
  return home.ok ? done(new ServerlessDevsCarrier(parts, home.value)) : home;
};

/** defaultComponent is the version of the component that Sluice knows, where neither s.yaml nor sluice.yml pins one. */
const defaultComponent = '1.0.12';

/** cliOptionsOf reads from a connection how the CLI is to be run. A version in s.yaml wins over sluice.yml. */
export const cliOptionsOf = ({ environment, commands, signal, deadlineMs, setting }: Connection, source: AgentRunSource): CliOptions => {
  const { agentrun } = environment;
  return {
    program: agentrun?.s ?? ['s'],
    component: `agentrun@${source.parts.component ?? agentrun?.component ?? defaultComponent}`,
    commands,
    signal,
    deadlineMs,
    settings: Object.fromEntries(settingNames.flatMap((name) => {
      const value = setting(name);
      return value === undefined ? [] : [[name, value]];
    })),
  };
};
