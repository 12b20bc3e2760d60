import { hostOf, isLoopbackHost, isUnsafeAddress } from '../http/addresses.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { oneLine } from '../text/one-line.ts';

/** CredentialHosts are the hosts that may receive credentials; `bound` is false when nobody has said which. */
export interface CredentialHosts {
  readonly bound: boolean;
  /** hosts are names and addresses in lower case, with `:port` where one port alone is meant. */
  readonly hosts: readonly string[];
  /**
   * trusted tells hosts that need not be listed, over https and at the usual port: those of a platform's own services,
   * which its operator alone runs (`Platform.ownHost`).
   */
  readonly trusted?: (host: string) => boolean;
}

const refused = (reason: string, where: string, hint: string): Outcome<never> =>
  failed({ category: 'input', reason, tried: 'find out where credentials may go', where, hint });

const hostEntry = (entry: string): string | undefined => {
  const address = entry.includes('://') ? entry : `https://${entry}`;
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  if (url.hostname === '' || url.username !== '' || entry.includes('*')) return undefined;
  return url.port === '' ? hostOf(url) : `${hostOf(url)}:${url.port}`;
};

/**
 * credentialHosts reads SLUICE_HOSTS: hosts, or addresses of which the host counts, separated by commas, blanks or
 * lines. An entry without a port means every port of the host. What is no host is an `input` problem.
 */
export const credentialHosts = (environmentVariable: string | undefined): Outcome<CredentialHosts> => {
  const entries = (environmentVariable ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  const hosts = entries.map(hostEntry);
  const wrong = hosts.indexOf(undefined);
  if (wrong !== -1) {
    return refused(`SLUICE_HOSTS has an entry that is no host: ${oneLine(entries[wrong] ?? '', 60)}`, 'SLUICE_HOSTS', 'List host names such as dify.example.com, separated by commas.');
  }
  return done({ bound: entries.length > 0, hosts: hosts.filter((host) => host !== undefined) });
};

/** isListedHost tells whether a URL's host is among the hosts. */
export const isListedHost = (url: URL, { hosts, trusted }: CredentialHosts): boolean => {
  if (url.protocol === 'https:' && url.port === '' && trusted?.(hostOf(url)) === true) return true;
  const port = url.port === '' ? (url.protocol === 'http:' ? '80' : '443') : url.port;
  return hosts.includes(hostOf(url)) || hosts.includes(`${hostOf(url)}:${port}`);
};

interface BindingOptions {
  readonly onCi: boolean;
  /** insecureHttp allows plain http to a host that is not this machine. */
  readonly insecureHttp?: boolean;
}

/**
 * mayReceiveCredentials decides whether credentials may go to a URL: over https (loopback apart, or `insecure-http`),
 * never to a link-local or metadata address, and only to a host of SLUICE_HOSTS. Where that is not set, credentials may
 * go, on a CI with a warning. A refusal is an `input` problem.
 */
export const mayReceiveCredentials = (
  address: string,
  hosts: CredentialHosts,
  { onCi, insecureHttp = false }: BindingOptions,
): Outcome<{ readonly warning?: string }> => {
  if (!URL.canParse(address)) return refused('the address is no URL', 'sluice.yml', 'Write it as https://host/path.');
  const url = new URL(address);
  const host = hostOf(url);
  if (isUnsafeAddress(host)) {
    return refused(`credentials never go to ${host}, a link-local or metadata address`, url.origin, 'Use the address that people open.');
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && (insecureHttp || isLoopbackHost(host)))) {
    return refused(`credentials would go to ${host} unencrypted`, url.origin, 'Use https, or set `insecure-http: true` in the environment if the network is your own.');
  }
  if (hosts.bound && !isListedHost(url, hosts)) {
    return refused(`credentials may not go to ${host}: SLUICE_HOSTS does not list it`, url.origin, `Correct the address in sluice.yml, or add ${host} to SLUICE_HOSTS where the secrets are set.`);
  }
  if (hosts.bound || !onCi || isLoopbackHost(host)) return done({});
  return done({ warning: `SLUICE_HOSTS is not set, so a change of sluice.yml can send the credentials anywhere. Set it beside the secrets: SLUICE_HOSTS=${host}` });
};
