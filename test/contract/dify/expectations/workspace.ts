import { workflowDsl } from '../apps.ts';
import { fieldsOf, textAt, type Answer } from '../caller.ts';
import type { Expectation } from '../expectation.ts';
import { masked } from '../masking.ts';
import type { World } from '../world.ts';

const rowsOf = (value: unknown): readonly Readonly<Record<string, unknown>>[] => (Array.isArray(value) ? value.map(fieldsOf) : []);

const picked = (value: Readonly<Record<string, unknown>>, names: readonly string[]): unknown => Object.fromEntries(names.map((name) => [name, value[name]]));

/** done is an answer's status, with its body where it is a refusal. */
const done = (world: World, answer: Answer): unknown => (answer.status < 300 ? answer.status : world.plain(answer));

const unknown = '00000000-0000-4000-8000-000000000000';

const dataset = { name: 'contract dataset 知识', indexing_technique: 'economy', permission: 'only_me', provider: 'vendor', description: 'made by a contract test' };

const found = async (world: World, query: string): Promise<unknown> => {
  const answer = await world.console('GET', `/datasets?page=1&limit=100&${query}`);
  const { data, total: _, ...page } = fieldsOf(answer.body);
  return { status: answer.status, page, names: rowsOf(data).map((row) => row['name']) };
};

const tool = '/workspaces/current/tool-provider';

const providers = async (world: World, type: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  rowsOf((await world.console('GET', `${tool}s?type=${type}`)).body);

const schema = JSON.stringify({
  openapi: '3.1.0', info: { title: 't', description: 'd', version: '1' }, servers: [{ url: 'http://127.0.0.1:9/' }],
  paths: { '/x': { get: { operationId: 'x', description: 'd', parameters: [] } } },
});

const icon = { content: '🤖', background: '#FFFFFF' };

/** published makes a workflow app with one version. */
const published = async (world: World): Promise<{ readonly id: string; readonly version: string }> => {
  const id = textAt(await world.imported(workflowDsl({ dsl: world.dsl, name: 'contract tool', says: 'x' })), 'app_id');
  await world.console('POST', `/apps/${id}/workflows/publish`, {});
  return { id, version: textAt(await world.console('GET', `/apps/${id}/workflows/publish`), 'id') };
};

const asTool = (world: World, id: string): Promise<Answer> =>
  world.console('POST', `${tool}/workflow/create`, {
    workflow_app_id: id, name: 'contract_tool', label: 'contract tool', description: 'made by a contract test', icon,
    parameters: [{ name: 'word', description: 'a word', form: 'llm' }], privacy_policy: '', labels: [],
  });

const ours = async (world: World, type: string, name: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  (await providers(world, type)).filter((row) => row['name'] === name);

/** workspace is about the lists in which a release looks up names: datasets, tools, models, subscriptions, members. */
export const workspace: readonly Expectation[] = [
  {
    name: 'a dataset',
    ask: async (world) => {
      const made = await world.console('POST', '/datasets', dataset);
      const id = textAt(made, 'id');
      const again = world.plain(await world.console('POST', '/datasets', dataset));
      const seen = [
        await found(world, `keyword=${encodeURIComponent(dataset.name)}`),
        await found(world, `keyword=${encodeURIComponent('Contract DATASET')}`),
        await found(world, `keyword=${encodeURIComponent('contract nothing')}`),
        await found(world, `ids=${id}&ids=${unknown}`),
        await found(world, `ids=${unknown}`),
      ];
      const gone = (await world.console('DELETE', `/datasets/${id}`)).status;
      const fields = masked(picked(fieldsOf(made.body), ['id', 'name', 'description', 'provider', 'permission', 'indexing_technique', 'document_count']), world.names);
      return { made: made.status, fields, again, seen, gone, after: await found(world, `ids=${id}`) };
    },
  },
  {
    name: 'deleting a dataset that does not exist',
    ask: async (world) => world.plain(await world.console('DELETE', `/datasets/${unknown}`)),
  },
  {
    name: 'the built-in tools',
    ask: async (world) => (await providers(world, 'builtin')).filter(({ name }) => name === 'time' || name === 'code').map((row) => picked(row, ['name', 'type', 'allow_delete'])),
  },
  { name: 'a type of tools that does not exist', ask: async (world) => world.plain(await world.console('GET', `${tool}s?type=x`)) },
  {
    name: 'an API as a tool',
    ask: async (world) => {
      const added = await world.console('POST', `${tool}/api/add`, {
        provider: 'contract_api', icon, credentials: { auth_type: 'none' }, schema_type: 'openapi', schema, privacy_policy: '', custom_disclaimer: '', labels: [],
      });
      const listed = (await ours(world, 'api', 'contract_api')).map((row) => picked(row, ['id', 'name', 'type']));
      const gone = await world.console('POST', `${tool}/api/delete`, { provider: 'contract_api' });
      return { added: done(world, added), listed: masked(listed, world.names), gone: done(world, gone), after: await ours(world, 'api', 'contract_api') };
    },
  },
  {
    name: 'a workflow as a tool',
    ask: async (world) => {
      const { id, version } = await published(world);
      const path = `/apps/${id}/workflows`;
      const added = await asTool(world, id);
      const listed = (await ours(world, 'workflow', 'contract tool')).map((row) => picked(row, ['id', 'name', 'type']));
      const isTool = fieldsOf((await world.console('GET', `${path}/publish`)).body)['tool_published'];
      await world.console('POST', `${path}/publish`, {});
      const stillTool = fieldsOf((await world.console('GET', `${path}/publish`)).body)['tool_published'];
      const refused = await world.console('DELETE', `${path}/${version}`);
      const toolId = fieldsOf((await world.console('GET', `${tool}/workflow/get?workflow_app_id=${id}`)).body)['workflow_tool_id'];
      const gone = await world.console('POST', `${tool}/workflow/delete`, { workflow_tool_id: toolId });
      const deleted = await world.console('DELETE', `${path}/${version}`);
      const refusal = refused.status === 404 ? 404 : world.plain(refused);
      return { added: done(world, added), listed: masked(listed, world.names), isTool, stillTool, refusal, gone: done(world, gone), deleted: deleted.status };
    },
  },
  {
    name: 'an app that is a tool is deleted all the same',
    ask: async (world) => {
      const { id } = await published(world);
      await asTool(world, id);
      const toolId = fieldsOf((await world.console('GET', `${tool}/workflow/get?workflow_app_id=${id}`)).body)['workflow_tool_id'];
      const gone = await world.console('DELETE', `/apps/${id}`);
      await world.console('POST', `${tool}/workflow/delete`, { workflow_tool_id: toolId });
      return gone.status;
    },
  },
  {
    name: 'an MCP server as a tool',
    ask: async (world) => {
      const added = await world.console('POST', `${tool}/mcp`, {
        server_url: 'http://127.0.0.1:9/mcp', name: 'contract mcp', icon: '🤖', icon_type: 'emoji', icon_background: '#FFFFFF', server_identifier: 'contract-mcp',
      });
      if (added.status >= 300) return world.plain(added);
      const listed = (await ours(world, 'mcp', 'contract mcp')).map((row) => picked(row, ['id', 'name', 'type', 'server_identifier']));
      const gone = await world.console('DELETE', `${tool}/mcp`, { provider_id: fieldsOf(added.body)['id'] });
      return { added: added.status, listed: masked(listed, world.names), gone: done(world, gone) };
    },
  },
  {
    name: 'the models of a type',
    ask: async (world) => {
      const answer = await world.console('GET', '/workspaces/current/models/model-types/llm');
      const rows = rowsOf(fieldsOf(answer.body)['data']);
      const whole = rows.every((row) => typeof row['provider'] === 'string' && rowsOf(row['models']).every((one) => typeof one['model'] === 'string' && one['model_type'] === 'llm'));
      return { status: answer.status, whole };
    },
  },
  {
    name: 'the model among them',
    needs: 'model',
    ask: async (world) => {
      const answer = await world.console('GET', '/workspaces/current/models/model-types/llm');
      const { provider, name } = world.model;
      return rowsOf(fieldsOf(answer.body)['data'])
        .filter((row) => row['provider'] === provider)
        .flatMap((row) => rowsOf(row['models']))
        .filter((one) => one['model'] === name)
        .map((one) => picked(one, ['status', 'deprecated', 'fetch_from']));
    },
  },
  { name: 'a type of models that does not exist', ask: async (world) => world.plain(await world.console('GET', '/workspaces/current/models/model-types/x')) },
  {
    name: 'the members',
    ask: async (world) => {
      const answer = await world.console('GET', '/workspaces/current/members');
      const own = rowsOf(fieldsOf(answer.body)['accounts']).filter((one) => one['email'] === world.server.email);
      return { status: answer.status, own: own.map((one) => picked(one, ['role', 'status'])) };
    },
  },
  {
    name: 'the subscriptions of a trigger that nobody has',
    ask: async (world) => world.plain(await world.console('GET', '/workspaces/current/trigger-provider/nobody/nothing/nothing/subscriptions/list')),
  },
  {
    name: 'apps by a part of their name',
    ask: async (world) => {
      const named = async (name: string): Promise<boolean> =>
        rowsOf(fieldsOf((await world.console('GET', `/apps?page=1&limit=100&name=${encodeURIComponent(name)}`)).body)['data']).some((row) => row['id'] === world.flow.id);
      return [await named('CONTRACT FL'), await named('ontract'), await named('contract flowing')];
    },
  },
];
