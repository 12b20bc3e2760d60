import { done, failed, type HttpResponse, type Outcome, type Problem } from '@sluice/core';
import { mappingOf, textOf } from '../source/shape.ts';
import { jsonAt, refusal } from './answer.ts';
import { cookieHeader, cookieNamed, readCookies } from './cookies.ts';
import { bearer, bearerCredentials, cookieCredentials, credentialsIn, exchange, type Credentials, type Door } from './credentials.ts';
import { adminKeyWorks, loginDialect } from './release.ts';
import { adminWorkspace, type Workspace } from './workspace.ts';

/** Entry is how a login ended: the session, and its workspace where the login had to know it. */
export interface Entry {
  readonly credentials: Credentials;
  readonly workspace?: Workspace;
}

const lockOut = 'Check DIFY_EMAIL and DIFY_PASSWORD. Sluice does not try again: five wrong passwords lock an account for 24 hours.';

const newToken = 'Set DIFY_TOKEN to a session of now, or set DIFY_EMAIL and DIFY_PASSWORD: they log in by themselves.';

/** refusedLogin says what a refusal means, by the codes of Dify 1.12.1, api/controllers/console/auth/error.py and wraps.py. */
const refusedLogin = (response: HttpResponse, release: string, where: string): Problem => {
  const problem = refusal(response, 'log in', where, lockOut);
  const { code, message = '' } = problem.answer ?? {};
  const refused = { ...problem, category: 'permission', reason: 'Dify refused the login' } as const;
  if (response.status >= 500) return { ...refused, category: 'platform', hint: "Look at the server's own log." };
  if (response.status === 429) {
    return { ...refused, reason: 'Dify has locked this account against logins', hint: 'The account is locked after five wrong passwords, for 24 hours from the last. Wait, or reset the password.' };
  }
  if (code === 'not_setup') return { ...refused, category: 'platform', reason: 'the server is not set up', hint: 'Open the console and finish the installation.' };
  if (message === 'Invalid encrypted data') {
    return { ...refused, category: 'platform', reason: `the server takes passwords in another form than Dify ${release} does`, hint: 'The password was not compared. Check that X-Version is what the server sends, and no proxy changes it.' };
  }
  return refused;
};

/** passwordLogin sends the password once, in the form that the release takes. */
const passwordLogin = async (door: Door, release: string, email: string, password: string): Promise<Outcome<Credentials>> => {
  const dialect = loginDialect(release);
  const sent = dialect.password === 'base64' ? Buffer.from(password, 'utf8').toString('base64') : password;
  const where = `${door.address.console}/login`;
  const response = await exchange(door, '/login', { email, password: sent, remember_me: false }, 'log in');
  if (!response.ok) return response;
  if (response.value.status >= 400) return failed(refusedLogin(response.value, release, where));
  const body = jsonAt(response.value, 'log in', where);
  if (!body.ok) return body;
  const answer = mappingOf(body.value);
  if (answer['result'] !== 'success') {
    return failed({ category: 'permission', reason: 'Dify refused the login', tried: 'log in', where, answer: { status: response.value.status, message: textOf(answer['data']) || textOf(answer['message']) }, hint: lockOut });
  }
  const credentials = credentialsIn(door, '/login', dialect.session, readCookies(new Map(), response.value.headers['set-cookie']), body.value);
  return credentials.ok ? done({ ...credentials.value, email }) : credentials;
};

/**
 * tokenLogin takes a session that was opened elsewhere: an access token up to 1.9.1; from 1.9.2 the cookies of a
 * browser that is logged in, since a token without its CSRF cookie opens nothing there.
 */
const tokenLogin = (release: string, token: string): Outcome<Credentials> => {
  const refused = (reason: string, hint: string) => failed({ category: 'input', reason, tried: 'use the session in DIFY_TOKEN', hint });
  if (/^(?:dfo|app-|dataset-)/.test(token)) {
    return refused('DIFY_TOKEN holds a key of another API, which cannot publish', 'Set DIFY_EMAIL and DIFY_PASSWORD. An app key goes into DIFY_APP_KEY.');
  }
  if (loginDialect(release).session === 'bearer') return done(bearerCredentials(token.replace(/^bearer\s+/i, ''), ''));
  const credentials = cookieCredentials(readCookies(new Map(), token.replace(/^cookie:\s*/i, '').split(';').join('\n')));
  if (credentials !== undefined) return done(credentials);
  return refused(
    `Dify ${release} takes a session as cookies, and DIFY_TOKEN lacks access_token or csrf_token`,
    "Set it to the Cookie header of a browser that is logged in to the console (access_token=…; csrf_token=…; refresh_token=…), or set DIFY_EMAIL and DIFY_PASSWORD.",
  );
};

const adminLogin = async (door: Door, release: string, key: string): Promise<Outcome<Entry>> => {
  if (!adminKeyWorks(release)) {
    return failed({
      category: 'input',
      reason: `Dify ${release} does not accept the admin key: from 1.9.2 to 1.10.1 it fails the CSRF check`,
      hint: 'Set DIFY_EMAIL and DIFY_PASSWORD, or update Dify to 1.11 or later.',
    });
  }
  const workspace = await adminWorkspace(door, key);
  if (!workspace.ok) return workspace;
  const headers = { ...bearer(key), 'x-workspace-id': workspace.value.id };
  door.connection.log('DIFY_ADMIN_KEY opens every workspace of this server. An account of one workspace (DIFY_EMAIL, DIFY_PASSWORD) can do less harm.');
  return done({ credentials: { headers, kind: 'admin-key', cookies: new Map(), refreshToken: '' }, workspace: workspace.value });
};

/** consoleCredentials are the variables that open the console, the first choice first. */
export const consoleCredentials = ['DIFY_EMAIL', 'DIFY_PASSWORD', 'DIFY_TOKEN', 'DIFY_ADMIN_KEY'] as const;

/** missingCredentials is the problem of an environment that nobody can log in to, found before anything is asked; undefined when there is a way. */
export const missingCredentials = ({ connection, address }: Door): Problem | undefined => {
  const [email, password, token, key] = consoleCredentials.map((name) => connection.secrets.find(name));
  if ((email !== undefined && password !== undefined) || token !== undefined || key !== undefined) return undefined;
  const half = email ?? password;
  return {
    category: 'input',
    reason: half === undefined ? 'no credentials for the Dify console are set' : `${email === undefined ? 'DIFY_EMAIL' : 'DIFY_PASSWORD'} is not set`,
    tried: 'log in',
    where: address.console,
    hint: 'Set DIFY_EMAIL and DIFY_PASSWORD of an account of this workspace alone, with the editor role. Where it has no password: DIFY_TOKEN, or on your own server DIFY_ADMIN_KEY, which opens every workspace. A name with the environment at its end, such as DIFY_PASSWORD_PRODUCTION, wins.',
  };
};

/** logIn signs in once: by DIFY_EMAIL and DIFY_PASSWORD when both are set, else by DIFY_TOKEN, else by DIFY_ADMIN_KEY. */
export const logIn = async (door: Door & { readonly release: string }): Promise<Outcome<Entry>> => {
  const [email, password, token, key] = consoleCredentials.map((name) => door.connection.secrets.find(name));
  const account = email !== undefined && password !== undefined;
  if (!account && token === undefined) return adminLogin(door, door.release, key ?? '');
  const session = account ? await passwordLogin(door, door.release, email, password) : tokenLogin(door.release, token ?? '');
  return session.ok ? done({ credentials: session.value }) : session;
};

/** refresh renews a session by its refresh token; a session that has none is a `permission` problem. */
const refresh = async (door: Door, credentials: Credentials): Promise<Outcome<Credentials>> => {
  const tried = 'renew the session';
  const where = `${door.address.console}/refresh-token`;
  const { kind } = credentials;
  const renewable = kind === 'cookies' ? cookieNamed(credentials.cookies, 'refresh_token') !== undefined : credentials.refreshToken !== '';
  if (kind === 'admin-key' || !renewable) return failed({ category: 'permission', reason: 'the session in DIFY_TOKEN has ended and cannot be renewed', tried, where, hint: newToken });
  const body = kind === 'cookies' ? undefined : { refresh_token: credentials.refreshToken };
  const response = await exchange(door, '/refresh-token', body, tried, kind === 'cookies' ? { cookie: cookieHeader(credentials.cookies) } : {});
  if (!response.ok) return response;
  if (response.value.status >= 400) {
    const problem = refusal(response.value, tried, where);
    return failed(problem.category === 'permission' ? { ...problem, hint: newToken } : problem);
  }
  const json = jsonAt(response.value, tried, where);
  if (!json.ok) return json;
  const renewed = credentialsIn(door, '/refresh-token', kind, readCookies(credentials.cookies, response.value.headers['set-cookie']), json.value);
  return renewed.ok ? done({ ...renewed.value, ...(credentials.email === undefined ? {} : { email: credentials.email }) }) : renewed;
};

/**
 * renewedSession follows a 401: by the refresh token or, where the server does not know it any more, as after a restart of
 * its Redis, by the password, which was right before. A refusal of both is a `permission` problem.
 */
export const renewedSession = async (door: Door & { readonly release: string }, used: Credentials): Promise<Outcome<Credentials>> => {
  const renewed = await refresh(door, used);
  if (renewed.ok || renewed.problem.category !== 'permission' || used.email === undefined) return renewed;
  const again = await logIn(door);
  if (again.ok) return done(again.value.credentials);
  return failed({ ...again.problem, reason: `the session has ended, and ${again.problem.reason}` });
};
