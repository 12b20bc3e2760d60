import { fieldsOf, send, textAt } from '../caller.ts';
import { workflowDsl } from '../apps.ts';
import type { Expectation } from '../expectation.ts';
import type { World } from '../world.ts';

const path = (world: World, rest = ''): string => `/apps/${world.bare.id}/api-keys${rest}`;

const listed = async (world: World) => [fieldsOf((await world.console('GET', path(world))).body)['data']].flat().map(fieldsOf);

/** keys are about an app's keys, and the end of an app. */
export const keys: readonly Expectation[] = [
  { name: 'the keys of an app', ask: async (world) => world.plain(await world.console('GET', path(world))) },
  {
    name: 'a new key',
    ask: async (world) => {
      const answer = await world.console('POST', path(world));
      const plain = world.plain(answer);
      const works = await send(world.server.origin, 'GET', '/v1/info', { headers: { authorization: `Bearer ${textAt(answer, 'token')}` } });
      return { plain, works: works.status };
    },
  },
  {
    name: 'an eleventh key',
    ask: async (world) => {
      for (let count = (await listed(world)).length; count < 10; count += 1) await world.console('POST', path(world));
      return world.plain(await world.console('POST', path(world)));
    },
  },
  {
    name: 'a deleted key',
    ask: async (world) => {
      const last = (await listed(world)).find((key) => key['token'] !== world.bare.key);
      const gone = await world.console('DELETE', path(world, `/${String(last?.['id'])}`));
      const used = await send(world.server.origin, 'GET', '/v1/info', { headers: { authorization: `Bearer ${String(last?.['token'])}` } });
      return { gone: gone.status, used: world.plain(used) };
    },
  },
  {
    name: 'deleting a key that does not exist',
    ask: async (world) => world.plain(await world.console('DELETE', path(world, '/00000000-0000-4000-8000-000000000000'))),
  },
  {
    name: 'keys of an app that does not exist',
    ask: async (world) => world.plain(await world.console('GET', '/apps/00000000-0000-4000-8000-000000000000/api-keys')),
  },
  {
    name: 'an app with its API off',
    ask: async (world) => {
      const off = await world.console('POST', `/apps/${world.bare.id}/api-enable`, { enable_api: false });
      const used = await world.service(world.bare, 'GET', '/info');
      await world.console('POST', `/apps/${world.bare.id}/api-enable`, { enable_api: true });
      return { off: off.status, used: world.plain(used) };
    },
  },
  {
    name: 'a deleted app',
    ask: async (world) => {
      const id = textAt(await world.imported(workflowDsl({ dsl: world.dsl, name: 'contract gone', says: 'x' })), 'app_id');
      const token = textAt(await world.console('POST', `/apps/${id}/api-keys`), 'token');
      const gone = await world.console('DELETE', `/apps/${id}`);
      const read = world.plain(await world.console('GET', `/apps/${id}`));
      const used = await send(world.server.origin, 'GET', '/v1/info', { headers: { authorization: `Bearer ${token}` } });
      // A worker deletes the keys some time later: 403 before, 401 after.
      return { gone: gone.status, read, refused: [401, 403].includes(used.status) };
    },
  },
];
