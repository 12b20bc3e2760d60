import { done, draft, failed, type DeployOptions, type Deployment, type Outcome, type Source } from '@sluice/core';
import { digestOf } from '../source/content.ts';
import { hasGraph } from '../source/dsl.ts';
import { mappingOf } from '../source/shape.ts';
import { isDifySource } from '../source/source.ts';
import type { Application } from './application.ts';
import { deploy } from './deploy.ts';
import { pin, publishDraft } from './publish.ts';
import type { App } from './shapes.ts';
import { checkTwin, type Twins } from './twin-versions.ts';
import { configurationVersion, contentOf, knownApp, knownDraft } from './versions.ts';

/** backToApp sends everybody to the app itself, and reads that back; it gives whether anybody had to be moved. */
export const backToApp = async ({ gateway, main }: Twins): Promise<Outcome<boolean>> => {
  const observed = await gateway.read();
  if (!observed.ok) return observed;
  const { split } = observed.value;
  if (split.weight === 0) return done(false);
  const back = await pin(gateway, split, main.id());
  return back.ok ? done(true) : back;
};

/** emptied is the twin with its users sent away before anything that they would meet is written. */
const emptied = (twins: Twins): Application => {
  const { app, main } = twins;
  const before = async <T>(write: () => Promise<Outcome<T>>): Promise<Outcome<T>> => {
    const back = await backToApp(twins);
    if (!back.ok) return failed({ ...back.problem, reason: `the twin was not written, since its users could not be sent back first: ${back.problem.reason}` });
    if (back.value) main.connection.log('Users were on the twin, and its content changes: everybody gets the app itself again, read back.');
    return write();
  };
  const { console } = app;
  return {
    ...app,
    console: {
      ...console,
      importDsl: (...given) => before(() => console.importDsl(...given)),
      configureModel: (...given) => before(() => console.configureModel(...given)),
      publish: (...given) => before(() => console.publish(...given)),
    },
  };
};

/** heldBy is the digest of what an app holds: its draft, or its configuration. None is an empty list. */
const heldBy = async (application: Application): Promise<Outcome<readonly string[]>> => {
  if (application.id() === '') return done([]);
  if (!hasGraph(application.mode)) {
    const app = await knownApp(application);
    return app.ok ? done([configurationVersion(application, app.value).digest ?? '']) : app;
  }
  const current = await knownDraft(application);
  return current.ok ? done(current.value === undefined ? [] : [digestOf(contentOf(application, current.value))]) : current;
};

/**
 * inApp writes the draft of the app itself, which serves nobody. Where there is no draft it only asks whether the app
 * could be given the source: a canary that cannot be published is not begun.
 */
const inApp = ({ main }: Twins, source: Source, options: DeployOptions): Promise<Outcome<Deployment>> => {
  if (hasGraph(main.mode) || main.id() === '') return deploy(main, source, options);
  const environment = { ...main.connection.environment, 'live-at-once': true };
  return deploy({ ...main, connection: { ...main.connection, environment } }, source, { ...options, dryRun: true });
};

/** named gives a source the name and description that an app has: an import would give the twin those of the app. */
const named = (source: Source, { name, description }: App): Source =>
  isDifySource(source) ? source.with({ ...source.root, app: { ...mappingOf(source.root['app']), name, description } }) : source;

/** serving publishes the twin's draft, unless what it has published is that already; false when there was nothing to do. */
const serving = async (twin: Application, { changed, version }: Deployment): Promise<Outcome<boolean>> => {
  if (!hasGraph(twin.mode)) return done(changed);
  const published = await twin.console.published(twin.id());
  if (!published.ok) return published;
  const { digest = '' } = version;
  if (!changed && published.value !== undefined && digestOf(contentOf(twin, published.value)) === digest) return done(false);
  // The mark tells a later release that this is no version that somebody has published by hand.
  const made = await publishDraft(twin, 'candidate', { verdict: 'inconclusive' }, digest, published.value?.id);
  return made.ok ? done(true) : made;
};

const ofTwin = <T>(outcome: Outcome<T>, { app }: Twins): Outcome<T> =>
  outcome.ok ? outcome : failed({ ...outcome.problem, reason: `the twin ${app.id()}: ${outcome.problem.reason}` });

/** once calls back at the first of several writes. */
const once = (writing: DeployOptions['writing']): DeployOptions['writing'] => {
  let said: Promise<Outcome<void>> | undefined;
  return (digest) => (said ??= writing(digest));
};

/** meantForUsers is what a deployment says where all users meet it at once; those of a twin do not. */
const meantForUsers = (note: string): boolean => note === 'The configuration is live for everybody.';

/**
 * deployToTwin puts a source into the twin and publishes it there, where nobody is sent yet. The draft of the app itself
 * is written first: what would keep it from being published later is found out before anybody is moved.
 */
export const deployToTwin = async (twins: Twins, source: Source, given: DeployOptions): Promise<Outcome<Deployment>> => {
  const found = await checkTwin(twins);
  if (!found.ok) return found;
  const options = { ...given, writing: once(given.writing) };
  // A twin that was just duplicated holds the content of the app: nobody's work is lost there.
  const held = await heldBy(twins.main);
  if (!held.ok) return held;
  const first = await inApp(twins, source, options);
  if (!first.ok) return first;
  const twin = emptied(twins);
  const second = ofTwin(await deploy(twin, named(source, found.value), { ...options, create: false, ours: [...options.ours, ...held.value] }), twins);
  if (!second.ok) return second;
  const served = options.dryRun ? done(second.value.changed) : ofTwin(await serving(twin, second.value), twins);
  if (!served.ok) return served;
  const ofMain = hasGraph(twins.main.mode) ? first.value : { ...first.value, changed: false, notes: [] };
  return done({
    changed: ofMain.changed || second.value.changed || served.value,
    version: { ...second.value.version, id: draft, name: draft },
    ...(first.value.created === undefined ? {} : { created: first.value.created }),
    notes: [...ofMain.notes, ...second.value.notes.filter((note) => !meantForUsers(note)).map((note) => `Twin: ${note}`)],
  });
};
