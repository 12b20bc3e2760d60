import type { LabRequest } from '../../server.ts';
import { json, Refused, type Answer } from '../answer.ts';
import { match } from '../routes.ts';
import type { State } from '../state.ts';
import { aboutRoutes } from './about.ts';
import { appOfKey } from './call.ts';
import { logRoutes } from './logs.ts';
import { serviceRunRoutes } from './runs.ts';

const routes = [...aboutRoutes, ...logRoutes, ...serviceRunRoutes];

/** answerService answers a request to the service API; `path` is what follows /v1. */
export const answerService = (state: State, request: LabRequest, path: string): Answer | Refused | Promise<Answer | Refused> => {
  if (path === '/' && request.method === 'GET' && state.dialect.hasRoot) {
    return json({ welcome: 'Dify OpenAPI', api_version: 'v1', server_version: state.dialect.version });
  }
  const found = match(routes, request, path, state.dialect);
  if (!('route' in found)) return found;
  const app = appOfKey(state, request);
  return app instanceof Refused ? app : found.route.handle({ state, request, app }, found.parameters);
};
