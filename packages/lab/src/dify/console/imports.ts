import { invalid, json, jsonBody, misfits, Refused, type Answer } from '../answer.ts';
import type { Imported } from '../importer.ts';
import { text } from '../reading.ts';
import type { Route } from '../routes.ts';
import { appOf, type Call } from './call.ts';

const statusOf = (imported: Imported): number => (imported.status === 'failed' ? 400 : imported.status === 'pending' ? 202 : 200);

const take = (call: Call): Answer | Refused => {
  const body = jsonBody(call.request);
  if (body instanceof Refused) return body;
  if (typeof body['mode'] !== 'string') {
    return misfits('AppImportPayload', [{ field: 'mode', message: 'Field required', type: 'missing', input: body }]);
  }
  if (!['yaml-content', 'yaml-url'].includes(text(body['mode']))) return invalid(`Invalid import_mode: ${text(body['mode'])}`);
  const imported = call.state.importer.take(body);
  return json(imported, statusOf(imported));
};

/** importRoutes bring DSL files in. */
export const importRoutes: readonly Route<Call>[] = [
  { method: 'POST', path: '/apps/imports', handle: take },
  {
    method: 'POST',
    path: '/apps/imports/:import/confirm',
    handle: (call, parameters) => {
      const imported = call.state.importer.confirm(parameters['import'] ?? '');
      return json(imported, statusOf(imported));
    },
  },
  {
    method: 'GET',
    path: '/apps/imports/:app/check-dependencies',
    when: ({ checksDependencies }) => checksDependencies,
    handle: (call, parameters) => {
      const app = appOf(call, parameters);
      if (app instanceof Refused) return app;
      const { dialect, importer, workspace } = call.state;
      return json({ leaked_dependencies: workspace.leaked(importer.dependenciesOf(app.id), dialect.tellsPluginVersions) });
    },
  },
];
