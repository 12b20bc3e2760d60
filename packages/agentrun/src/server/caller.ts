import { done, failed, type Outcome } from '@sluice/core';
import { endpointAddress, mayHaveKey } from './address.ts';
import { callHeaders } from './call-signature.ts';
import type { AgentRunContext } from './context.ts';
import type { Endpoint } from './wire.ts';

/** Calling is where an endpoint is called and with which proof. */
export interface Calling {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** signedAddress is where signed calls go: the first label of a host of AgentRun's data plane ends in `-ram` (agentrun-sdk-python 0.0.51, super_agent/api/control.py). */
export const signedAddress = (address: string): string => address.replace(/^(https?:\/\/[^./]+?)(?:-ram)?(\.agentrun-data\.)/, '$1-ram$2');

/**
 * calling proves a call to an endpoint as sluice.yml says (agentrun.auth): by nothing, by the key AGENTRUN_API_KEY or by
 * a signature of the account's credentials. Neither a key nor a security token goes to an address that is not trusted.
 */
export const calling = async (context: AgentRunContext, endpoint: Endpoint, call: { readonly method: 'GET' | 'POST'; readonly route: string; readonly contentType?: string }): Promise<Outcome<Calling>> => {
  const address = endpointAddress(context, endpoint);
  if (!address.ok) return address;
  const { auth, apiKey } = context;
  const content: Record<string, string> = call.contentType === undefined ? {} : { 'content-type': call.contentType };
  const plain = `${address.value}${call.route}`;
  if (auth === 'none') return done({ url: plain, headers: content });
  const untrusted = !mayHaveKey(context, address.value);
  if (auth === 'key') {
    if (apiKey !== undefined) return done({ url: plain, headers: untrusted ? content : { ...content, 'x-api-key': apiKey } });
    return failed({ category: 'input', reason: 'agentrun.auth is key, and there is no AGENTRUN_API_KEY', tried: `call endpoint "${endpoint.name}"`, hint: 'Give the step the secret AGENTRUN_API_KEY, or correct agentrun.auth in sluice.yml.' });
  }
  if (untrusted) {
    return failed({ category: 'input', reason: `calls are signed (agentrun.auth is ram), and a security token does not go to ${address.value}`, tried: `call endpoint "${endpoint.name}"`, hint: 'Name the data plane in sluice.yml: agentrun.data.' });
  }
  const credentials = await context.credentials.current();
  if (!credentials.ok) return credentials;
  const url = `${signedAddress(address.value)}${call.route}`;
  const signature = callHeaders({ method: call.method, url, region: context.source.parts.region, at: context.clock.now(), ...(call.contentType === undefined ? {} : { contentType: call.contentType }) }, credentials.value);
  return done({ url, headers: { ...content, ...signature } });
};
