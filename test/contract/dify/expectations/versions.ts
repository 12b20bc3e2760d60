import { fieldsOf, textAt, type Answer } from '../caller.ts';
import type { Expectation } from '../expectation.ts';
import { masked } from '../masking.ts';
import type { Made, World } from '../world.ts';

const path = (app: Made, rest = ''): string => `/apps/${app.id}/workflows${rest}`;

const items = (answer: Answer) => [fieldsOf(answer.body)['items']].flat().map(fieldsOf);

const rows = async (world: World, app: Made, query = 'page=1&limit=20'): Promise<unknown> => {
  const answer = await world.console('GET', path(app, `?${query}`));
  const { items: _, ...page } = fieldsOf(answer.body);
  return { status: answer.status, page, rows: masked(items(answer).map(({ id, version, marked_name: name, marked_comment: comment }) => [id, version, name, comment]), world.names) };
};

const unknown = '00000000-0000-4000-8000-000000000000';

/** versions are about publishing and what was published. */
export const versions: readonly Expectation[] = [
  {
    name: 'what is published before the first publication',
    ask: async (world) => world.plain(await world.console('GET', path(world.bare, '/publish'))),
  },
  { name: 'the versions before the first publication', ask: (world) => rows(world, world.bare) },
  { name: 'the versions of a workflow app', ask: (world) => rows(world, world.flow) },
  { name: 'the versions of a chatflow', ask: (world) => rows(world, world.chat) },
  { name: 'one version on a page', ask: (world) => rows(world, world.flow, 'page=2&limit=1') },
  { name: 'named versions only', ask: (world) => rows(world, world.flow, 'page=1&limit=10&named_only=true') },
  {
    name: 'the fields of a version',
    ask: async (world) => {
      const answer = await world.console('GET', path(world.flow, '/publish'));
      const { graph: _, features: __, ...rest } = fieldsOf(answer.body);
      return masked(rest, world.names);
    },
  },
  {
    name: 'a name of 21 characters',
    ask: async (world) => world.plain(await world.console('POST', path(world.bare, '/publish'), { marked_name: 'x'.repeat(21) })),
  },
  {
    name: 'a comment of 101 characters',
    ask: async (world) => world.plain(await world.console('POST', path(world.bare, '/publish'), { marked_comment: 'x'.repeat(101) })),
  },
  { name: 'a publication', ask: async (world) => world.plain(await world.console('POST', path(world.chat, '/publish'), {})) },
  {
    name: 'a comment is changed',
    ask: async (world) => {
      const answer = await world.console('PATCH', path(world.flow, `/${world.flow.first}`), { marked_comment: 'new comment' });
      const { marked_name: name, marked_comment: comment } = fieldsOf(answer.body);
      return { status: answer.status, name, comment };
    },
  },
  {
    name: 'nothing is changed',
    ask: async (world) => world.plain(await world.console('PATCH', path(world.flow, `/${world.flow.first}`), {})),
  },
  {
    name: 'a change of a version that does not exist',
    ask: async (world) => world.plain(await world.console('PATCH', path(world.flow, `/${unknown}`), { marked_name: 'x' })),
  },
  {
    name: 'deleting the live version',
    ask: async (world) => world.plain(await world.console('DELETE', path(world.flow, `/${world.flow.second}`))),
  },
  {
    name: 'deleting an older version',
    ask: async (world) => {
      const before = textAt(await world.console('GET', path(world.chat, '/publish')), 'id');
      await world.console('POST', path(world.chat, '/publish'), {});
      const gone = await world.console('DELETE', path(world.chat, `/${before}`));
      return gone.status;
    },
  },
  {
    name: 'deleting the draft',
    ask: async (world) => {
      const draft = textAt(await world.console('GET', path(world.chat, '/draft')), 'id');
      return world.plain(await world.console('DELETE', path(world.chat, `/${draft}`)));
    },
  },
  {
    name: 'deleting a version that does not exist',
    ask: async (world) => world.plain(await world.console('DELETE', path(world.flow, `/${unknown}`))),
  },
  {
    name: 'restoring a version that does not exist',
    ask: async (world) => world.plain(await world.console('POST', path(world.flow, `/${unknown}/restore`), {})),
  },
  {
    name: 'restoring the draft',
    ask: async (world) => {
      const draft = textAt(await world.console('GET', path(world.flow, '/draft')), 'id');
      return world.plain(await world.console('POST', path(world.flow, `/${draft}/restore`), {}));
    },
  },
  {
    name: 'a restored version is in the draft, with its secret',
    ask: async (world) => {
      const restored = await world.console('POST', path(world.flow, `/${world.flow.first}/restore`), {});
      const { environment_variables: variables } = fieldsOf((await world.console('GET', path(world.flow, '/draft'))).body);
      const live = textAt(await world.console('GET', path(world.flow, '/publish')), 'id');
      return { restored: world.plain(restored), variables, live: live === world.flow.second };
    },
  },
];
