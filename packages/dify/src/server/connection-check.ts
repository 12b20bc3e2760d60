import { done, failed, notAsked, type Checked, type Connection, type ConnectionCheck, type Outcome, type SourceFile } from '@sluice/core';
import { needNames } from '../source/needs.ts';
import { overlay } from '../source/overlay.ts';
import { isDifySource, type DifySource } from '../source/source.ts';
import type { Application } from './application.ts';
import { askParameters } from './checks.ts';
import { checkNeeds } from './environment-check.ts';
import { consoleCredentials } from './login.ts';
import { usersAddress } from './open.ts';
import { adminKeyRunsChatDrafts, loginDialect } from './release.ts';
import { serviceJson, withConsoleWord } from './service-address.ts';
import { openApplication } from './target.ts';
import { checkTwin } from './twin-versions.ts';
import { knownApp } from './versions.ts';

/** Skipped is why nothing was asked. */
interface Skipped {
  readonly skipped: string;
}

type Found = Outcome<string> | Skipped;

const certificateCode = /CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)|ERR_TLS|ERR_SSL/;

const protection = ({ connection, address }: Application): string => {
  if (address.console.startsWith('https:')) return 'the certificate is trusted';
  return connection.environment['insecure-http'] ? 'none: plain http, as insecure-http allows' : 'none: plain http on this machine';
};

/** server asks for the release; its three lines rest on one answer. */
const server = async (application: Application): Promise<readonly ConnectionCheck[]> => {
  const release = await application.session.release();
  const answers = done(`${application.address.console} answers`);
  if (!release.ok) {
    return certificateCode.test(release.problem.answer?.code ?? '')
      ? [{ name: 'address', outcome: answers }, { name: 'TLS', outcome: release }]
      : [{ name: 'address', outcome: release }];
  }
  const { session, password } = loginDialect(release.value);
  return [
    { name: 'address', outcome: answers },
    { name: 'TLS', outcome: done(protection(application)) },
    { name: 'version', outcome: done(`Dify ${release.value}: session by ${session === 'bearer' ? 'token' : 'cookies'}, password ${password === 'base64' ? 'in base64' : 'as it is'}`) },
  ];
};

const login = async ({ session, mode }: Application): Promise<Found> => {
  const [release, entry] = [await session.release(), await session.signedIn()];
  if (!release.ok) return release;
  if (!entry.ok) return entry;
  if (entry.value.kind === 'admin-key') {
    const drafts = mode !== 'advanced-chat' || adminKeyRunsChatDrafts(release.value) ? '' : `. On Dify ${release.value} it cannot run the draft of a chatflow: releases need an account`;
    return done(`the admin key is set; it opens every workspace of this server${drafts}`);
  }
  return done(entry.value.email === undefined ? 'by the session in DIFY_TOKEN, which ends within an hour or is renewed once' : 'as the account in DIFY_EMAIL');
};

const workspace = async ({ session }: Application): Promise<Found> => {
  const found = await session.workspace();
  if (!found.ok) return found;
  if (found.value.id === '') return failed({ category: 'permission', reason: 'the account is in no workspace', hint: 'Invite it into the workspace of the app, as an editor.' });
  return done(found.value.name === '' ? found.value.id : `${found.value.name} (${found.value.id})`);
};

/** writers are the roles that may import and publish (Dify 1.12.1, api/models/account.py TenantAccountRole.is_editing_role). */
const writers = new Set(['owner', 'admin', 'editor']);

const role = async ({ session, console }: Application): Promise<Found> => {
  const entry = await session.signedIn();
  if (!entry.ok) return entry;
  if (entry.value.kind === 'admin-key') return done('owner of the workspace, by the admin key');
  const email = entry.value.email === undefined ? await console.email() : done(entry.value.email);
  if (!email.ok) return email;
  const found = await console.role(email.value);
  if (!found.ok) {
    // A release may give the list to fewer people, or under another path; the first write will tell.
    const { status = 0 } = found.problem.answer ?? {};
    return status === 403 || status === 404 ? { skipped: `not known: this server does not list its members to the account (HTTP ${status})` } : found;
  }
  if (found.value === '') return { skipped: 'not known: the workspace lists no member with this e-mail' };
  if (writers.has(found.value)) return done(found.value);
  return failed({ category: 'permission', reason: `the account has the role ${found.value}, which may not import or publish`, hint: 'Give it the role editor in the settings of the workspace.' });
};

const app = async (application: Application): Promise<Found> => {
  if (application.connection.environment.preview !== undefined) return { skipped: 'each preview is an app of its own' };
  if (application.id() === '') return { skipped: 'the environment names no app yet; the first release makes it with create' };
  const found = await knownApp(application);
  if (!found.ok) return found;
  if (found.value.mode === application.mode) return done(`"${found.value.name}" (${found.value.id}), ${found.value.mode}`);
  return failed({ category: 'input', reason: `the file is a ${application.mode} app, but app ${found.value.id} on the server is a ${found.value.mode} app`, hint: 'Point the environment at an app of the same mode.' });
};

/** twin looks at the second app, and at how many users the gateway sends there. */
const twin = async (application: Application): Promise<Found> => {
  if (application.twin === undefined) return { skipped: 'the environment names none' };
  const { app: second, gateway } = application.twin;
  const found = await checkTwin({ app: second, gateway, main: application });
  if (!found.ok) return found;
  const observed = await gateway.read();
  if (!observed.ok) return observed;
  return done(`"${found.value.name}" (${found.value.id}), ${found.value.mode}; the gateway sends it ${observed.value.split.weight} % of the users`);
};

/** anyAnswer asks without a key: an API that refuses in JSON is there. */
const anyAnswer = async (application: Application, base: string): Promise<Outcome<string>> => {
  const tried = 'ask whether the service API is there';
  const where = `${base}/parameters`;
  const response = await application.connection.http.send({ method: 'GET', url: where, tried, signal: application.connection.signal });
  if (!response.ok) return response;
  const body = serviceJson(response.value, tried, base, where);
  return body.ok || response.value.status === 401 ? done(`${base} answers; the app has no key yet, and the first question makes one`) : body;
};

const keyOf = async (application: Application): Promise<Outcome<string>> => {
  const given = application.connection.secrets.find('DIFY_APP_KEY');
  if (given !== undefined || application.id() === '') return done(given ?? '');
  const keys = await application.console.keys(application.id());
  return keys.ok ? done(keys.value[0] ?? '') : keys;
};

const serviceApi = async (application: Application): Promise<Found> => {
  const base = usersAddress(application);
  const key = await keyOf(application);
  if (!key.ok) return key;
  const answered = key.value === '' ? await anyAnswer(application, base) : await askParameters(application, base, key.value, application.connection.signal);
  if (answered.ok) return key.value === '' ? answered : done(`${base}: ${answered.value}`);
  const entry = application.id() === '' ? undefined : await application.console.app(application.id());
  const said = entry?.ok === true ? (entry.value?.api_base_url ?? '') : '';
  return failed(withConsoleWord(answered.problem, base, said));
};

const steps: readonly (readonly [name: string, ask: (application: Application) => Promise<Found>])[] = [
  ['login', login],
  ['workspace', workspace],
  ['role', role],
  ['app', app],
  ['twin', twin],
  ['service API', serviceApi],
];

const overlayOf = ({ environment, secrets, source }: Connection): Outcome<DifySource> => {
  if (!isDifySource(source)) return failed({ category: 'defect', reason: 'a source of another platform was given to Dify' });
  // What an environment needs does not hang on the values of its variables, which may be secrets that this step was not given.
  return overlay(source, { ...environment, variables: {} }, secrets);
};

const unset = 'no credentials are set (DIFY_EMAIL and DIFY_PASSWORD)';

/** way asks for address, TLS, version, login, workspace, role, app and service API, in this order, to the first that fails. */
const way = async (application: Application): Promise<readonly ConnectionCheck[]> => {
  const checks = [...(await server(application))];
  const asked = steps.filter(([name]) => name !== 'twin' || application.twin !== undefined);
  for (const [name, ask] of asked) {
    if (checks.some((check) => check.outcome?.ok === false)) break;
    const found = await ask(application);
    checks.push('skipped' in found ? { name, ...found } : { name, outcome: found });
  }
  return checks;
};

/** checkEnvironment asks for the way to an environment, and then for what the app needs there, as the environment has it. */
export const checkEnvironment = async (connection: Connection, file: SourceFile): Promise<Checked> => {
  const needs = isDifySource(connection.source) ? needNames(connection.source) : [];
  if (consoleCredentials.every((name) => connection.secrets.find(name) === undefined)) {
    return { connection: [{ name: 'connection', skipped: `not checked, since ${unset}` }], environment: notAsked(needs, `not asked, since ${unset}`) };
  }
  const source = overlayOf(connection);
  if (!source.ok) return { connection: [{ name: 'sluice.yml', outcome: source }], environment: notAsked(needs, 'not asked, since sluice.yml does not fit the app') };
  const application = await openApplication({ ...connection, source: source.value });
  if (!application.ok) return { connection: [{ name: 'address', outcome: application }], environment: notAsked(needs, 'not asked, since the check of address failed') };
  const checks = await way(application.value);
  return { connection: checks, environment: await checkNeeds(application.value, file, checks) };
};
