import { json, Refused, type Answer } from '../answer.ts';
import type { Dialect } from '../dialect.ts';
import type { Fields } from '../reading.ts';
import type { Route } from '../routes.ts';
import { newKey, type ApiKey, type App } from '../store.ts';
import { appOf, secondsOf, type Call } from './call.ts';

const maxKeys = 10;

const keyFields = (key: ApiKey): Fields => ({
  id: key.id,
  type: 'app',
  token: key.token,
  last_used_at: key.lastUsedAt === undefined ? null : secondsOf(key.lastUsedAt),
  created_at: secondsOf(key.createdAt),
});

const create = (app: App, _key: string, dialect: Dialect): Answer => {
  if (app.keys.length >= maxKeys) {
    const name = dialect.fieldErrors === 'flask-restful' ? 'code' : 'custom';
    return json({ [name]: 'max_keys_exceeded', message: `Cannot create more than ${maxKeys} API keys for this resource type.` }, 400);
  }
  const key = newKey();
  app.keys.push(key);
  return json(keyFields(key), 201);
};

/** notFound is a 404 without a code of its own, unlike those of other routes. */
const notFound = (message: string, dialect: Dialect): Refused =>
  new Refused(json({ message, ...(dialect.fieldErrors === 'flask-restful' ? { code: 'unknown' } : {}) }, 404));

const remove = (app: App, id: string, dialect: Dialect): Answer | Refused => {
  if (!app.keys.some((key) => key.id === id)) return notFound('API key not found', dialect);
  app.keys = app.keys.filter((key) => key.id !== id);
  return json(null, 204);
};

const onApp =
  (handle: (app: App, key: string, dialect: Dialect) => Answer | Refused): Route<Call>['handle'] =>
  (call, parameters) => {
    const app = appOf(call, parameters);
    const { dialect } = call.state;
    return app instanceof Refused ? notFound('App not found.', dialect) : handle(app, (parameters['key'] ?? '').toLowerCase(), dialect);
  };

/** keyRoutes are about an app's API keys: listed in the clear, ten at most (Dify 1.12.1, controllers/console/apikey.py). */
export const keyRoutes: readonly Route<Call>[] = [
  { method: 'GET', path: '/apps/:app/api-keys', role: 'everyone', handle: onApp((app) => json({ data: app.keys.map(keyFields) })) },
  { method: 'POST', path: '/apps/:app/api-keys', handle: onApp(create) },
  { method: 'DELETE', path: '/apps/:app/api-keys/:key', role: 'admin', handle: onApp(remove) },
];
