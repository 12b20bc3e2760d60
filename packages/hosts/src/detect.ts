import { join, resolve } from 'node:path';
import { createRedactor, systemClock, type Clock, type Host } from '@sluice/core';
import { liveLine } from './bar.ts';
import type { Environment, HostParts } from './line-host.ts';
import type { Streams } from './streams.ts';
import { liveWriter, terminalHost } from './terminal.ts';
import { createVoice } from './voice.ts';

/** HostOptions are what the caller decides about a host. */
export interface HostOptions {
  /** json keeps standard output for `print`: everything else goes to standard error. */
  readonly json?: boolean;
  readonly clock?: Clock;
  /** folder is the working directory, against which relative paths in the environment are read. */
  readonly folder: string;
}

/** isYunxiao knows Yunxiao Flow by three of its variables together: it sets none that is its own alone. */
const isYunxiao = (environment: Environment): boolean =>
  ['PIPELINE_ID', 'BUILD_NUMBER', 'BUILD_EXECUTOR'].every((name) => environment[name] !== undefined);

const hostName = (environment: Environment): Host['name'] => {
  if (environment.GITHUB_ACTIONS === 'true') return 'github';
  if (environment.GITLAB_CI !== undefined) return 'gitlab';
  // Without a "Jenkins URL" in its settings, Jenkins sets only the second (jenkins.model.CoreEnvironmentContributor).
  if (environment.JENKINS_URL !== undefined || environment.JENKINS_HOME !== undefined) return 'jenkins';
  if (environment.BITBUCKET_BUILD_NUMBER !== undefined) return 'bitbucket';
  if (environment.CIRCLECI === 'true') return 'circleci';
  if (isYunxiao(environment)) return 'yunxiao';
  return 'terminal';
};

/** resultsFolderOf is SLUICE_RESULTS, else RUNNER_TEMP/sluice, else .sluice/results in the working directory. */
export const resultsFolderOf = (environment: Environment, folder: string): string => {
  const { SLUICE_RESULTS: own, RUNNER_TEMP: runner } = environment;
  if (own !== undefined && own !== '') return resolve(folder, own);
  return runner !== undefined && runner !== '' ? join(runner, 'sluice') : join(folder, '.sluice', 'results');
};

/**
 * detectHost reads from the environment where the process runs. A CI system's own part is loaded only there, so that a
 * terminal starts fast.
 */
export const detectHost = async (environment: Environment, streams: Streams, options: HostOptions): Promise<Host> => {
  const { json = false, clock = systemClock(), folder } = options;
  const name = hostName(environment);
  const redactor = createRedactor();
  const writer = name === 'terminal' ? liveWriter(environment, streams, json) : undefined;
  const live = writer === undefined ? undefined : liveLine(writer, clock);
  const root = resolve(folder);
  const parts: HostParts = {
    environment,
    folder: root,
    resultsFolder: resultsFolderOf(environment, root),
    voice: createVoice(streams, json, redactor, live?.above),
    redactor,
    clock,
  };
  switch (name) {
    case 'github':
      return (await import('./github/host.ts')).githubHost(parts);
    case 'gitlab':
      return (await import('./gitlab.ts')).gitlabHost(parts);
    case 'jenkins':
      return (await import('./jenkins.ts')).jenkinsHost(parts);
    case 'bitbucket':
      return (await import('./bitbucket.ts')).bitbucketHost(parts);
    case 'circleci':
      return (await import('./circleci.ts')).circleciHost(parts);
    case 'yunxiao':
      return (await import('./yunxiao.ts')).yunxiaoHost(parts);
    case 'terminal':
      return terminalHost(parts, live);
  }
};
