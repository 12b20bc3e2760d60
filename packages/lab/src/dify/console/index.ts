import type { LabRequest } from '../../server.ts';
import { Refused, type Answer } from '../answer.ts';
import { route } from '../routes.ts';
import type { State } from '../state.ts';
import { accountRoutes, openRoutes } from './accounts.ts';
import { appRoutes } from './apps.ts';
import { importRoutes } from './imports.ts';
import { keyRoutes } from './keys.ts';
import { runRoutes } from './runs.ts';
import { workflowRoutes } from './workflows.ts';

const closedRoutes = [...accountRoutes, ...importRoutes, ...appRoutes, ...runRoutes, ...workflowRoutes, ...keyRoutes];

/** answerConsole answers a request to the console API; `path` is what follows /console/api. */
export const answerConsole = (state: State, request: LabRequest, path: string): Answer | Refused | Promise<Answer | Refused> => {
  const open = route(openRoutes, request, path);
  if ('run' in open) return open.run({ state, request });
  const found = route(closedRoutes, request, path);
  if (!('run' in found)) return found instanceof Refused || open instanceof Refused ? (found instanceof Refused ? found : open) : found;
  return state.sessions.check(request) ?? found.run({ state, request });
};
