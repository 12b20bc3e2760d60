import { invalid, json, jsonBody, misfits, queryNumber, refuse, Refused, type Answer } from '../answer.ts';
import { readDsl } from '../dsl.ts';
import { fields, text, type Fields } from '../reading.ts';
import type { Route } from '../routes.ts';
import type { Dataset, ModelState, ToolProvider } from '../workspace.ts';
import { secondsOf, type Call } from './call.ts';

const success = json({ result: 'success' });

const datasetFields = (dataset: Dataset, { account }: Call): Fields => ({
  id: dataset.id, name: dataset.name, description: dataset.description, provider: 'vendor', permission: dataset.permission,
  data_source_type: null, indexing_technique: dataset.indexing, app_count: 0, document_count: 0, word_count: 0,
  created_by: account.id, created_at: secondsOf(dataset.createdAt), updated_by: account.id, updated_at: secondsOf(dataset.createdAt),
  embedding_model: null, embedding_model_provider: null, embedding_available: true, tags: [],
});

/** datasets pages through knowledge bases: those of the given ids, or those whose name has the keyword in it. */
const datasets = (call: Call): Answer | Refused => {
  const { query } = call.request;
  const page = queryNumber(query, 'ConsoleDatasetListQuery', 'page', 1, 99_999);
  if (page instanceof Refused) return page;
  const limit = queryNumber(query, 'ConsoleDatasetListQuery', 'limit', 20, 99_999);
  if (limit instanceof Refused) return limit;
  const ids = query.getAll('ids');
  const keyword = (query.get('keyword') ?? '').toLowerCase();
  const all = [...call.state.workspace.datasets.values()].reverse();
  const found = all.filter((one) => (ids.length > 0 ? ids.includes(one.id) : one.name.toLowerCase().includes(keyword)));
  const shown = found.slice((page - 1) * limit, page * limit);
  return json({ data: shown.map((one) => datasetFields(one, call)), has_more: page * limit < found.length, limit, total: found.length, page });
};

const createDataset = (call: Call): Answer | Refused => {
  const body = jsonBody(call.request);
  if (body instanceof Refused) return body;
  const name = text(body['name']);
  if (name === '') return misfits('DatasetCreatePayload', [{ field: 'name', message: 'Field required', type: 'missing', input: body }]);
  const { workspace } = call.state;
  if ([...workspace.datasets.values()].some((one) => one.name === name)) {
    return refuse(409, 'dataset_name_duplicate', 'The dataset name already exists. Please modify your dataset name.');
  }
  const indexing = text(body['indexing_technique']);
  return json(datasetFields(workspace.addDataset(name, { description: text(body['description']), indexing: indexing === '' ? null : indexing }), call), 201);
};

const inAll = (value: string): Fields => ({ zh_Hans: value, en_US: value, pt_BR: value, ja_JP: value });

/** builtin are the server's own tools by their providers. */
const builtin: Readonly<Record<string, readonly string[]>> = {
  audio: ['tts', 'asr'],
  code: ['simple_code'],
  time: ['timezone_conversion', 'timestamp_to_localtime', 'weekday', 'current_time', 'localtime_to_timestamp'],
  webscraper: ['webscraper'],
};

interface Listed extends Pick<ToolProvider, 'id' | 'name' | 'description' | 'identifier' | 'tools'> {
  readonly type: string;
  readonly plugin?: string;
  readonly authorized?: boolean;
}

const pluginOf = (provider: string): string => provider.split('/').slice(0, 2).join('/');

/** builtinTools are the server's own tools, and those that plugins bring. */
const builtinTools = ({ state: { workspace } }: Call): readonly Listed[] => [
  ...Object.entries(builtin).map(([name, tools]) => ({ id: name, type: 'builtin', name, description: name, tools })),
  ...[...workspace.provided].flatMap(([id, { tools, authorized = true }]) => (tools === undefined ? [] : [{ id, type: 'builtin', name: id, description: id, tools, plugin: pluginOf(id), authorized }])),
];

const providerFields = (tool: Listed, author: string): Fields => ({
  id: tool.id, author, name: tool.name, plugin_id: tool.plugin ?? null, plugin_unique_identifier: '', description: inAll(tool.description), icon: {}, icon_dark: '',
  label: inAll(tool.name), type: tool.type, team_credentials: {}, is_team_authorization: tool.authorized ?? tool.type !== 'mcp', allow_delete: tool.type !== 'builtin', tools: [], labels: [],
  ...(tool.identifier === undefined ? {} : { server_url: 'http://127.0.0.1/******', server_identifier: tool.identifier }),
});

const toolTypes = ['builtin', 'model', 'api', 'workflow'];

const toolProviders = (call: Call): Answer | Refused => {
  const { dialect, workspace } = call.state;
  const type = call.request.query.get('type');
  const allowed = dialect.hasMcpTools ? [...toolTypes, 'mcp'] : toolTypes;
  if (type !== null && !allowed.includes(type)) {
    const listed = `${allowed.slice(0, -1).map((one) => `'${one}'`).join(', ')} or '${allowed.at(-1) ?? ''}'`;
    if (dialect.toolTypesAreFlask) {
      return new Refused(json({ errors: { type: `The value '${type}' is not a valid choice for 'type'.` }, message: 'Input payload validation failed' }, 400));
    }
    return misfits('ToolProviderListQuery', [{ field: 'type', message: `Input should be ${listed}`, type: 'literal_error', input: type, before: `${type} is not a valid choice` }]);
  }
  const all = [
    ...builtinTools(call),
    ...workspace.tools.values(),
  ];
  return json(all.filter((tool) => type === null || tool.type === type).map((tool) => providerFields(tool, call.account.name)));
};

/** toolsOf lists the providers of one type with their tools. */
const toolsOf = (call: Call, type: string): Answer => {
  const all: readonly Listed[] = type === 'builtin' ? builtinTools(call) : [...call.state.workspace.tools.values()].filter((tool) => tool.type === type);
  const named = (name: string): Fields => ({ author: call.account.name, name, label: inAll(name), description: inAll(name), parameters: [], labels: [], output_schema: {} });
  // A workflow is its own only tool.
  return json(all.map((tool) => ({ ...providerFields(tool, call.account.name), tools: (tool.tools ?? (type === 'workflow' ? [tool.name] : [])).map(named) })));
};

/** operationsIn are the names of an OpenAPI document's operations, each of which is a tool. */
const operationsIn = (schema: string): readonly string[] => {
  const document = readDsl(schema);
  const paths = typeof document === 'string' ? {} : fields(document['paths']);
  return Object.values(paths).flatMap((path) => Object.values(fields(path)).map((operation) => text(fields(operation)['operationId']))).filter((name) => name !== '');
};

const addApi = (call: Call): Answer | Refused => {
  const body = jsonBody(call.request);
  if (body instanceof Refused) return body;
  call.state.workspace.addTool({ type: 'api', name: text(body['provider']), description: '', tools: operationsIn(text(body['schema'])) });
  return success;
};

const addWorkflow = (call: Call): Answer | Refused => {
  const body = jsonBody(call.request);
  if (body instanceof Refused) return body;
  const { store, workspace } = call.state;
  const app = store.get(text(body['workflow_app_id']));
  if (app?.liveId === undefined) return invalid(`Workflow not found for app ${text(body['workflow_app_id'])}`);
  // The console shows a workflow tool by its label.
  workspace.addTool({ type: 'workflow', name: text(body['label']), description: text(body['description']), app: app.id, version: app.liveId });
  return success;
};

const addMcp = (call: Call): Answer | Refused => {
  const body = jsonBody(call.request);
  if (body instanceof Refused) return body;
  const tool = call.state.workspace.addTool({ type: 'mcp', name: text(body['name']), description: '', identifier: text(body['server_identifier']) });
  return json(providerFields(tool, call.account.name));
};

/** removeTool deletes the tools of a type that the field names. */
const removeTool =
  (type: ToolProvider['type'], field: string, key: 'id' | 'name'): Route<Call>['handle'] =>
  (call) => {
    const body = jsonBody(call.request);
    if (body instanceof Refused) return body;
    for (const tool of [...call.state.workspace.tools.values()]) {
      if (tool.type === type && tool[key] === body[field]) call.state.workspace.tools.delete(tool.id);
    }
    return success;
  };

const workflowTool = (call: Call): Answer | Refused => {
  const id = call.request.query.get('workflow_app_id');
  const tool = [...call.state.workspace.tools.values()].find((one) => one.app === id);
  return tool === undefined ? invalid('Tool not found') : json({ workflow_tool_id: tool.id, workflow_app_id: tool.app, label: tool.name });
};

const kinds = new Set(['llm', 'text-embedding', 'rerank', 'speech2text', 'moderation', 'tts']);

const models = (call: Call, kind: string): Answer | Refused => {
  if (!kinds.has(kind)) return invalid(`invalid origin model type ${kind}`);
  const { states } = call.state.workspace;
  const data = [...call.state.workspace.models].map(([provider, names]) => ({
    tenant_id: call.state.sessions.account.workspaceId, provider, label: { zh_Hans: provider, en_US: provider }, icon_small: null, status: 'active',
    models: [...names].filter((model) => !states.has(`${provider}/${model}`)).map((model) => modelFields(model, kind, 'active')),
  }));
  return json({ data: data.filter((one) => one.models.length > 0) });
};

const modelFields = (model: string, kind: string, state: ModelState): Fields => ({
  model, label: { zh_Hans: model, en_US: model }, model_type: kind, features: [], fetch_from: 'predefined-model', model_properties: { mode: 'chat' },
  deprecated: state === 'deprecated', status: state === 'deprecated' ? 'active' : state, load_balancing_enabled: false, has_invalid_load_balancing_configs: false,
});

/** providersModels are all models of a provider, usable or not; each is of every kind, and shown as one. */
const providersModels = (call: Call, provider: string): Answer => {
  const { models: known, states } = call.state.workspace;
  const names = [...(known.get(provider) ?? [])];
  const shown = names.flatMap((name) => [...kinds].map((kind) => modelFields(name, kind, states.get(`${provider}/${name}`) ?? 'active')));
  return json({ data: shown.map((one) => ({ ...one, provider: { provider, label: inAll(provider), supported_model_types: [...kinds], models: [], tenant_id: call.state.sessions.account.workspaceId } })) });
};

const defaultModel = (call: Call): Answer | Refused => {
  const kind = call.request.query.get('model_type');
  if (kind === null || !kinds.has(kind)) return invalid(`invalid origin model type ${kind ?? ''}`);
  const model = call.state.workspace.chosen.get(kind);
  return json({ data: model === undefined ? null : { model, model_type: kind, provider: { provider: '', label: inAll(''), supported_model_types: [kind], models: [], tenant_id: call.state.sessions.account.workspaceId } } });
};

/** plugins pages through what is installed; older releases give all at once. */
const plugins = (call: Call): Answer | Refused => {
  const { dialect, workspace } = call.state;
  const all = workspace.installed.map((identifier) => {
    const [, plugin = '', version = ''] = /^([^:@]+):?([^@]*)/.exec(identifier) ?? [];
    return { id: identifier, plugin_id: plugin, plugin_unique_identifier: identifier, version, name: plugin, runtime_type: 'local', source: 'marketplace', meta: {} };
  });
  if (!dialect.pagesPlugins) return json({ plugins: all });
  const page = queryNumber(call.request.query, 'ParserList', 'page', 1, 99_999);
  if (page instanceof Refused) return page;
  const size = queryNumber(call.request.query, 'ParserList', 'page_size', 256, 256);
  if (size instanceof Refused) return size;
  return json({ plugins: all.slice((page - 1) * size, page * size), total: all.length });
};

/** strategies are the providers of agent strategies with what each brings. */
const strategies = ({ state }: Call): Answer =>
  json([...state.workspace.provided].flatMap(([id, { strategies: names }]) => (names === undefined ? [] : [{
    provider: id.split('/').at(-1) ?? '', plugin_id: pluginOf(id), plugin_unique_identifier: `${pluginOf(id)}:0.0.1`,
    declaration: { identity: { name: id }, strategies: names.map((name) => ({ identity: { name, provider: id } })) },
  }])));

const triggers = ({ state }: Call): Answer =>
  json([...state.workspace.provided].flatMap(([id, { events }]) => (events === undefined ? [] : [{ author: '', name: id, label: inAll(id), plugin_id: pluginOf(id), events: events.map((name) => ({ name })) }])));

const tool = '/workspaces/current/tool-provider';

/** workspaceRoutes are the lists of a workspace that a release reads, and as much of what fills them as a test needs. */
export const workspaceRoutes: readonly Route<Call>[] = [
  { method: 'GET', path: '/datasets', role: 'everyone', handle: datasets },
  { method: 'POST', path: '/datasets', handle: createDataset },
  {
    method: 'DELETE',
    path: '/datasets/:dataset',
    handle: ({ state }, parameters) =>
      state.workspace.datasets.delete((parameters['dataset'] ?? '').toLowerCase()) ? json(null, 204) : refuse(404, 'not_found', 'Dataset not found.'),
  },
  { method: 'GET', path: '/workspaces/current/tool-providers', role: 'everyone', handle: toolProviders },
  { method: 'POST', path: `${tool}/api/add`, role: 'admin', handle: addApi },
  { method: 'POST', path: `${tool}/api/delete`, role: 'admin', handle: removeTool('api', 'provider', 'name') },
  { method: 'POST', path: `${tool}/workflow/create`, role: 'admin', handle: addWorkflow },
  { method: 'GET', path: `${tool}/workflow/get`, role: 'everyone', handle: workflowTool },
  { method: 'POST', path: `${tool}/workflow/delete`, role: 'admin', handle: removeTool('workflow', 'workflow_tool_id', 'id') },
  { method: 'POST', path: `${tool}/mcp`, when: ({ hasMcpTools }) => hasMcpTools, role: 'admin', handle: addMcp },
  { method: 'DELETE', path: `${tool}/mcp`, when: ({ hasMcpTools }) => hasMcpTools, role: 'admin', handle: removeTool('mcp', 'provider_id', 'id') },
  { method: 'GET', path: '/workspaces/current/models/model-types/:kind', role: 'everyone', handle: (call, parameters) => models(call, parameters['kind'] ?? '') },
  // Dify takes any path for a provider; plugins have three parts, older releases one.
  { method: 'GET', path: '/workspaces/current/model-providers/:organisation/:plugin/:provider/models', role: 'everyone', handle: (call, { organisation = '', plugin = '', provider = '' }) => providersModels(call, `${organisation}/${plugin}/${provider}`) },
  { method: 'GET', path: '/workspaces/current/model-providers/:provider/models', role: 'everyone', handle: (call, { provider = '' }) => providersModels(call, provider) },
  { method: 'GET', path: '/workspaces/current/default-model', role: 'everyone', handle: defaultModel },
  { method: 'GET', path: '/workspaces/current/tools/builtin', role: 'everyone', handle: (call) => toolsOf(call, 'builtin') },
  { method: 'GET', path: '/workspaces/current/tools/api', role: 'everyone', handle: (call) => toolsOf(call, 'api') },
  { method: 'GET', path: '/workspaces/current/tools/workflow', role: 'everyone', handle: (call) => toolsOf(call, 'workflow') },
  { method: 'GET', path: '/workspaces/current/tools/mcp', when: ({ hasMcpTools }) => hasMcpTools, role: 'everyone', handle: (call) => toolsOf(call, 'mcp') },
  { method: 'GET', path: '/workspaces/current/plugin/list', when: ({ checksDependencies }) => checksDependencies, role: 'everyone', handle: plugins },
  { method: 'GET', path: '/workspaces/current/agent-providers', when: ({ checksDependencies }) => checksDependencies, role: 'everyone', handle: strategies },
  { method: 'GET', path: '/workspaces/current/triggers', when: ({ hasTriggers }) => hasTriggers, role: 'everyone', handle: triggers },
  {
    method: 'GET',
    path: '/workspaces/current/trigger-provider/:organisation/:plugin/:provider/subscriptions/list',
    when: ({ hasTriggers }) => hasTriggers,
    handle: ({ state }) => json([...state.workspace.subscriptions].map(([id, name]) => ({ id, name }))),
  },
];
