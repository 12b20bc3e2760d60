import { done, failed, type Outcome } from '@sluice/core';
import type { AgentRunContext } from './context.ts';
import type { Endpoint } from './wire.ts';

const loopback = new Set(['127.0.0.1', '[::1]', 'localhost']);

const parseUrl = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined);

/**
 * endpointAddress is where an endpoint is called: built on `agentrun.data` when sluice.yml names it, else
 * `endpointPublicUrl` as the control plane gives it. Plain http is for loopback and for a named data plane only.
 */
export const endpointAddress = ({ data, source }: AgentRunContext, endpoint: Endpoint): Outcome<string> => {
  if (data !== undefined) return done(`${data.replace(/\/$/, '')}/agent-runtimes/${encodeURIComponent(source.title)}/endpoints/${encodeURIComponent(endpoint.name)}/invocations`);
  const url = parseUrl(endpoint.url);
  if (url !== undefined && (url.protocol === 'https:' || (url.protocol === 'http:' && loopback.has(url.hostname)))) {
    return done(endpoint.url.replace(/\/$/, ''));
  }
  return failed({
    category: 'platform',
    reason: url === undefined ? `endpoint "${endpoint.name}" has no public address` : `the address of endpoint "${endpoint.name}" is not https`,
    tried: `find the address of endpoint "${endpoint.name}"`,
    hint: 'An endpoint without public access cannot be asked from here; name its data plane in sluice.yml: agentrun.data.',
  });
};

/** mayHaveKey says whether the API key may go to an address: to the data plane that sluice.yml names, to Alibaba Cloud, to loopback. */
export const mayHaveKey = ({ data }: AgentRunContext, address: string): boolean => {
  const url = parseUrl(address);
  if (url === undefined) return false;
  if (data !== undefined) return url.origin === parseUrl(data)?.origin;
  return loopback.has(url.hostname) || (url.protocol === 'https:' && url.hostname.endsWith('.aliyuncs.com'));
};
