import { X509Certificate } from 'node:crypto';
import { lookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import * as tls from 'node:tls';
import type { Dispatcher } from 'undici';
import { errorField } from '../error-fields.ts';
import { readFileText } from '../files/read-text.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { connectMs, refusedAddress } from './connecting.ts';
import { isLoopbackAddress, isUnsafeAddress } from './addresses.ts';

/** DispatcherOptions say how connections are made. */
export interface DispatcherOptions {
  readonly loopbackOnly: boolean;
  /** ca is a PEM text of certificate authorities that are trusted beside the usual ones. */
  readonly ca?: string;
  /** extraAuthorities is the file that NODE_EXTRA_CA_CERTS names. */
  readonly extraAuthorities?: string;
  /** proxyEnvironment holds HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in capitals or not. */
  readonly proxyEnvironment?: Readonly<Record<string, string | undefined>>;
}

/** directly are the same options without a proxy and without authorities of one's own: for the instance's metadata, which no proxy may see. */
export const directly = ({ loopbackOnly }: DispatcherOptions): DispatcherOptions => ({ loopbackOnly });

type Resolve = (hostname: string, options: LookupAllOptions, callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void) => void;

/** checkedLookup resolves names and refuses those that lead to an address that is not allowed, so that DNS cannot undo the check of the URL. */
export const checkedLookup =
  (loopbackOnly: boolean, resolve: Resolve = lookup): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, '');
        return;
      }
      const wrong = addresses.find(({ address }) => isUnsafeAddress(address) || (loopbackOnly && !isLoopbackAddress(address)));
      const [first] = addresses;
      if (wrong !== undefined || first === undefined) {
        callback(Object.assign(new Error(`${hostname} leads to ${wrong?.address ?? 'no address'}`), { code: refusedAddress }), '');
      } else if (options.all === true) {
        callback(null, addresses);
      } else {
        callback(null, first.address, first.family);
      }
    });
  };

const setting = (environment: DispatcherOptions['proxyEnvironment'], name: string): string | undefined => {
  const value = environment?.[name] ?? environment?.[name.toUpperCase()];
  return value === '' ? undefined : value;
};

const isHttpAddress = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

/** isAuthority tells a PEM text with certificates that can all be read; Node leaves out what it cannot read without a word. */
const isAuthority = (pem: string): boolean => {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? [];
  try {
    return certificates.map((certificate) => new X509Certificate(certificate)).length > 0;
  } catch (error) {
    if (errorField(error, 'code')?.startsWith('ERR_OSSL') === true) return false;
    throw error;
  }
};

/**
 * usualAuthorities are those that Node trusts by itself. What it adds by NODE_EXTRA_CA_CERTS can be asked for since
 * Node 22.15; before, the file is read again, and one that Node could not read, which it has warned of, adds nothing.
 */
const usualAuthorities = async (extraFile: string | undefined): Promise<readonly string[]> => {
  const asked: typeof tls & { getCACertificates?(type: 'default'): string[] } = tls;
  if (asked.getCACertificates !== undefined) return asked.getCACertificates('default');
  const extra = extraFile === undefined ? undefined : await readFileText(extraFile, extraFile);
  return [...tls.rootCertificates, ...(extra?.ok === true && isAuthority(extra.value) ? [extra.value] : [])];
};

/** createDispatcher makes the pool of kept connections, through the proxies of the environment where there are any. */
export const createDispatcher = async (options: DispatcherOptions): Promise<Outcome<Dispatcher>> => {
  if (options.ca !== undefined && !isAuthority(options.ca)) {
    return failed({
      category: 'input',
      reason: 'the file of certificate authorities cannot be read as certificates',
      tried: 'read the certificate authorities',
      where: 'ca',
      hint: 'Give a PEM file, with a block BEGIN CERTIFICATE for each authority.',
    });
  }
  // An authority of one's own takes the place of the usual ones, unless these are given, too.
  const trusted = options.ca === undefined ? {} : { ca: [...(await usualAuthorities(options.extraAuthorities)), options.ca] };
  // Deadlines are the client's own; the library's would end long but healthy streams.
  const usual = { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: connectMs, lookup: checkedLookup(options.loopbackOnly), ...trusted } };
  const httpProxy = setting(options.proxyEnvironment, 'http_proxy');
  const httpsProxy = setting(options.proxyEnvironment, 'https_proxy');
  if (options.loopbackOnly || (httpProxy ?? httpsProxy) === undefined) {
    const { default: Agent } = await import('undici/lib/dispatcher/agent.js');
    return done(new Agent(usual));
  }
  if ([httpProxy, httpsProxy].some((proxy) => proxy !== undefined && !isHttpAddress(proxy))) {
    return failed({
      category: 'input',
      reason: 'HTTP_PROXY or HTTPS_PROXY is no http address',
      tried: 'find the proxy',
      where: 'HTTP_PROXY, HTTPS_PROXY',
      hint: 'Write it as http://host:port.',
    });
  }
  const noProxy = [setting(options.proxyEnvironment, 'no_proxy'), 'localhost', '127.0.0.1', '[::1]'].filter((entry) => entry !== undefined);
  const { EnvHttpProxyAgent } = await import('undici');
  const agent = new EnvHttpProxyAgent({
    ...usual,
    requestTls: trusted,
    // An empty text keeps the library from looking into the process's own environment.
    httpProxy: httpProxy ?? '',
    httpsProxy: httpsProxy ?? '',
    noProxy: noProxy.join(','),
  });
  return done(agent);
};
