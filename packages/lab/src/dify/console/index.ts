import type { LabRequest } from '../../server.ts';
import { refuse, Refused, type Answer } from '../answer.ts';
import { match } from '../routes.ts';
import { may } from '../sessions.ts';
import type { State } from '../state.ts';
import { accountRoutes, openRoutes } from './accounts.ts';
import { appRoutes } from './apps.ts';
import { importRoutes } from './imports.ts';
import { keyRoutes } from './keys.ts';
import { runRoutes } from './runs.ts';
import { workflowRoutes } from './workflows.ts';
import { workspaceRoutes } from './workspace.ts';

const routes = [...openRoutes, ...accountRoutes, ...workspaceRoutes, ...importRoutes, ...appRoutes, ...runRoutes, ...workflowRoutes, ...keyRoutes];

/** forbidden is Dify's answer to members whose role does not suffice. */
const forbidden = (): Refused =>
  refuse(403, 'forbidden', "You don't have the permission to access the requested resource. It is either read-protected or not readable by the server.");

/** answerConsole answers a request to the console API; `path` is what follows /console/api. */
export const answerConsole = (state: State, request: LabRequest, path: string): Answer | Refused | Promise<Answer | Refused> => {
  const found = match(routes, request, path, state.dialect);
  if (!('route' in found)) return found;
  const { route, parameters } = found;
  if (openRoutes.includes(route)) return route.handle({ state, request, account: state.sessions.account, byAdminKey: false }, parameters);
  const caller = state.sessions.check(request);
  if (caller instanceof Refused) return caller;
  const { role = 'editor' } = route;
  if (!may(caller.account.role, typeof role === 'string' ? role : role(state.dialect))) return forbidden();
  return route.handle({ state, request, ...caller }, parameters);
};
