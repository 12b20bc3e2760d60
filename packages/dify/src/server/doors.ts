import { done, failed, type Outcome } from '@sluice/core';
import { listOf, mappingOf, type Mapping } from '../source/shape.ts';
import { jsonOf } from './answer.ts';
import type { Application } from './application.ts';

/** Door is a way to an app that a gateway in front of the service API does not govern, and how the console shows it open. */
interface Door {
  readonly name: string;
  readonly path: string;
  readonly open: (entry: Mapping) => boolean;
}

/** doorsOf are the doors of an app (Dify 1.12.1: app_fields.py, mcp_server.py, installed_app.py, workflow_fields.py, workflow_trigger.py in api). */
const doorsOf = ({ id, mode }: Application): readonly Door[] => [
  { name: 'the web app', path: `/apps/${id()}`, open: (entry) => entry['enable_site'] === true },
  { name: 'the MCP server', path: `/apps/${id()}/server`, open: (entry) => entry['status'] === 'active' },
  {
    name: 'Explore',
    path: `/installed-apps?app_id=${id()}`,
    // An old release gives all apps, whatever it is asked for.
    open: (entry) => listOf(entry['installed_apps']).some((one) => mappingOf(mappingOf(one)['app'])['id'] === id()),
  },
  ...(mode === 'workflow'
    ? [
        { name: 'its tool in other apps', path: `/apps/${id()}/workflows/publish`, open: (entry: Mapping) => entry['tool_published'] === true },
        { name: 'triggers', path: `/apps/${id()}/triggers`, open: (entry: Mapping) => listOf(entry['data']).some((one) => mappingOf(one)['status'] === 'enabled') },
      ]
    : []),
];

const isOpen = async ({ session, address }: Application, { name, path, open }: Door): Promise<Outcome<boolean>> => {
  const tried = `see whether ${name} is open`;
  const response = await session.answer({ method: 'GET', path, tried });
  if (!response.ok) return response;
  // A release that does not know the path does not have the door.
  if (response.value.status === 404) return done(false);
  const body = jsonOf(response.value, tried, `${address.console}${path}`);
  return body.ok ? done(open(mappingOf(body.value))) : failed(body.problem);
};

/** Past is what is said of an app's open doors. */
interface Past {
  readonly app: Application;
  readonly where: string;
  readonly meets: string;
}

const look = async ({ app, where, meets }: Past): Promise<readonly string[]> => {
  const doors = app.id() === '' ? [] : doorsOf(app);
  const seen = await Promise.all(doors.map((door) => isOpen(app, door)));
  const open = doors.filter((_, index) => seen[index]?.ok === true && seen[index].value);
  const unseen = doors.flatMap(({ name }, index) => {
    const one = seen[index];
    return one === undefined || one.ok ? [] : [`It could not be seen whether ${name} is open${where}, which bypasses the gateway: ${one.problem.reason}.`];
  });
  const names = open.map(({ name }) => name).join(', ');
  return [...(names === '' ? [] : [`Open past the gateway${where}: ${names}. Who comes that way ${meets}.`]), ...unseen];
};

/** pastGateway are the apps whose doors matter: none without a gateway, the app itself, and its twin where it has one. */
const pastGateway = (application: Application): readonly Past[] => {
  const { twin, traffic } = application;
  if (twin !== undefined) {
    return [
      { app: application, where: '', meets: 'gets what the app itself has, whatever the split' },
      { app: twin.app, where: ` at the twin ${twin.app.id()}`, meets: 'meets the candidate as soon as it is deployed, unjudged; close them' },
    ];
  }
  return traffic === undefined ? [] : [{ app: application, where: '', meets: 'gets what Dify has published, whatever the split' }];
};

/**
 * createDoors gives lines about the doors that bypass the gateway: those that are open, and those that could not be
 * seen. The console is asked once; without a gateway there is nothing to bypass and nothing is asked.
 */
export const createDoors = (application: Application): (() => Promise<readonly string[]>) => {
  let looked: Promise<readonly string[]> | undefined;
  return () => (looked ??= Promise.all(pastGateway(application).map(look)).then((lines) => lines.flat()));
};
