import type { LabRequest } from '../../server.ts';
import { invalid, jsonBody, refuse, Refused } from '../answer.ts';
import type { Fields } from '../reading.ts';
import type { State } from '../state.ts';
import type { App } from '../store.ts';

/** Call is one request to the service API with the app that its key belongs to. */
export interface Call {
  readonly state: State;
  readonly request: LabRequest;
  readonly app: App;
}

/** appOfKey finds the app of a request's key (Dify 1.12.1, controllers/service_api/wraps.py). */
export const appOfKey = (state: State, request: LabRequest): App | Refused => {
  const header = request.headers['authorization'];
  if (header === undefined || !header.includes(' ')) {
    return refuse(401, 'unauthorized', "Authorization header must be provided and start with 'Bearer'");
  }
  const [scheme = '', ...rest] = header.split(/\s+/);
  if (scheme.toLowerCase() !== 'bearer') return refuse(401, 'unauthorized', "Authorization scheme must be 'Bearer'");
  const found = state.store.byKey(rest.join(' '));
  if (found === undefined) return refuse(401, 'unauthorized', 'Access token is invalid');
  const now = Date.now();
  // Dify writes the time of use at most once a minute.
  if (found.key.lastUsedAt === undefined || now - found.key.lastUsedAt > 60_000) found.key.lastUsedAt = now;
  return found.app.enableApi ? found.app : refuse(403, 'forbidden', "The app's API service has been disabled.");
};

/** askedBy reads the body of a run and its end user, whom every run must name; Dify asks for him before anything else. */
export const askedBy = (request: LabRequest): { readonly body: Fields; readonly user: string } | Refused => {
  const body = jsonBody(request);
  if (body instanceof Refused) return body;
  const user = body['user'];
  const isMissing = user === undefined || user === null || user === '' || user === 0 || user === false;
  return isMissing ? invalid('Arg user must be provided.') : { body, user: String(user) };
};
