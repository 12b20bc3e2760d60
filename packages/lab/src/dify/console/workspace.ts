import { invalid, json, jsonBody, misfits, queryNumber, refuse, Refused, type Answer } from '../answer.ts';
import { text, type Fields } from '../reading.ts';
import type { Route } from '../routes.ts';
import type { Dataset, ToolProvider } from '../workspace.ts';
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

const builtin = ['audio', 'code', 'time', 'webscraper'];

const providerFields = (tool: Pick<ToolProvider, 'id' | 'name' | 'description' | 'identifier'> & { readonly type: string }, author: string): Fields => ({
  id: tool.id, author, name: tool.name, plugin_id: null, plugin_unique_identifier: '', description: inAll(tool.description), icon: {}, icon_dark: '',
  label: inAll(tool.name), type: tool.type, team_credentials: {}, is_team_authorization: tool.type !== 'mcp', allow_delete: tool.type !== 'builtin', tools: [], labels: [],
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
    ...builtin.map((name) => ({ id: name, type: 'builtin', name, description: name })),
    ...workspace.tools.values(),
  ];
  return json(all.filter((tool) => type === null || tool.type === type).map((tool) => providerFields(tool, call.account.name)));
};

const addApi = (call: Call): Answer | Refused => {
  const body = jsonBody(call.request);
  if (body instanceof Refused) return body;
  call.state.workspace.addTool({ type: 'api', name: text(body['provider']), description: '' });
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
  const data = [...call.state.workspace.models].map(([provider, names]) => ({
    tenant_id: call.state.sessions.account.workspaceId, provider, label: { zh_Hans: provider, en_US: provider }, icon_small: null, status: 'active',
    models: [...names].map((model) => ({
      model, label: { zh_Hans: model, en_US: model }, model_type: kind, features: [], fetch_from: 'predefined-model', model_properties: { mode: 'chat' },
      deprecated: false, status: 'active', load_balancing_enabled: false, has_invalid_load_balancing_configs: false,
    })),
  }));
  return json({ data });
};

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
  {
    method: 'GET',
    path: '/workspaces/current/trigger-provider/:organisation/:plugin/:provider/subscriptions/list',
    when: ({ hasTriggers }) => hasTriggers,
    handle: ({ state }) => json([...state.workspace.subscriptions].map(([id, name]) => ({ id, name }))),
  },
];
