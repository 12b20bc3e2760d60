import { invalid, json, misfits, refuse, Refused, Unfit, type Answer, type Misfit } from '../answer.ts';
import { versionOf } from '../console/versions.ts';
import { openConversation } from '../conversations.ts';
import { configForm, formOf, takeFiles, takeInputs } from '../inputs.ts';
import { fields, isFields, isUuid, text, type Fields } from '../reading.ts';
import type { Route } from '../routes.ts';
import { refusedRun, runWorkflow } from '../running.ts';
import type { App, Workflow } from '../store.ts';
import { talk } from '../talking.ts';
import { liveOf } from './about.ts';
import { askedBy, type Call } from './call.ts';

const wrongMode = (code: 'not_workflow_app' | 'not_chat_app'): Refused =>
  refuse(400, code, 'Please check if your app mode matches the right API route.');

const notCompletion = (): Refused => refuse(400, 'app_unavailable', 'App unavailable, please check your app configurations.');

/** misfit checks the fields that all runs have. */
const misfit = (body: Fields, model: string, needsQuery: boolean): Refused | undefined => {
  const wrong: Misfit[] = [];
  if (!('inputs' in body)) wrong.push({ field: 'inputs', message: 'Field required', type: 'missing', input: body });
  else if (!isFields(body['inputs'])) wrong.push({ field: 'inputs', message: 'Input should be a valid dictionary', type: 'dict_type', input: body['inputs'] });
  if (needsQuery && !('query' in body)) wrong.push({ field: 'query', message: 'Field required', type: 'missing', input: body, help: 'The chat query' });
  else if (needsQuery && typeof body['query'] !== 'string') wrong.push({ field: 'query', message: 'Input should be a valid string', type: 'string_type', input: body['query'] });
  const mode = body['response_mode'];
  if (mode !== undefined && mode !== null && mode !== 'blocking' && mode !== 'streaming') {
    wrong.push({ field: 'response_mode', message: "Input should be 'blocking' or 'streaming'", type: 'literal_error', input: mode });
  }
  return wrong.length > 0 ? misfits(model, wrong) : undefined;
};

/** workflowOf picks the version that a request names, or the live one. */
const workflowOf = (app: App, named: unknown): Workflow | Refused => {
  const id = text(named);
  if (id === '') return liveOf(app) ?? invalid('Workflow not published');
  if (!isUuid(id)) return refuse(400, 'bad_request', `Invalid workflow_id format: '${id}'. `);
  return versionOf(app, id.toLowerCase()) ?? refuse(404, 'not_found', `Workflow not found with id: ${id}`);
};

const runFlow = async (call: Call, named: string): Promise<Answer | Refused> => {
  const { app, state } = call;
  const read = askedBy(call.request);
  if (read instanceof Refused) return read;
  if (app.mode !== 'workflow') return wrongMode('not_workflow_app');
  const wrong = misfit(read.body, 'WorkflowRunPayload', false);
  if (wrong !== undefined) return wrong;
  const workflow = workflowOf(app, named);
  if (workflow instanceof Refused) return workflow;
  const streaming = read.body['response_mode'] === 'streaming';
  const files = takeFiles(read.body['files']);
  if (files instanceof Refused) return refusedRun(state, files, streaming);
  const inputs = takeInputs(formOf(workflow.graph), fields(read.body['inputs']));
  if (inputs instanceof Refused) return refusedRun(state, inputs, streaming);
  return runWorkflow(state, { app, workflow, inputs, files, user: read.user, streaming });
};

const chatFlow = async (call: Call, body: Fields, user: string): Promise<Answer | Refused> => {
  const { app, state } = call;
  // A release that cannot run a chosen version does not look at the field: the live version answers.
  const workflow = workflowOf(app, state.dialect.runsVersions ? body['workflow_id'] : '');
  if (workflow instanceof Refused) return workflow;
  const query = text(body['query']).replaceAll('\0', '');
  const streaming = body['response_mode'] === 'streaming';
  if (query === '') return refusedRun(state, invalid('query is required'), streaming);
  const inputs = takeInputs(formOf(workflow.graph), fields(body['inputs']));
  if (inputs instanceof Refused) return refusedRun(state, inputs, streaming);
  const files = takeFiles(body['files']);
  if (files instanceof Refused) return refusedRun(state, files, streaming);
  const conversation = openConversation(app, body['conversation_id'], user, 'ChatRequestPayload');
  // The form of the id is checked with the request, its existence with the run.
  if (conversation instanceof Refused) return conversation instanceof Unfit ? conversation : refusedRun(state, conversation, streaming);
  return runWorkflow(state, { app, workflow, inputs, files, user, streaming, chat: { query, conversation } });
};

const chat = async (call: Call): Promise<Answer | Refused> => {
  const { app, state } = call;
  const read = askedBy(call.request);
  if (read instanceof Refused) return read;
  const { body, user } = read;
  if (!['chat', 'agent-chat', 'advanced-chat'].includes(app.mode)) return wrongMode('not_chat_app');
  const wrong = misfit(body, 'ChatRequestPayload', true);
  if (wrong !== undefined) return wrong;
  if (app.mode === 'advanced-chat') return chatFlow(call, body, user);
  const streaming = body['response_mode'] === 'streaming';
  if (app.mode === 'agent-chat' && !streaming) return invalid('Agent Chat App does not support blocking mode');
  if (text(body['query']) === '') return invalid('query is required');
  if (app.modelConfig === undefined) return notCompletion();
  const inputs = takeInputs(configForm(app.modelConfig.config), fields(body['inputs']));
  if (inputs instanceof Refused) return inputs;
  const conversation = openConversation(app, body['conversation_id'], user, 'ChatRequestPayload');
  if (conversation instanceof Refused) return conversation;
  return talk(state, { app, configId: app.modelConfig.id, query: text(body['query']), inputs, streaming, conversation });
};

const complete = async (call: Call): Promise<Answer | Refused> => {
  const { app, state } = call;
  const read = askedBy(call.request);
  if (read instanceof Refused) return read;
  if (app.mode !== 'completion' || app.modelConfig === undefined) return notCompletion();
  const wrong = misfit(read.body, 'CompletionRequestPayload', false);
  if (wrong !== undefined) return wrong;
  const inputs = takeInputs(configForm(app.modelConfig.config), fields(read.body['inputs']));
  if (inputs instanceof Refused) return inputs;
  return talk(state, { app, configId: app.modelConfig.id, query: text(read.body['query']), inputs, streaming: read.body['response_mode'] === 'streaming' });
};

const stop =
  (wanted: readonly string[], refused: () => Refused): Route<Call>['handle'] =>
  (call, parameters) => {
    const read = askedBy(call.request);
    if (read instanceof Refused) return read;
    if (!wanted.includes(call.app.mode)) return refused();
    call.state.tasks.get(parameters['task'] ?? '')?.abort();
    return json({ result: 'success' });
  };

/** serviceRunRoutes run apps (Dify 1.12.1, controllers/service_api/app/workflow.py and completion.py). */
export const serviceRunRoutes: readonly Route<Call>[] = [
  { method: 'POST', path: '/workflows/run', handle: (call) => runFlow(call, '') },
  { method: 'POST', path: '/workflows/:id/run', when: ({ runsVersions }) => runsVersions, handle: (call, parameters) => runFlow(call, parameters['id'] ?? '') },
  { method: 'POST', path: '/workflows/tasks/:task/stop', handle: stop(['workflow'], () => wrongMode('not_workflow_app')) },
  { method: 'POST', path: '/chat-messages', handle: chat },
  { method: 'POST', path: '/chat-messages/:task/stop', handle: stop(['chat', 'agent-chat', 'advanced-chat'], () => wrongMode('not_chat_app')) },
  { method: 'POST', path: '/completion-messages', handle: complete },
  { method: 'POST', path: '/completion-messages/:task/stop', handle: stop(['completion'], notCompletion) },
];
