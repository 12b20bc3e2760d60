import { done, failed, type Connection, type Inspection, type Outcome, type Target } from '@sluice/core';
import { hasGraph } from '../source/dsl.ts';
import { isDifySource } from '../source/source.ts';
import { against } from './against.ts';
import { readAddress } from './address.ts';
import { noApplication, type Application } from './application.ts';
import { checksOf } from './checks.ts';
import { createConsole } from './console.ts';
import { deploy } from './deploy.ts';
import { createDoors } from './doors.ts';
import { exposureOf, lackingOf } from './exposure.ts';
import { openGateway } from './gateway.ts';
import { withHeaders } from './headers.ts';
import { appKey } from './key.ts';
import { createLogs, runEntries } from './logs.ts';
import { markedComment } from './marks.ts';
import { openVersion } from './open.ts';
import { publish } from './publish.ts';
import { restore } from './restore.ts';
import { createSession } from './session.ts';
import { snapshot } from './snapshot.ts';
import { createTwinTarget, withTwin } from './twin.ts';
import { allWorkflows, configurationVersion, knownApp, knownDraft, pinnedVersion, versionOf } from './versions.ts';

const inspectGraph = async (application: Application, server: string): Promise<Outcome<Inspection>> => {
  const [current, published] = await Promise.all([knownDraft(application), application.console.published(application.id())]);
  if (!current.ok) return current;
  if (!published.ok) return published;
  const pinned = await pinnedVersion(application);
  if (!pinned.ok) return pinned;
  const atGateway = pinned.value !== '' && pinned.value !== published.value?.id;
  const all = atGateway ? await allWorkflows(application) : done([]);
  if (!all.ok) return all;
  const users = atGateway ? all.value.find((one) => one.id === pinned.value) : published.value;
  if (atGateway && users === undefined) {
    return failed({ category: 'platform', reason: `the gateway pins version ${pinned.value}, which app ${application.id()} does not have`, where: application.address.studio, hint: 'The gateway points at a deleted version or at another app; its users get errors. Restore a version.' });
  }
  return done({
    exists: true,
    server,
    ...(users === undefined ? {} : { live: versionOf(application, users) }),
    ...(atGateway && published.value !== undefined ? { ungoverned: versionOf(application, published.value) } : {}),
    ...(current.value === undefined ? {} : { candidate: versionOf(application, current.value) }),
    notes: atGateway ? [`The gateway pins ${pinned.value}; Dify itself has ${published.value?.id ?? 'nothing'} published.`] : [],
  });
};

const inspect = async (application: Application): Promise<Outcome<Inspection>> => {
  const session = await application.session.signedIn();
  if (!session.ok) return session;
  const release = await application.session.release();
  if (!release.ok) return release;
  const server = `Dify ${release.value}`;
  if (application.id() === '') return done({ exists: false, server, notes: ['The environment names no app; it is created by the first deployment.'] });
  if (hasGraph(application.mode)) return inspectGraph(application, server);
  const app = await knownApp(application);
  return app.ok ? done({ exists: true, server, live: configurationVersion(application, app.value), notes: [] }) : app;
};

const graphCapabilities = (application: Application): Pick<Target, 'versions' | 'mark' | 'logs' | 'entries'> => ({
  versions: async () => {
    if (application.id() === '') return noApplication(application.address);
    const all = await allWorkflows(application);
    return all.ok ? done(all.value.map((workflow) => versionOf(application, workflow))) : all;
  },
  mark: (version, marks) => application.console.mark(application.id(), version, markedComment(marks)),
  logs: createLogs(application),
  entries: (request) => (application.id() === '' ? Promise.resolve(noApplication(application.address)) : runEntries(application, request)),
});

/** createTarget gives the target of one app. */
export const createTarget = (application: Application, doors = createDoors(application)): Target => ({
  platform: 'dify',
  get application() {
    return application.id();
  },
  address: application.address.studio,
  exposure: exposureOf(application.mode, application.traffic !== undefined),
  lacking: lackingOf(application.mode, application.traffic !== undefined),
  inspect: async () => {
    const seen = await inspect(application);
    return seen.ok && seen.value.exists ? done({ ...seen.value, notes: [...seen.value.notes, ...(await doors())] }) : seen;
  },
  deploy: (source, options) => deploy(application, source, options),
  publish: (request) => publish(application, request),
  ...(hasGraph(application.mode) ? graphCapabilities(application) : {}),
  checks: () => checksOf(application),
  open: (version) => openVersion(application, version),
  snapshot: (options) => snapshot(application, options),
  against: (source) => against(application, source),
  restore: (version, marks) => restore(application, version, marks),
  ...(application.traffic === undefined ? {} : { traffic: application.traffic }),
  close: () => Promise.resolve(),
});

/** openApplication puts together what a connection to one app needs. Nothing is asked and nobody logs in before the first use. */
export const openApplication = async (given: Connection): Promise<Outcome<Application>> => {
  const { source, environment } = given;
  if (!isDifySource(source)) return failed({ category: 'defect', reason: 'a source of another platform was given to Dify' });
  const address = readAddress(environment);
  if (!address.ok) return address;
  const http = withHeaders(given);
  if (!http.ok) return http;
  const connection = { ...given, http: http.value };
  const session = createSession(connection, address.value);
  const console = createConsole(session, address.value.console, connection.readOnly);
  const gateway = await openGateway(given, source, address.value, session);
  if (!gateway.ok) return gateway;
  let id = address.value.app;
  const application: Application = {
    connection,
    address: address.value,
    session,
    console,
    source,
    mode: source.mode,
    id: () => id,
    created: (made) => {
      id = made;
    },
    key: appKey(connection, console, () => id),
  };
  if (gateway.value === undefined) return done(application);
  const { twin } = environment.gateway ?? {};
  return twin === undefined ? done({ ...application, traffic: gateway.value }) : withTwin(application, twin, gateway.value);
};

/** connect gives the target of an environment. Nothing is asked and nobody logs in before the first use. */
export const connect = async (given: Connection): Promise<Outcome<Target>> => {
  const application = await openApplication(given);
  if (!application.ok) return application;
  const { twin } = application.value;
  return done(twin === undefined ? createTarget(application.value) : createTwinTarget({ ...twin, main: application.value }));
};

