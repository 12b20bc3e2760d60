import type { LabRequest } from '../../server.ts';
import type { Answer, Refused } from '../answer.ts';
import { match } from '../routes.ts';
import type { State } from '../state.ts';
import { accountRoutes, openRoutes } from './accounts.ts';
import { appRoutes } from './apps.ts';
import { importRoutes } from './imports.ts';
import { keyRoutes } from './keys.ts';
import { runRoutes } from './runs.ts';
import { workflowRoutes } from './workflows.ts';

const routes = [...openRoutes, ...accountRoutes, ...importRoutes, ...appRoutes, ...runRoutes, ...workflowRoutes, ...keyRoutes];

/** answerConsole answers a request to the console API; `path` is what follows /console/api. */
export const answerConsole = (state: State, request: LabRequest, path: string): Answer | Refused | Promise<Answer | Refused> => {
  const found = match(routes, request, path, state.dialect);
  if (!('route' in found)) return found;
  const { route, parameters } = found;
  const refused = openRoutes.includes(route) ? undefined : state.sessions.check(request);
  return refused ?? route.handle({ state, request }, parameters);
};
