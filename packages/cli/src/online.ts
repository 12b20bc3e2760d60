import { resolve } from 'node:path';
import { createFilePort, credentialHosts, done, failed, readFileText, type Clock, type Host, type Outcome, type Project, type SelectedEnvironment } from '@sluice/core';
import { commandRunner, httpClient } from './connection.ts';
import { checkCredentialAddresses } from './credential-addresses.ts';
import { offlineSurroundings, type Surroundings } from './offline.ts';
import { platformFor } from './platforms.ts';
import type { Signals } from './signals.ts';
import { stateStore } from './stores.ts';

/** authority reads the file of certificate authorities that an environment names. */
const authority = async (project: Project, selected: SelectedEnvironment): Promise<Outcome<string | undefined>> => {
  const { dify } = selected.config;
  const path = typeof dify === 'object' ? dify.ca : undefined;
  return path === undefined ? done(undefined) : readFileText(resolve(project.folder, path), path);
};

/** unboundRequest refuses a pull request whose own sluice.yml says alone where credentials go. */
const unboundRequest = (warning: string): Outcome<never> =>
  failed({
    category: 'input',
    reason: 'SLUICE_HOSTS is not set, so a pull request could send the credentials of the previews anywhere',
    tried: 'find out where credentials may go',
    hint: `Nothing was sent. Set SLUICE_HOSTS beside the secrets of the environment: ${warning.slice(warning.indexOf('SLUICE_HOSTS='))}.`,
  });

/** onlineSurroundings reach the real world for one environment, after its addresses were held against SLUICE_HOSTS. */
export const onlineSurroundings = async (
  host: Host,
  clock: Clock,
  project: Project,
  selected: SelectedEnvironment,
  signals: Signals,
): Promise<Outcome<Surroundings>> => {
  const hosts = credentialHosts(host.environment['SLUICE_HOSTS']);
  if (!hosts.ok) return hosts;
  const checked = checkCredentialAddresses(selected.config, hosts.value, host.context.onCi);
  if (!checked.ok) return checked;
  const [unbound] = checked.value;
  if (unbound !== undefined && host.context.pullRequest !== undefined) return unboundRequest(unbound);
  for (const warning of checked.value) host.warn(warning);
  const ca = await authority(project, selected);
  if (!ca.ok) return ca;
  const platform = await platformFor(selected.config);
  const trusted = (name: string): boolean => platform.ownHost?.(name) ?? false;
  const connection = { host, clock, signal: signals.connection, loopbackOnly: false, credentialHosts: { ...hosts.value, trusted } };
  const http = httpClient({ ...connection, ...(ca.value === undefined ? {} : { ca: ca.value }) });
  // What runs for a pull request runs no program that its sluice.yml names, and a preview has no record.
  if (selected.config.preview !== undefined) return done({ ...offlineSurroundings, http });
  const commands = commandRunner(host, signals.signal);
  const state = await stateStore(host, { project, clock, commands, hosts: hosts.value });
  if (!state.ok) return state;
  return done({ http, commands, files: createFilePort(), state: state.value });
};
