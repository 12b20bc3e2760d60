import { done, failed, type EnvironmentConfig, type Outcome, type PlacedEnvironment, type SettingFinding } from '@sluice/core';

/** Address says where an app and its two APIs are; no part carries credentials or ends in a slash. */
export interface Address {
  /** console is the console API, as in `https://dify.example.com/console/api`. */
  readonly console: string;
  /** api is the service API, as in `https://dify.example.com/v1`. */
  readonly api: string;
  /** app is the app's id; empty when it is still to be created. */
  readonly app: string;
  /** workspace is the configured workspace id; empty when none is. */
  readonly workspace: string;
  /** studio is the address that people open. */
  readonly studio: string;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** isUuid says whether a text is an id of Dify's. */
export const isUuid = (text: string): boolean => uuid.test(text);

const trimmed = (address: string): string => address.replace(/\/+$/, '');

/**
 * apiOf is /v1 beside Studio, behind the same prefix: Dify's own nginx has /console/api and /v1 at one place (1.13.3,
 * docker/nginx/conf.d/default.conf.template), so what puts a prefix before one puts it before both. Dify Cloud answers
 * on a host of its own.
 */
const apiOf = (studio: string): string => (new URL(studio).hostname === 'cloud.dify.ai' ? 'https://api.dify.ai/v1' : `${studio}/v1`);

const wholeAddress = "Open the app in Studio and copy the browser's whole address, as in https://dify.example.com/app/<id>/workflow.";

const fromAddressBar = (text: string): Outcome<Address> => {
  const url = new URL(text);
  const match = /^(.*)\/app\/([^/]*)(?:\/.*)?$/.exec(url.pathname);
  const [, prefix = '', app = ''] = match ?? [];
  if (!isUuid(app)) {
    return failed({
      category: 'input',
      reason: app === '' ? 'the address of the app has no app id' : `the address of the app ends in "${app}", which is no whole app id`,
      where: `${url.origin}${url.pathname}`,
      hint: app === '' ? `${wholeAddress} For an app that is still to be made: dify: { console: ${url.origin} }, and deploy with create.` : wholeAddress,
    });
  }
  const studio = `${url.origin}${prefix}`;
  return done({ console: `${studio}/console/api`, api: apiOf(studio), app, workspace: '', studio: `${studio}/app/${app}` });
};

/** workspaceOnly reads the address of an environment for previews, which names where their apps are made and no app. */
const workspaceOnly = (dify: NonNullable<EnvironmentConfig['dify']>): Outcome<Address> => {
  const long = typeof dify === 'string' ? { console: dify } : dify;
  if (long.app !== undefined || /\/app\/[^/]/.test(new URL(long.console).pathname)) {
    return failed({ category: 'input', reason: 'an environment for previews names an app, and each preview is an app of its own', hint: `Name the workspace alone: dify: ${new URL(long.console).origin}.` });
  }
  return readAddress({ 'live-at-once': false, 'insecure-http': false, dify: long });
};

/** readAddress reads `dify` of an environment: Studio's address bar, or the long form. */
export const readAddress = (environment: EnvironmentConfig): Outcome<Address> => {
  const { dify } = environment;
  if (dify === undefined) return failed({ category: 'input', reason: 'the environment has no dify section' });
  if (environment.preview !== undefined) return workspaceOnly(dify);
  if (typeof dify === 'string') return fromAddressBar(dify);
  const studio = trimmed(dify.console);
  const app = dify.app ?? '';
  if (app !== '' && !isUuid(app)) {
    return failed({ category: 'input', reason: `the app id "${app}" is no whole app id`, hint: 'The id is the part after /app/ in the address of Studio.' });
  }
  return done({
    console: `${studio}/console/api`,
    api: dify.api === undefined ? apiOf(studio) : trimmed(dify.api),
    app,
    workspace: dify.workspace ?? '',
    studio: app === '' ? studio : `${studio}/app/${app}`,
  });
};

/** addressFindings are what is wrong with an environment's address; the long form without an app stands for a first release. */
export const addressFindings = (environment: EnvironmentConfig): readonly SettingFinding[] => {
  const { dify } = environment;
  const read = readAddress(environment);
  const path = typeof dify === 'object' && dify.app !== undefined ? ['dify', 'app'] : ['dify'];
  if (!read.ok) {
    const { reason, hint } = read.problem;
    return [{ rule: 'dify/address', severity: 'error', message: `${reason[0]?.toUpperCase() ?? ''}${reason.slice(1)}.`, path, ...(hint === undefined ? {} : { hint }) }];
  }
  if (read.value.app !== '' || environment.preview !== undefined) return [];
  return [{ rule: 'dify/no-app', severity: 'notice', message: 'The environment names no app yet.', path, hint: 'The first release makes it with create, and prints the line to add: app.' }];
};

/** sharedWorkspace says that previews are made in the workspace of another environment; where one of them names none, that cannot be known. */
export const sharedWorkspace = (one: PlacedEnvironment, other: PlacedEnvironment): string | undefined => {
  if (one.environment.preview === undefined && other.environment.preview === undefined) return undefined;
  const [first, second] = [readAddress(one.environment), readAddress(other.environment)];
  if (!first.ok || !second.ok || first.value.console !== second.value.console) return undefined;
  const { workspace } = first.value;
  return workspace !== '' && workspace === second.value.workspace ? `workspace ${workspace} of ${first.value.console.replace(/\/console\/api$/, '')}` : undefined;
};
