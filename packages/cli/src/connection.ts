import { setMaxListeners } from 'node:events';
import { delimiter, isAbsolute } from 'node:path';
import {
  createCommandRunner,
  createHttpClient,
  type Clock,
  type CommandRunner,
  type CredentialHosts,
  type Host,
  type HttpClient,
} from '@sluice/core';
import { maskingClient } from './masking-client.ts';
import { version } from './version.ts';

const proxies = (host: Host): Readonly<Record<string, string>> =>
  Object.fromEntries(
    ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'].flatMap((name) => {
      const value = host.environment[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );

/** ConnectionOptions say how a run may reach the outside. */
export interface ConnectionOptions {
  readonly host: Host;
  readonly clock: Clock;
  /** signal ends all connections; it outlives a cancelled step so that traffic can still be put back. */
  readonly signal: AbortSignal;
  /** loopbackOnly refuses every other address (rehearsals). */
  readonly loopbackOnly: boolean;
  /** credentialHosts are where credentials may go, from SLUICE_HOSTS. */
  readonly credentialHosts?: CredentialHosts;
  readonly ca?: string;
}

/** httpClient opens nothing before its first request, and hides the credentials that servers hand out. */
export const httpClient = ({ host, credentialHosts, ca, ...rest }: ConnectionOptions): HttpClient => {
  // Every call that is on its way listens to the one signal; many at once are no leak.
  setMaxListeners(0, rest.signal);
  const proxyEnvironment = proxies(host);
  for (const proxy of Object.values(proxyEnvironment)) if (URL.canParse(proxy) && new URL(proxy).password !== '') host.mask(proxy);
  const extraAuthorities = host.environment['NODE_EXTRA_CA_CERTS'];
  const http = createHttpClient({
    ...rest,
    userAgent: `sluice/${version}`,
    ...(credentialHosts === undefined ? {} : { credentialHosts }),
    proxyEnvironment,
    ...(ca === undefined ? {} : { ca }),
    ...(extraAuthorities === undefined || extraAuthorities === '' ? {} : { extraAuthorities }),
  });
  return maskingClient(http, host);
};

/** commandRunner runs programs with nothing of the environment but PATH and HOME. */
export const commandRunner = (host: Host, cancelled: AbortSignal): CommandRunner =>
  createCommandRunner({ path: host.environment['PATH'] ?? '', home: host.environment['HOME'] ?? '', cancelled });

/** nowhere is a PATH in which nothing is found: an empty one means the working directory to some systems. */
const nowhere = '/nonexistent';

/** examiner is a commandRunner for what comes from a pull request: it takes no program from a folder that depends on where it runs. */
export const examiner = (host: Host): CommandRunner => {
  const path = (host.environment['PATH'] ?? '').split(delimiter).filter(isAbsolute).join(delimiter);
  return createCommandRunner({ path: path === '' ? nowhere : path, home: host.environment['HOME'] ?? '' });
};
