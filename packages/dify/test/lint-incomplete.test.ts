import { describe, expect, test } from '@jest/globals';
import { chatflow, findingsOf, node } from './dsl.ts';

const model = { provider: 'p', name: 'm', mode: 'chat', completion_params: {} };
const word = [{ variable: 'word', value_selector: ['start', 'city'] }];
const condition = { id: 'c', varType: 'string', variable_selector: ['start', 'city'], comparison_operator: 'contains', value: 'x' };

/** complete is a whole node of each type, with nothing in it that Dify does without. */
const complete: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  end: { outputs: word },
  answer: { answer: 'hello' },
  llm: { prompt_template: [{ role: 'system', text: 'Be brief.' }], context: { enabled: false } },
  'knowledge-retrieval': { dataset_ids: ['one'], retrieval_mode: 'multiple' },
  code: { variables: word, code: 'def main(word):\n    return {"out": word}\n' },
  'template-transform': { variables: word, template: '{{ word }}' },
  'question-classifier': { query_variable_selector: ['sys', 'query'], classes: [{ id: '1', name: 'one' }] },
  'parameter-extractor': { query: ['sys', 'query'], reasoning_mode: 'prompt', parameters: [{ name: 'town', type: 'string', description: 'The town.', required: true }] },
  'http-request': { method: 'get', url: 'https://example.com', headers: '', params: '', authorization: { type: 'no-auth', config: null } },
  tool: { provider_id: 'p', provider_type: 'builtin', provider_name: 'p', tool_name: 't', tool_label: 'T', tool_configurations: {}, tool_parameters: {} },
  agent: { agent_strategy_provider_name: 'a/b/c', agent_strategy_name: 's', agent_strategy_label: 'S', agent_parameters: {} },
  'variable-aggregator': { output_type: 'string', variables: [['start', 'city']] },
  assigner: { assigned_variable_selector: ['conversation', 'x'], write_mode: 'append', input_variable_selector: ['start', 'city'] },
  iteration: { iterator_selector: ['sys', 'files'], output_selector: ['llm', 'text'] },
  loop: { loop_count: 3, logical_operator: 'or', break_conditions: [condition] },
  'list-operator': { filter_by: { enabled: false }, order_by: { enabled: false }, limit: { enabled: false } },
  'document-extractor': { variable_selector: ['sys', 'files'] },
  'trigger-plugin': { plugin_id: 'a/b', provider_id: 'a/b/c', event_name: 'e', subscription_id: '', plugin_unique_identifier: '' },
};

/** beside are parts of complete nodes that this rule leaves to others, and parts that may be left out. */
const beside: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  llm: { model },
  code: { code_language: 'python3', outputs: { out: { type: 'string', children: null } } },
  'question-classifier': { model },
  'parameter-extractor': { model },
};

const found = (type: string, data: Readonly<Record<string, unknown>>): readonly string[] => {
  const dsl = chatflow();
  dsl.workflow.graph?.nodes.push(node('one', type, data));
  return findingsOf(dsl).filter(({ rule }) => rule === 'dify/node-incomplete').map(({ severity, message }) => `${severity} ${message}`);
};

describe('a node that Dify cannot build', () => {
  test.each(Object.entries(complete))('%s: whole it is fine, and each of its fields is asked for', (type, data) => {
    const rest = beside[type] ?? {};
    expect(found(type, { ...data, ...rest })).toEqual([]);
    for (const key of Object.keys(data)) {
      const left = Object.fromEntries(Object.entries(data).filter(([other]) => other !== key));
      expect(found(type, { ...left, ...rest })).toEqual([`error Dify cannot build the node "Node one", so no run of the app begins: ${key} is missing.`]);
      expect(found(type, { ...data, ...rest, [key]: false })).toEqual([expect.stringMatching(new RegExp(`${key} is (?:not a|none of) `))]);
    }
  });

  test.each<[string, string, Readonly<Record<string, unknown>>, string | undefined]>([
    ['a selector within a selector', 'llm', { ...complete['llm'], model, context: { enabled: true, variable_selector: [['find', 'result']] } }, 'context.variable_selector is not a list of texts'],
    ['a context without a selector', 'llm', { ...complete['llm'], model, context: { enabled: false, variable_selector: null } }, undefined],
    ['the prompt of a completion model', 'llm', { ...complete['llm'], model: { ...model, mode: 'completion' }, prompt_template: { text: 'Be brief.' } }, undefined],
    ['a model without a mode', 'llm', { ...complete['llm'], model: { provider: 'p', name: 'm' } }, 'model.mode is missing'],
    ['a role that none has', 'llm', { ...complete['llm'], model, prompt_template: [{ role: 'human', text: 'x' }] }, 'prompt_template[0].role is none of system, user, assistant, tool'],
    ['a body that is a text', 'http-request', { ...complete['http-request'], body: '{}' }, 'body is not a mapping'],
    ['a body of a kind that none is', 'http-request', { ...complete['http-request'], body: { type: 'xml' } }, 'body.type is none of none, form-data, x-www-form-urlencoded, raw-text, json, binary'],
    ['an operator that none is', 'if-else', { cases: [{ case_id: 'a', logical_operator: 'and', conditions: [{ ...condition, comparison_operator: '==' }] }] }, 'cases[0].conditions[0].comparison_operator is none of contains, not contains, start with, end with, is, is not, empty, …'],
    ['a branch of the oldest files', 'if-else', { logical_operator: 'and', conditions: [condition] }, undefined],
    ['an output that is a word', 'code', { ...complete['code'], code_language: 'python3', outputs: { out: 'string' } }, 'outputs.out is not a mapping'],
    ['an output of a type that code does not give', 'code', { ...complete['code'], code_language: 'python3', outputs: { out: { type: 'file' } } }, 'outputs.out.type is none of string, number, boolean, object, array[string], array[number], array[boolean], …'],
    ['operations of the second assigner', 'assigner', { version: '2', items: [{ variable_selector: ['conversation', 'x'], input_type: 'constant', operation: 'set', value: 1 }] }, undefined],
    ['operations of the second assigner without its version', 'assigner', { items: [{ variable_selector: ['conversation', 'x'], input_type: 'constant', operation: 'set', value: 1 }] }, 'assigned_variable_selector is missing, write_mode is missing, input_variable_selector is missing'],
    ["an agent of Dify's own", 'agent', { agent_node_kind: 'dify_agent', agent_binding: {} }, undefined],
    ['an agent whose parameters are a list', 'agent', { ...complete['agent'], agent_parameters: [] }, 'agent_parameters is not a mapping'],
    ['a form of a person', 'human-input', { user_actions: [{ id: 'yes', title: 'Yes' }], inputs: [{ type: 'text_input', output_variable_name: 'why' }] }, undefined],
    ['an action without a title', 'human-input', { user_actions: [{ id: 'yes' }] }, 'user_actions[0].title is missing'],
    ['the body of a webhook as a mapping', 'trigger-webhook', { method: 'post', body: { payload: {} } }, 'body is not a list'],
    ['a loop counted by a text', 'loop', { ...complete['loop'], loop_count: '3' }, undefined],
    ['a type that this rule does not know', 'something-new', {}, undefined],
  ])('%s', (_name, type, data, fault) => {
    expect(found(type, data)).toEqual(fault === undefined ? [] : [`error Dify cannot build the node "Node one", so no run of the app begins: ${fault}.`]);
  });

  test('an input of a type that no form has, and of many faults the first five', () => {
    const faults = (count: number) => found('start', { variables: Array.from({ length: count }, (_, at) => ({ variable: `v${at}`, label: 'V', type: 'string' })) })[0] ?? '';
    expect(faults(1)).toMatch(/: variables\[0\]\.type is none of text-input, paragraph, select, number, checkbox, file, file-list, …\.$/);
    expect(faults(7)).toMatch(/variables\[4\]\.type is [^,]*(?:, [\w-]+)*, …, and 2 more\.$/);
  });
});
