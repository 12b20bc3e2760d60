import type { LabRequest } from '../../server.ts';
import { refuse, type Refused } from '../answer.ts';
import type { Fields } from '../reading.ts';
import type { Caller } from '../sessions.ts';
import type { State } from '../state.ts';
import type { App } from '../store.ts';

/** Call is one request to the console whose sender has been checked; before a login it is the owner's. */
export interface Call extends Caller {
  readonly state: State;
  readonly request: LabRequest;
}

/** secondsOf turns milliseconds into Dify's timestamps. */
export const secondsOf = (milliseconds: number): number => Math.floor(milliseconds / 1000);

/** endUserFields are an end user as logs and runs show him. */
export const endUserFields = (state: State, app: App, user: string): Fields => ({
  id: state.endUserId(app, user), type: state.dialect.endUserType, is_anonymous: false, session_id: user,
});

/** appOf finds the app of a path. */
export const appOf = (call: Call, parameters: Readonly<Record<string, string>>): App | Refused =>
  call.state.store.get(parameters['app'] ?? '') ?? refuse(404, 'app_not_found', 'App not found.');

/** appOfMode finds the app of a path and wants one of the given modes. */
export const appOfMode = (call: Call, parameters: Readonly<Record<string, string>>, wanted: readonly string[]): App | Refused => {
  const app = appOf(call, parameters);
  if (!('mode' in app) || wanted.includes(app.mode)) return app;
  const listed = wanted.map((mode) => `'${mode}'`).join(', ');
  return refuse(404, 'app_not_found', `App mode is not in the supported list: {${listed}}`);
};

/** workflowAppOf finds the app of a path and wants one with a draft and versions. */
export const workflowAppOf = (call: Call, parameters: Readonly<Record<string, string>>): App | Refused =>
  appOfMode(call, parameters, ['workflow', 'advanced-chat']);
