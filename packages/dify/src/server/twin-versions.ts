import { done, failed, type Outcome, type Version } from '@sluice/core';
import { hasGraph } from '../source/dsl.ts';
import type { Application, Twin } from './application.ts';
import type { App } from './shapes.ts';
import type { Sides } from './twin-split.ts';
import { configurationVersion, knownApp, otherMode, versionOf } from './versions.ts';

/** Twins are an app that has a twin, and that twin. */
export interface Twins extends Twin {
  readonly main: Application;
}

/** shortDigest names a configuration, which has no id of its own, by the first twelve digits of its digest. */
const shortDigest = ({ digest = '' }: Version): string => digest.replace('sha256:', '').slice(0, 12);

const servedBy = async (application: Application, prefix: string): Promise<Outcome<Version | undefined>> => {
  if (application.id() === '') return done(undefined);
  if (hasGraph(application.mode)) {
    const published = await application.console.published(application.id());
    return published.ok ? done(published.value === undefined ? undefined : versionOf(application, published.value)) : published;
  }
  const app = await knownApp(application);
  if (!app.ok) return app;
  const version = configurationVersion(application, app.value);
  const id = `${prefix}${shortDigest(version)}`;
  return done({ ...version, id, name: id });
};

/** mainVersion is what the app itself serves; undefined before its first publication. */
export const mainVersion = ({ main }: Twins): Promise<Outcome<Version | undefined>> => servedBy(main, '');

/** twinVersion is what the twin serves: the candidate. The same configuration has another id here than in the app. */
export const twinVersion = ({ app }: Twins): Promise<Outcome<Version | undefined>> => servedBy(app, 'twin-');

/** readSides reads what stands on both sides of the gateway. */
export const readSides = async (twins: Twins): Promise<Outcome<Sides>> => {
  const [main, twin] = await Promise.all([mainVersion(twins), twinVersion(twins)]);
  if (!main.ok) return main;
  if (!twin.ok) return twin;
  return done({ mainApp: twins.main.id(), twinApp: twins.app.id(), stable: main.value?.id ?? '', candidate: twin.value?.id ?? '' });
};

/** checkTwin reads the twin's own entry, and makes sure that it is of the app's mode. */
export const checkTwin = async ({ app }: Twins): Promise<Outcome<App>> => {
  const found = await knownApp(app);
  if (!found.ok) return failed({ ...found.problem, hint: 'Check gateway.twin in sluice.yml. The twin is in the workspace of the app; Sluice does not make it.' });
  return found.value.mode === app.mode ? found : failed(otherMode(app, found.value));
};
