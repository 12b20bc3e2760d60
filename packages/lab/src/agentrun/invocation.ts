import { sameText } from '../same-text.ts';
import type { LabRequest } from '../server.ts';
import type { Endpoint } from './endpoint.ts';
import { refuse, type Refused } from './reply.ts';
import type { Runtime } from './runtime.ts';
import type { Store } from './store.ts';

/** Invocation is a request that an endpoint has given to one version. */
export interface Invocation {
  readonly runtime: Runtime;
  readonly endpoint: Endpoint;
  readonly version: string;
}

const defaultIdleSeconds = 600;

const sessionOf = (runtime: Runtime, request: LabRequest): string | undefined => {
  const { disableSessionAffinity, sessionAffinityType, headerFieldName } = runtime.configuration;
  if (disableSessionAffinity === true || sessionAffinityType === 'NONE') return undefined;
  const header = typeof headerFieldName === 'string' ? headerFieldName.toLowerCase() : 'x-agentrun-session-id';
  return request.headers[header];
};

/** findInvocation finds the version that answers a request, or refuses it as the data plane's door does. */
export const findInvocation = (
  plane: { readonly store: Store; readonly apiKey: string; readonly timeScale: number },
  request: LabRequest,
  runtimeName: string,
  endpointName: string,
): Invocation | Refused => {
  const runtime = plane.store.runtimeNamed(runtimeName);
  const endpoint = runtime?.endpointNamed(endpointName);
  if (runtime === undefined || endpoint === undefined) {
    return refuse(404, 'EndpointNotFound', `endpoint ${endpointName} of agent runtime ${runtimeName} does not exist`);
  }
  if (endpoint.fields.disablePublicNetworkAccess) {
    return refuse(403, 'AccessDenied', 'public network access is disabled for this endpoint');
  }
  const needsKey = typeof runtime.configuration['credentialName'] === 'string' && runtime.configuration['credentialName'] !== '';
  if (needsKey && !sameText(request.headers['x-api-key'] ?? '', plane.apiKey)) {
    return refuse(401, 'Unauthorized', 'a valid X-API-Key is required');
  }
  const idle = runtime.configuration['sessionIdleTimeoutSeconds'];
  const idleMs = ((typeof idle === 'number' ? idle : defaultIdleSeconds) * 1000) / plane.timeScale;
  const version = ['CREATING', 'CREATE_FAILED', 'DELETING'].includes(runtime.lifecycle.status)
    ? undefined
    : endpoint.choose(sessionOf(runtime, request), idleMs);
  return version === undefined
    ? refuse(503, 'ServiceUnavailable', `endpoint ${endpointName} is not ready`)
    : { runtime, endpoint, version };
};
