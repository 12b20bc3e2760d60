import { done, failed, type Outcome } from '../outcome.ts';
import type { Problem } from '../problem.ts';
import { isListedHost, type CredentialHosts } from '../secrets/host-binding.ts';
import { hostOf, instanceMetadata, isLoopbackHost, isUnsafeAddress } from './addresses.ts';
import type { HttpRequest } from './client.ts';

/** RequestRules say where requests may go. */
export interface RequestRules {
  /** loopbackOnly refuses every host but this machine. */
  readonly loopbackOnly: boolean;
  /** credentialHosts are the hosts that requests with credentials may go to; absent means any. */
  readonly credentialHosts?: CredentialHosts;
}

const credentialHeader = /^(?:authorization|cookie|x-api-key|x-csrf-token|.*(?:token|secret|signature))$/i;

const carriesCredentials = (request: HttpRequest): boolean =>
  request.credentials !== undefined || Object.keys(request.headers ?? {}).some((name) => credentialHeader.test(name));

/** shownUrl is a URL as it may stand in a message: without user, password, query and fragment, which may hold secrets. */
export const shownUrl = (url: URL): string => `${url.origin}${url.pathname}`;

const refused = (request: HttpRequest, reason: string, where: string, hint: string): Outcome<never> => {
  const problem: Problem = { category: 'input', reason, tried: request.tried, where, hint };
  return failed(problem);
};

/** checkRequest gives the URL of a request that may be sent, or the `input` problem that says why it may not. */
export const checkRequest = (request: HttpRequest, rules: RequestRules): Outcome<URL> => {
  if (!URL.canParse(request.url)) return refused(request, 'the address is no URL', 'the request', 'Check the address in sluice.yml.');
  const url = new URL(request.url);
  const host = hostOf(url);
  const where = shownUrl(url);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return refused(request, `${url.protocol} addresses cannot be asked`, where, 'Use an https address.');
  }
  if (url.username !== '' || url.password !== '') {
    return refused(request, 'the address carries credentials', where, 'Give credentials as secrets of the CI.');
  }
  if (rules.loopbackOnly && !isLoopbackHost(host)) {
    return refused(request, `a rehearsal connects to this machine only, not to ${host}`, where, 'Run the step without the rehearsal to reach it.');
  }
  // The instance's own metadata service hands credentials out and takes none, so it need not be listed.
  if (request.metadata === true) return url.origin === instanceMetadata ? done(url) : refused(request, `${host} is not the metadata service of Alibaba Cloud`, where, 'This is a defect of Sluice. Report it.');
  if (isUnsafeAddress(host)) {
    return refused(request, `${host} is a link-local or metadata address`, where, 'Use the address that people open.');
  }
  if (rules.credentialHosts?.bound === true && carriesCredentials(request) && !isListedHost(url, rules.credentialHosts)) {
    return refused(request, `credentials may not go to ${host}: SLUICE_HOSTS does not list it`, where, `Correct the address, or add ${host} to SLUICE_HOSTS where the secrets are set.`);
  }
  return done(url);
};
