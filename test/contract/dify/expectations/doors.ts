import { randomUUID } from 'node:crypto';
import { chatflowDsl } from '../apps.ts';
import { cookieNames, encoded, fieldsOf, send, sessionOf, textAt, type Answer } from '../caller.ts';
import { atLeast, type Expectation } from '../expectation.ts';
import { plain, story } from '../masking.ts';
import { loggedIn, type World } from '../world.ts';

const login = (world: World, email: string, password: string): Promise<Answer> =>
  send(world.server.origin, 'POST', '/console/api/login', { body: { email, password, remember_me: false } });

const none: ReadonlyMap<string, string> = new Map();

/** opened is what an answer opens a session with: the fields of its data, or the names of its cookies. */
const opened = (answer: Answer): unknown => ({
  status: answer.status,
  result: fieldsOf(answer.body)['result'],
  data: Object.keys(fieldsOf(fieldsOf(answer.body)['data'])).sort(),
  cookies: cookieNames(answer),
});

const renew = (world: World, refreshToken: string): Promise<Answer> =>
  atLeast(world.release, '1.9.2')
    ? send(world.server.origin, 'POST', '/console/api/refresh-token', { headers: { cookie: `refresh_token=${refreshToken}; __Host-refresh_token=${refreshToken}` } })
    : send(world.server.origin, 'POST', '/console/api/refresh-token', { body: { refresh_token: refreshToken } });

/** wrongOnce sends one wrong password and then the right one, so that the server forgets the wrong one. */
const wrongOnce = async (world: World, password: string): Promise<unknown> => {
  const answer = await login(world, world.server.email, password);
  await loggedIn(world.server, world.release);
  return plain(answer, none);
};

const byAdminKey = ({ server }: World, workspace = server.workspace): Readonly<Record<string, string>> => ({
  authorization: `Bearer ${server.adminKey}`,
  'x-workspace-id': workspace,
});

const withoutCsrf = (world: World): Readonly<Record<string, string>> => {
  const { 'x-csrf-token': _, ...headers } = world.session.headers;
  return headers;
};

/** doors are about reaching the server and opening a session. */
export const doors: readonly Expectation[] = [
  {
    name: 'every answer says the release',
    ask: async (world) => {
      const answers = await Promise.all(['/console/api/setup', '/v1/info', '/console/api/apps', '/v1/'].map((path) => world.send('GET', path)));
      return answers.every((answer) => answer.headers.get('x-version') === world.release && (answer.headers.get('x-env') ?? '') !== '');
    },
  },
  {
    name: 'GET /console/api/setup',
    ask: async (world) => Object.entries(fieldsOf((await world.send('GET', '/console/api/setup')).body)).map(([name, value]) => (name === 'step' ? `${name} ${String(value)}` : name)),
  },
  { name: 'GET /console/api/ping', ask: async (world) => world.plain(await world.send('GET', '/console/api/ping')) },
  {
    name: 'the root of the service API',
    ask: async (world) => {
      const answer = await world.send('GET', '/v1/');
      return answer.status === 404 ? world.plain(answer) : { status: answer.status, fields: Object.keys(fieldsOf(answer.body)) };
    },
  },
  { name: 'a console path that does not exist', ask: async (world) => world.plain(await world.console('GET', '/no-such-thing')) },
  { name: 'a console path with another method', ask: async (world) => world.plain(await world.console('PUT', '/apps/imports')) },
  { name: 'the console without a session', ask: async (world) => world.plain(await world.send('GET', '/console/api/apps')) },
  {
    name: 'a session with a token that is none',
    ask: async (world) => world.plain(await world.send('GET', '/console/api/apps', { headers: { authorization: 'Bearer nothing' } })),
  },
  { name: 'a login', ask: async (world) => opened(await login(world, world.server.email, encoded(world.release, world.server.password))) },
  { name: 'a login with a wrong password', ask: (world) => wrongOnce(world, encoded(world.release, 'Wrong-password-1')) },
  {
    name: 'a login with the password in the other dialect',
    ask: (world) => wrongOnce(world, atLeast(world.release, '1.11.2') ? 'Pass-word' : Buffer.from(world.server.password).toString('base64')),
  },
  {
    // Tries at an unknown account are counted, too, so that each run takes another one.
    name: 'a login of nobody',
    ask: async (world) => world.plain(await login(world, `nobody-${randomUUID()}@example.com`, encoded(world.release, 'Some-password-1'))),
  },
  {
    // An account that does not exist is locked like any other, and is missed by nobody.
    name: 'eight logins of nobody',
    ask: async (world) => {
      const email = `nobody-${randomUUID()}@example.com`;
      const answers: Answer[] = [];
      for (let tried = 0; tried < 8; tried += 1) answers.push(await login(world, email, encoded(world.release, 'Some-password-1')));
      const [last] = answers.slice(-1).map((answer) => plain(answer, none));
      return { statuses: answers.map(({ status }) => status), last };
    },
  },
  {
    name: 'a login without a password',
    ask: async (world) => plain(await send(world.server.origin, 'POST', '/console/api/login', { body: { email: 'a@example.com' } }), none),
  },
  {
    name: 'a login that is no JSON',
    ask: async (world) => plain(await send(world.server.origin, 'POST', '/console/api/login', { body: '{' }), none),
  },
  {
    name: 'reading without the CSRF header',
    ask: async (world) => {
      const answer = await world.send('GET', '/console/api/apps?limit=1', { headers: withoutCsrf(world) });
      return answer.status === 200 ? 200 : world.plain(answer);
    },
  },
  {
    name: 'a draft without the CSRF header',
    ask: async (world) => (await world.send('GET', `/console/api/apps/${world.flow.id}/workflows/draft`, { headers: withoutCsrf(world) })).status,
  },
  {
    name: 'a session is renewed once',
    ask: async (world) => {
      const session = await loggedIn(world.server, world.release);
      const first = await renew(world, session.refreshToken);
      const works = (await world.send('GET', '/console/api/workspaces', { headers: sessionOf(world.release, first).headers })).status;
      const again = await renew(world, session.refreshToken);
      return { renewed: opened(first), works, again: { status: again.status, body: plain(again, none) } };
    },
  },
  {
    name: 'a renewal without a token',
    ask: async (world) => plain(await send(world.server.origin, 'POST', '/console/api/refresh-token', { body: {} }), none),
  },
  {
    name: 'logging out with GET and with POST',
    ask: async (world) => {
      const get = await world.send('GET', '/console/api/logout', { headers: (await loggedIn(world.server, world.release)).headers });
      const post = await world.send('POST', '/console/api/logout', { headers: (await loggedIn(world.server, world.release)).headers });
      return [get.status, post.status];
    },
  },
  {
    name: 'the workspaces of the account',
    ask: async (world) => {
      const answer = await world.console('GET', '/workspaces');
      const [first] = [fieldsOf(answer.body)['workspaces']].flat();
      return { status: answer.status, fields: Object.keys(fieldsOf(first)).sort() };
    },
  },
  {
    name: 'the account itself',
    ask: async (world) => {
      const answer = await world.console('GET', '/account/profile');
      return { status: answer.status, email: fieldsOf(answer.body)['email'] === world.server.email };
    },
  },
  {
    name: 'the admin key',
    needs: 'adminKey',
    ask: async (world) => {
      const answer = await world.send('GET', '/console/api/apps?limit=1', { headers: byAdminKey(world) });
      return answer.status === 200 ? 200 : world.plain(answer);
    },
  },
  {
    name: 'the admin key writes',
    needs: 'adminKey',
    ask: async (world) => {
      const answer = await world.send('POST', `/console/api/apps/${world.bare.id}/name`, { headers: byAdminKey(world), body: { name: 'contract bare' } });
      return answer.status === 200 ? 200 : world.plain(answer);
    },
  },
  {
    name: 'the admin key in a workspace that does not exist',
    needs: 'adminKey',
    ask: async (world) => world.plain(await world.send('GET', '/console/api/apps?limit=1', { headers: byAdminKey(world, '00000000-0000-4000-8000-000000000000') })),
  },
  {
    name: 'the admin key runs the draft of a workflow app',
    needs: 'adminKey',
    ask: async (world) => {
      // Older servers number the runs of an app, and those of the other apps are compared.
      const answer = await world.send('POST', `/console/api/apps/${world.bare.id}/workflows/draft/run`, { headers: byAdminKey(world), body: { inputs: { word: 'good' } } });
      return answer.status === 200 ? story(answer).at(-1) : world.plain(answer);
    },
  },
  {
    name: 'the admin key runs the draft of a chatflow',
    needs: 'adminKey',
    ask: async (world) => {
      const own = textAt(await world.imported(chatflowDsl({ dsl: world.dsl, name: 'contract admin', says: 'one' })), 'app_id');
      const answer = await world.send('POST', `/console/api/apps/${own}/advanced-chat/workflows/draft/run`, { headers: byAdminKey(world), body: { inputs: {}, query: 'good' } });
      return answer.status === 200 ? story(answer).at(-1) : world.plain(answer);
    },
  },
  {
    name: 'all workspaces by the admin key',
    needs: 'adminKey',
    ask: async (world) => {
      const answer = await world.send('GET', '/console/api/all-workspaces?page=1&limit=20', { headers: { authorization: `Bearer ${world.server.adminKey}` } });
      const [first] = [fieldsOf(answer.body)['data']].flat();
      return { status: answer.status, fields: Object.keys(fieldsOf(answer.body)).sort(), item: Object.keys(fieldsOf(first)).sort() };
    },
  },
];
