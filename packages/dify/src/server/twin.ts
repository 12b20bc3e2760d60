import { done, draft, live, type Connection, type Inspection, type Logs, type Opened, type Outcome, type Target, type Traffic, type Version } from '@sluice/core';
import { hasGraph } from '../source/dsl.ts';
import { against } from './against.ts';
import type { Application } from './application.ts';
import { checksOf } from './checks.ts';
import { createDoors } from './doors.ts';
import { exposureWithTwin, lackingWithTwin } from './exposure.ts';
import { appKey } from './key.ts';
import { createLogs, entriesOfBoth } from './logs.ts';
import { markedComment } from './marks.ts';
import { openVersion } from './open.ts';
import { openService } from './service.ts';
import { snapshot } from './snapshot.ts';
import { twinAddress } from './twin-address.ts';
import { deployToTwin } from './twin-deploy.ts';
import { publishFromTwin, restoreBesideTwin, type Overwritten } from './twin-publish.ts';
import { createTwinTraffic } from './twin-traffic.ts';
import { checkTwin, mainVersion, twinVersion, type Twins } from './twin-versions.ts';
import { allWorkflows, versionOf } from './versions.ts';

/** besideGateway is the connection of a twin: no user is at its own address, so its configuration may be live at once, and DIFY_APP_KEY is not its key. */
const besideGateway = (connection: Connection): Connection => {
  const { gateway: _gateway, ...environment } = connection.environment;
  const { secrets } = connection;
  return {
    ...connection,
    environment: { ...environment, 'live-at-once': true },
    secrets: { read: (name, purpose) => secrets.read(name, purpose), find: (name) => (name === 'DIFY_APP_KEY' ? undefined : secrets.find(name)) },
  };
};

/** withTwin gives an app its twin: another app of the same console, session and source. */
export const withTwin = (main: Application, given: string, gateway: Traffic): Outcome<Application> => {
  const address = twinAddress(given, main.address);
  if (!address.ok) return address;
  const connection = besideGateway(main.connection);
  const id = (): string => address.value.app;
  const app: Application = { ...main, connection, address: address.value, id, created: () => undefined, key: appKey(connection, main.console, id) };
  return done({ ...main, twin: { app, gateway } });
};

const inspect = async (twins: Twins, doors: () => Promise<readonly string[]>): Promise<Outcome<Inspection>> => {
  const { main, gateway } = twins;
  const session = await main.session.signedIn();
  if (!session.ok) return session;
  const release = await main.session.release();
  if (!release.ok) return release;
  const server = `Dify ${release.value}`;
  const checked = await checkTwin(twins);
  if (!checked.ok) return checked;
  if (main.id() === '') return done({ exists: false, server, notes: ['The environment names no app; it is created by the first deployment.'] });
  const [stable, candidate, observed] = await Promise.all([mainVersion(twins), twinVersion(twins), gateway.read()]);
  if (!stable.ok) return stable;
  if (!candidate.ok) return candidate;
  if (!observed.ok) return observed;
  const everybody = observed.value.split.weight === 100;
  const users = everybody ? candidate.value : stable.value;
  return done({
    exists: true,
    server,
    ...(users === undefined ? {} : { live: users }),
    ...(candidate.value === undefined ? {} : { candidate: candidate.value }),
    notes: [
      ...(everybody ? [`The gateway sends everybody to the twin ${twins.app.id()}; the app itself has ${stable.value?.id ?? 'nothing'} live.`] : []),
      ...(await doors()),
    ],
  });
};

/** asDraft names what is asked `draft`, as a health check of the candidate does; the twin's answers name its own version. */
const asDraft = (opened: Opened, candidate: string): Opened => ({
  ...opened,
  version: draft,
  ask: async (question, signal) => {
    const reply = await opened.ask(question, signal);
    return reply.ok && reply.value.version === candidate ? done({ ...reply.value, version: draft }) : reply;
  },
});

const open = async (twins: Twins, version: string): Promise<Outcome<Opened>> => {
  const { main, app } = twins;
  if (version === live) return openVersion(main, live);
  const [stable, candidate] = await Promise.all([mainVersion(twins), twinVersion(twins)]);
  if (!stable.ok) return stable;
  if (!candidate.ok) return candidate;
  const inTwin = (id: string): Opened => openService(app, app.address.api, id, "the twin's own key, straight at the service API");
  if (candidate.value !== undefined && version === draft) return done(asDraft(inTwin(version), candidate.value.id));
  if (version === candidate.value?.id) return done(inTwin(version));
  if (version === stable.value?.id) return done(openService(main, main.address.api, version, "the app's own key, straight at the service API"));
  return openVersion(version === draft ? app : main, version);
};

/** logsOf reads each version's runs in the app that has it. */
const logsOf = ({ main, app }: Twins): Logs => {
  const [ofMain, ofTwin] = [createLogs(main), createLogs(app)];
  const inTwin = new Map<string, boolean>();
  const isInTwin = async (version: string): Promise<Outcome<boolean>> => {
    const known = inTwin.get(version);
    if (known !== undefined) return done(known);
    const all = await allWorkflows(app, ({ id }) => id === version);
    if (!all.ok) return all;
    const found = all.value.some(({ id }) => id === version);
    inTwin.set(version, found);
    return done(found);
  };
  return {
    ...ofMain,
    read: async (versions, from, to) => {
      const arms = await Promise.all(
        versions.map(async (version) => {
          const there = await isInTwin(version);
          return there.ok ? (there.value ? ofTwin : ofMain).read([version], from, to) : there;
        }),
      );
      const refused = arms.find((one) => !one.ok);
      return refused?.ok === false ? refused : done(arms.flatMap((one) => (one.ok ? one.value : [])));
    },
  };
};

const versionsOf = async (twins: Twins): Promise<Outcome<readonly Version[]>> => {
  const { main } = twins;
  if (main.id() !== '' && hasGraph(main.mode)) {
    const all = await allWorkflows(main);
    return all.ok ? done(all.value.map((workflow) => versionOf(main, workflow))) : all;
  }
  const only = await mainVersion(twins);
  return only.ok ? done(only.value === undefined ? [] : [only.value]) : only;
};

/** createTwinTarget is the target of an app whose candidate is served by a second app behind the same gateway. */
export const createTwinTarget = (twins: Twins): Target => {
  const { main } = twins;
  const doors = createDoors(main);
  const overwritten: Overwritten = new Map();
  return {
    platform: 'dify',
    get application() {
      return main.id();
    },
    address: main.address.studio,
    exposure: exposureWithTwin,
    lacking: lackingWithTwin(main.mode),
    inspect: () => inspect(twins, doors),
    deploy: (source, options) => deployToTwin(twins, source, options),
    publish: (request) => publishFromTwin(twins, request, overwritten),
    versions: () => versionsOf(twins),
    ...(hasGraph(main.mode) ? { mark: (version, marks) => main.console.mark(main.id(), version, markedComment(marks)), logs: logsOf(twins), entries: (request) => entriesOfBoth([main, twins.app].filter((one) => one.id() !== ''), request) } : {}),
    checks: () => checksOf(main),
    open: (version) => open(twins, version),
    snapshot: (options) => snapshot(main, options),
    against: (source) => against(main, source),
    restore: (version, marks) => restoreBesideTwin(twins, version, marks, overwritten),
    traffic: createTwinTraffic(twins),
    close: () => Promise.resolve(),
  };
};
