import { durationText } from '../config/duration.ts';
import { errorField } from '../error-fields.ts';
import type { Problem } from '../problem.ts';
import type { Ending } from '../abort.ts';
import { connectMs, refusedAddress } from './connecting.ts';

/** Attempted is what a failure's problem says of the call. */
export interface Attempted {
  readonly tried: string;
  readonly where: string;
}

/** Failure is why a call got no answer, and whether the connection was lost on the way, so that the same may succeed next time. */
export interface Failure {
  readonly problem: Problem;
  readonly lost: boolean;
}

const lostCodes = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED']);

const certificateCode = /CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)|ERR_TLS|ERR_SSL/;

const unreachable: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ECONNREFUSED: ['nothing listens at this address', 'Check host and port, that the server is up, and HTTPS_PROXY where there is one.'],
  ENOTFOUND: ['the host name does not exist', 'Check the host name; a private name needs the DNS of its network.'],
  EAI_AGAIN: ['the host name could not be looked up', "Check this machine's DNS and network."],
  EHOSTUNREACH: ['the host cannot be reached from here', "Check this machine's network, VPN and proxy settings."],
  ENETUNREACH: ['the network cannot be reached from here', "Check this machine's network, VPN and proxy settings."],
  UND_ERR_CONNECT_TIMEOUT: [`no connection within ${durationText(connectMs)}`, "Check the address, and this machine's network, firewall and proxy settings."],
  ETIMEDOUT: ['the connection got no answer', "Check the address, and this machine's network, firewall and proxy settings."],
};

/** errorsIn are an error, those inside of it (one for each address that a name has stands in `errors`) and its causes. */
const errorsIn = (error: unknown): readonly object[] => {
  if (typeof error !== 'object' || error === null) return [];
  const inner = 'errors' in error && Array.isArray(error.errors) ? error.errors.flatMap(errorsIn) : [];
  return [error, ...inner, ...('cause' in error ? errorsIn(error.cause) : [])];
};

/** codeOf is an error's code; the library's parser gives some of its errors none. */
const codeOf = (error: object): string | undefined => errorField(error, 'code') ?? (errorField(error, 'name') === 'HTTPParserError' ? 'HPE_INVALID' : undefined);

/** peerOf is the address and port that was called in vain; it is the proxy's where there is one. */
const peerOf = (errors: readonly object[]): string | undefined => {
  for (const error of errors) {
    if ('address' in error && 'port' in error && typeof error.address === 'string') return `${error.address}:${String(error.port)}`;
  }
  return undefined;
};

/** failureOf says in plain words why a request got no answer; undefined when the error is none of the network's. */
export const failureOf = (error: unknown, attempted: Attempted): Failure | undefined => {
  const platform = (reason: string, hint: string, code: string, message?: string): Failure => ({
    problem: { category: 'platform', reason, ...attempted, answer: { code, ...(message === undefined ? {} : { message }) }, hint },
    lost: false,
  });
  const errors = errorsIn(error);
  const codes = errors.map(codeOf).filter((one) => one !== undefined);
  const [code] = codes;
  if (code === undefined) return undefined;
  if (codes.includes(refusedAddress)) {
    const problem: Problem = { category: 'input', reason: 'the host name leads to an address that is not allowed', ...attempted, hint: 'Link-local and metadata addresses are never asked; a rehearsal asks this machine only.' };
    return { problem, lost: false };
  }
  if (codes.includes('UND_ERR_INVALID_ARG')) {
    const problem: Problem = { category: 'input', reason: 'the request has a header or address that HTTP does not allow', ...attempted, hint: 'Check the secrets and addresses for line ends and odd characters.' };
    return { problem, lost: false };
  }
  if (codes.some((one) => lostCodes.has(one))) {
    return { ...platform('the connection was cut before the answer was complete', 'Try again; if it stays so, look at the server or the proxy in front of it.', code), lost: true };
  }
  const certificate = codes.find((one) => certificateCode.test(one));
  if (certificate !== undefined) return platform("the server's certificate is not trusted", 'Check the host name; for a private authority set `ca` in sluice.yml or NODE_EXTRA_CA_CERTS.', certificate);
  if (codes.some((one) => one.startsWith('HPE_'))) return platform('the server did not answer in HTTP', 'Check the port, and http against https.', code);
  if (codes.includes('UND_ERR_ABORTED')) return platform('the proxy refused the connection', 'Check HTTPS_PROXY and NO_PROXY.', code);
  const known = codes.find((one) => one in unreachable);
  const [reason, hint] = (known === undefined ? undefined : unreachable[known]) ?? ['the server could not be reached', "Check the address and this machine's network."];
  return platform(reason, hint, known ?? code, peerOf(errors));
};

/** endedProblem says why a call was ended from this side; `silent` describes what its own deadline waited for. */
export const endedProblem = (ending: Ending, attempted: Attempted, silent: string): Problem => {
  if (ending === 'cancelled') return { category: 'cancelled', reason: 'the run was cancelled', ...attempted };
  const reason = ending === 'timeout' ? 'the deadline of the step passed' : silent;
  return { category: 'timeout', reason, ...attempted, hint: 'Look at the load of the server; if it is only slow, give the step a longer deadline.' };
};
