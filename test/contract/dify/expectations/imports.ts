import { workflowDsl, chatflowDsl } from '../apps.ts';
import { fieldsOf, textAt, type Answer } from '../caller.ts';
import type { Expectation } from '../expectation.ts';
import type { World } from '../world.ts';

const file = (dsl: string): string => workflowDsl({ dsl, name: 'contract import', says: 'x' });

/** told is an import's answer: its versions are compared with the server's own. */
const told = (world: World, answer: Answer): unknown => {
  const { current_dsl_version: current, imported_dsl_version: imported, warnings: _, permission_keys: __, ...rest } = fieldsOf(answer.body);
  const { status, body } = fieldsOf(world.plain({ ...answer, body: rest }));
  return { status, body, current: current === world.dsl ? '<own>' : current, imported: imported === world.dsl ? '<own>' : imported };
};

const taken = async (world: World, yaml: string, more?: Readonly<Record<string, unknown>>): Promise<unknown> => told(world, await world.imported(yaml, more));

const plugin = (identifier: string): string =>
  `  - {current_identifier: null, type: marketplace, value: {marketplace_plugin_unique_identifier: '${identifier}'}}\n`;

const absent = plugin(`sluice/no-such-plugin:0.0.20@${'a'.repeat(64)}`);

const others =
  `  - {current_identifier: null, type: github, value: {repo: sluice/no-such-thing, version: v1.2, package: thing.difypkg, github_plugin_unique_identifier: 'sluice/no-such-thing:1.2@${'b'.repeat(64)}'}}\n` +
  `  - {current_identifier: null, type: package, value: {plugin_unique_identifier: 'sluice/no-such-package:0.3.0@${'c'.repeat(64)}'}}\n`;

const needing = (dsl: string, dependencies: string): string => file(dsl).replace('dependencies: []', `dependencies:\n${dependencies}`);

const leaked = async (world: World, id: string): Promise<unknown> => world.plain(await world.console('GET', `/apps/imports/${id}/check-dependencies`));

const nodesOf = (yaml: string, id: string): string => yaml.replace(new RegExp(`      - id: ${id}\\n[\\s\\S]*?(?=      - id: |    edges:)`), '');

const schedule = "      - {id: sched, type: custom, position: {x: 0, y: 0}, data: {type: trigger-schedule, title: Sched, mode: cron, cron_expression: '0 9 * * *', timezone: UTC}}\n";

/** graphs are files whose graph is not whole. */
const graphs: Readonly<Record<string, (yaml: string) => string>> = {
  'a start and a trigger': (yaml) => yaml.replace('    nodes:\n', `    nodes:\n${schedule}`),
  'no start': (yaml) => nodesOf(yaml, 'start'),
  'no end': (yaml) => nodesOf(yaml, 'end'),
  'no nodes': (yaml) => yaml.replace(/ {4}nodes:\n[\s\S]*? {4}edges:/, '    nodes: []\n    edges:'),
  'no graph': (yaml) => yaml.replace(/ {2}graph:\n[\s\S]*$/, ''),
  'an edge to nowhere': (yaml) => yaml.replace('target: end,', 'target: nowhere,'),
};

/** published is what becomes of a broken graph: its import, and its publication where it was taken. */
const published = async (world: World, yaml: string): Promise<unknown> => {
  const taken = fieldsOf((await world.imported(yaml)).body);
  const { status, error, app_id: id } = taken;
  if (typeof id !== 'string') return { status, error };
  return { status, error, published: (await world.console('POST', `/apps/${id}/workflows/publish`, {})).status };
};

/** imports are about bringing a DSL file in. */
export const imports: readonly Expectation[] = [
  { name: 'the DSL version', ask: (world) => Promise.resolve(world.dsl) },
  { name: 'a file of the own version', ask: (world) => taken(world, file(world.dsl)) },
  { name: 'a file with an older minor version', ask: (world) => taken(world, file('0.0.9')) },
  { name: 'the fields of an import', ask: async (world) => Object.keys(fieldsOf((await world.imported('')).body)).sort() },
  { name: 'a file without a version', ask: (world) => taken(world, file('x').replace(/^version: .*\n/, '')) },
  { name: 'a version that is a number', ask: (world) => taken(world, file('x').replace(/^version: .*\n/, 'version: 0.1\n')) },
  { name: 'a version that is none', ask: (world) => taken(world, file('x')) },
  {
    name: 'a newer file waits to be confirmed',
    ask: async (world) => {
      const pending = await world.imported(file('99.0.0'));
      const confirmed = await world.console('POST', `/apps/imports/${textAt(pending, 'id')}/confirm`);
      const id = textAt(confirmed, 'app_id');
      const again = await world.console('POST', `/apps/imports/${textAt(pending, 'id')}/confirm`);
      await world.console('DELETE', `/apps/${id}`);
      return [told(world, pending), told(world, confirmed), told(world, again)];
    },
  },
  { name: 'a newer file over an app', ask: (world) => taken(world, file('99.0.0'), { app_id: world.bare.id }) },
  {
    name: 'confirming what nobody sent',
    ask: async (world) => told(world, await world.console('POST', '/apps/imports/00000000-0000-4000-8000-000000000000/confirm')),
  },
  { name: 'no content', ask: (world) => taken(world, '') },
  { name: 'a text that is no mapping', ask: (world) => taken(world, 'hello') },
  {
    name: 'broken YAML',
    ask: async (world) => {
      const answer = await world.imported('a: [1');
      const { status, error } = fieldsOf(answer.body);
      return [answer.status, status, String(error).slice(0, 20)];
    },
  },
  { name: 'no app in the file', ask: (world) => taken(world, `version: '${world.dsl}'\nkind: app\n`) },
  { name: 'a mode that does not exist', ask: (world) => taken(world, file(world.dsl).replace('mode: workflow', 'mode: other')) },
  {
    name: 'a node type that does not exist',
    ask: async (world) => {
      const answer = await world.imported(file(world.dsl).replace('type: variable-aggregator', 'type: no-such-node'));
      return told(world, answer);
    },
  },
  {
    name: 'no workflow in the file',
    ask: (world) => taken(world, `version: '${world.dsl}'\nkind: app\napp: {name: contract none, mode: workflow}\n`),
  },
  { name: 'no mode of import', ask: async (world) => world.plain(await world.console('POST', '/apps/imports', { yaml_content: 'a' })) },
  {
    name: 'a mode of import that does not exist',
    ask: async (world) => world.plain(await world.console('POST', '/apps/imports', { mode: 'fax', yaml_content: 'a' })),
  },
  {
    name: 'over an app that does not exist',
    ask: (world) => taken(world, file(world.dsl), { app_id: '00000000-0000-4000-8000-000000000000' }),
  },
  {
    name: 'another mode over an app is taken without a word',
    ask: async (world) => {
      const made = textAt(await world.imported(file(world.dsl)), 'app_id');
      const over = told(world, await world.imported(chatflowDsl({ dsl: world.dsl, name: 'contract import', says: 'x' }), { app_id: made }));
      const app = await world.console('GET', `/apps/${made}`);
      return { over, mode: fieldsOf(app.body)['mode'] };
    },
  },
  {
    name: 'over a chat app is refused',
    ask: async (world) => {
      const created = await world.console('POST', '/apps', { name: 'contract chat', mode: 'chat', icon_type: 'emoji', icon: '🤖', icon_background: '#FFFFFF', description: '' });
      const id = textAt(created, 'id');
      const over = told(world, await world.imported(file(world.dsl), { app_id: id }));
      await world.console('DELETE', `/apps/${id}`);
      return { created: created.status, over };
    },
  },
  {
    name: 'the dependencies of an app',
    ask: async (world) => world.plain(await world.console('GET', `/apps/imports/${world.flow.id}/check-dependencies`)),
  },
  {
    name: 'plugins that nobody has installed',
    ask: async (world) => {
      const id = textAt(await world.imported(needing(world.dsl, `${absent}${others}`)), 'app_id');
      const first = await leaked(world, id);
      await world.imported(file(world.dsl), { app_id: id });
      const yaml = textAt(await world.console('GET', `/apps/${id}/export?include_secret=false`), 'data');
      return { first, after: JSON.stringify(await leaked(world, id)) === JSON.stringify(first), exported: yaml.includes('no-such-') };
    },
  },
  {
    name: 'plugins of a file that had to be confirmed',
    ask: async (world) => {
      const pending = textAt(await world.imported(needing('99.0.0', absent)), 'id');
      const id = textAt(await world.console('POST', `/apps/imports/${pending}/confirm`), 'app_id');
      const seen = await leaked(world, id);
      await world.console('DELETE', `/apps/${id}`);
      return seen;
    },
  },
  {
    name: 'the plugins of an app that does not exist',
    ask: (world) => leaked(world, '00000000-0000-4000-8000-000000000000'),
  },
  ...Object.entries(graphs).map(([name, broken]): Expectation => ({ name: `a graph with ${name}`, ask: (world) => published(world, broken(file(world.dsl))) })),
  {
    name: 'the app that an import makes',
    ask: async (world) => {
      const { name, mode, icon, icon_type: type, icon_background: background, description, enable_site: site, enable_api: api } = fieldsOf((await world.console('GET', `/apps/${world.flow.id}`)).body);
      return { name, mode, icon, type, background, description, site, api };
    },
  },
  {
    name: 'the app list',
    ask: async (world) => {
      const answer = await world.console('GET', `/apps?page=1&limit=100&name=${encodeURIComponent('contract flow')}`);
      const { data, ...page } = fieldsOf(answer.body);
      const items = [data].flat();
      return { status: answer.status, fields: Object.keys(page).sort(), found: items.some((item) => fieldsOf(item)['id'] === world.flow.id) };
    },
  },
  { name: 'a list with too many on a page', ask: async (world) => world.plain(await world.console('GET', '/apps?page=1&limit=101')) },
  {
    name: 'an app that does not exist',
    ask: async (world) => world.plain(await world.console('GET', '/apps/00000000-0000-4000-8000-000000000000')),
  },
  { name: 'an app by something that is no id', ask: async (world) => world.plain(await world.console('GET', '/apps/nothing')) },
];
