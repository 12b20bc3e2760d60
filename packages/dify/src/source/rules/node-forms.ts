import type { GraphNode } from '../dsl.ts';
import { textOf } from '../shape.ts';

/** Form is what the value of a field has to be; a list stands for one of its texts, or for null where it is among them. */
export type Form = 'a text' | 'a list' | 'a mapping' | 'a list of texts' | 'a number' | 'a name' | 'yes or no' | 'messages' | readonly (string | null)[];

/** Forms are the forms of fields by their path in a node's `data`: `[]` is each item of a list, `{}` each value of a mapping, and what ends in `?` may be left out. */
export type Forms = Readonly<Record<string, Form>>;

const either = ['and', 'or'];
const operators = ['contains', 'not contains', 'start with', 'end with', 'is', 'is not', 'empty', 'not empty', 'in', 'not in', 'all of', '=', '≠', '>', '<', '≥', '≤', 'null', 'not null', 'exists', 'not exists'];
const outputTypes = ['string', 'number', 'boolean', 'object', 'array[string]', 'array[number]', 'array[boolean]', 'array[object]'];
const methods = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'];

const conditions = (at: string): Forms => ({ [`${at}[]`]: 'a mapping', [`${at}[].variable_selector`]: 'a list of texts', [`${at}[].comparison_operator`]: operators });
const model: Forms = { 'model.mode': ['chat', 'completion'] };
const variables: Forms = { variables: 'a list', 'variables[]': 'a mapping', 'variables[].variable': 'a text', 'variables[].value_selector': 'a list of texts' };
const aggregator: Forms = {
  output_type: 'a text',
  variables: 'a list',
  'variables[]': 'a list of texts',
  'advanced_settings.groups[].group_name': 'a text',
  'advanced_settings.groups[].variables': 'a list',
};

/**
 * forms are the fields that Dify asks of each type of node, with those that it reads where they are there
 * (Dify 1.12.1, api/core/workflow/nodes, and 1.13.3, api/dify_graph/nodes: the NodeData of each type).
 */
const forms: Readonly<Record<string, Forms>> = {
  start: {
    'variables?': 'a list',
    'variables[]': 'a mapping',
    'variables[].variable': 'a text',
    'variables[].label': 'a text',
    'variables[].type': ['text-input', 'paragraph', 'select', 'number', 'checkbox', 'file', 'file-list', 'json_object', 'external_data_tool'],
  },
  end: { outputs: 'a list', 'outputs[]': 'a mapping', 'outputs[].variable': 'a text', 'outputs[].value_selector': 'a list of texts' },
  answer: { answer: 'a text' },
  llm: {
    ...model,
    prompt_template: 'messages',
    'prompt_template[]': 'a mapping',
    'prompt_template[].role': ['system', 'user', 'assistant', 'tool'],
    context: 'a mapping',
    'context.enabled': 'yes or no',
    'context.variable_selector?': 'a list of texts',
  },
  'knowledge-retrieval': { dataset_ids: 'a list of texts', retrieval_mode: ['single', 'multiple'] },
  'if-else': {
    'cases?': 'a list',
    'cases[]': 'a mapping',
    'cases[].case_id': 'a text',
    'cases[].logical_operator': either,
    'cases[].conditions': 'a list',
    ...conditions('cases[].conditions'),
    ...conditions('conditions'),
  },
  code: { ...variables, code: 'a text', 'outputs{}': 'a mapping', 'outputs{}.type': outputTypes },
  'template-transform': { ...variables, template: 'a text' },
  'question-classifier': { ...model, query_variable_selector: 'a list of texts', classes: 'a list', 'classes[]': 'a mapping', 'classes[].id': 'a text', 'classes[].name': 'a text' },
  'parameter-extractor': {
    ...model,
    query: 'a list of texts',
    reasoning_mode: ['function_call', 'prompt', null],
    parameters: 'a list',
    'parameters[]': 'a mapping',
    'parameters[].name': 'a name',
    'parameters[].type': 'a text',
    'parameters[].description': 'a text',
    'parameters[].required': 'yes or no',
  },
  'http-request': {
    method: [...methods, ...methods.map((method) => method.toUpperCase())],
    url: 'a text',
    headers: 'a text',
    params: 'a text',
    authorization: 'a mapping',
    'authorization.type': ['no-auth', 'api-key'],
    'body?': 'a mapping',
    'body.type': ['none', 'form-data', 'x-www-form-urlencoded', 'raw-text', 'json', 'binary'],
  },
  tool: {
    provider_id: 'a text',
    provider_type: 'a text',
    provider_name: 'a text',
    tool_name: 'a text',
    tool_label: 'a text',
    tool_configurations: 'a mapping',
    tool_parameters: 'a mapping',
  },
  agent: { agent_strategy_provider_name: 'a text', agent_strategy_name: 'a text', agent_strategy_label: 'a text', agent_parameters: 'a mapping' },
  'variable-aggregator': aggregator,
  'variable-assigner': aggregator,
  'assigner 1': { assigned_variable_selector: 'a list of texts', write_mode: ['over-write', 'append', 'clear'], input_variable_selector: 'a list of texts' },
  assigner: { 'items?': 'a list', 'items[].variable_selector': 'a list of texts', 'items[].input_type': ['variable', 'constant'], 'items[].operation': 'a text' },
  iteration: { iterator_selector: 'a list of texts', output_selector: 'a list of texts' },
  loop: {
    loop_count: 'a number',
    logical_operator: either,
    break_conditions: 'a list',
    ...conditions('break_conditions'),
    'loop_variables?': 'a list',
    'loop_variables[].label': 'a text',
    'loop_variables[].var_type': 'a text',
    'loop_variables[].value_type': ['variable', 'constant'],
  },
  'list-operator': { filter_by: 'a mapping', order_by: 'a mapping', limit: 'a mapping' },
  'document-extractor': { variable_selector: 'a list of texts' },
  'human-input': { 'inputs[].output_variable_name': 'a text', 'user_actions[].id': 'a text', 'user_actions[].title': 'a text' },
  'trigger-webhook': { 'headers?': 'a list', 'headers[].name': 'a text', 'params?': 'a list', 'params[].name': 'a text', 'body?': 'a list', 'body[].name': 'a text' },
  'trigger-plugin': { plugin_id: 'a text', provider_id: 'a text', event_name: 'a text', subscription_id: 'a text', plugin_unique_identifier: 'a text' },
};

/** formsOf are the forms of a node's fields. An assigner without a version is of the first; an agent of Dify's own has none of a strategy. */
export const formsOf = ({ type, data }: GraphNode): Forms => {
  if (type === 'agent' && data['agent_node_kind'] !== undefined) return {};
  const first = type === 'assigner' && (textOf(data['version']) || '1') === '1';
  return forms[first ? 'assigner 1' : type] ?? {};
};
