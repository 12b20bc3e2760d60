import { describe, expect, test } from '@jest/globals';
import { parse } from '../src/source/parse.ts';
import { chatflow, edge, findingsOf, node, textOf, workflowApp, type Dsl } from './dsl.ts';

type Whole = ReturnType<typeof chatflow>;

const nodes = (dsl: Dsl): Record<string, unknown>[] => dsl.workflow?.graph?.nodes ?? [];
const edges = (dsl: Dsl): Record<string, unknown>[] => dsl.workflow?.graph?.edges ?? [];
const found = (change: (dsl: Whole) => void): readonly string[] => {
  const dsl = chatflow();
  change(dsl);
  return findingsOf(dsl).map(({ rule, severity }) => `${rule} ${severity}`);
};

const answer = (text: string) => node('answer', 'answer', { answer: text });
const code = (data: Record<string, unknown> = {}) => node('code', 'code', { code_language: 'python3', code: 'def main():\n    return {"out": 1}\n', variables: [], outputs: { out: { type: 'number', children: null } }, ...data });

/** between puts nodes between the LLM and the answer, one behind the other. */
const between = (dsl: Whole, ...added: ReturnType<typeof node>[]): void => {
  nodes(dsl).push(...added);
  const way = ['llm', ...added.filter((one) => !('parentId' in one)).map(({ id }) => id), 'answer'];
  edges(dsl).splice(1, 1, ...way.slice(1).map((target, index) => edge(way[index] ?? '', target)));
  if (added.some(({ id }) => id === 'loopstart')) edges(dsl).push(edge('loopstart', 'inner'));
};

const iteration = (inner: Record<string, unknown> = {}) => [
  node('loop', 'iteration', { start_node_id: 'loopstart', iterator_selector: ['sys', 'files'], output_selector: ['inner', 'output'], output_type: 'array[string]' }),
  node('loopstart', 'iteration-start', {}, { parentId: 'loop' }),
  node('inner', 'template-transform', { template: '{{ x }}', variables: [{ variable: 'x', value_selector: ['loop', 'item'] }], ...inner }, { parentId: 'loop' }),
];

const reached = (dsl: Whole, selector: readonly string[]): void => {
  nodes(dsl)[2] = answer(`{{#${selector.join('.')}#}}`);
};

describe('references', () => {
  test.each<[string, (dsl: Whole) => void, readonly string[]]>([
    ['an output that the node has', (dsl) => reached(dsl, ['llm', 'text']), []],
    ['part of an output', (dsl) => reached(dsl, ['start', 'city', 'name']), []],
    ['an output that the node has not', (dsl) => reached(dsl, ['llm', 'txt']), ['dify/reference-output error']],
    ['an input that the start has not', (dsl) => reached(dsl, ['start', 'town']), ['dify/reference-output error']],
    ['a system variable of the start', (dsl) => (nodes(dsl)[1] = { ...node('llm', 'code'), ...code({ variables: [] }), id: 'llm' }), ['dify/reference-output error']],
    ['a tool, whose outputs nobody knows', (dsl) => { between(dsl, node('tool', 'tool', { provider_id: 'x', tool_name: 'y' })); reached(dsl, ['tool', 'anything']); }, []],
    ['declared outputs of code', (dsl) => { between(dsl, code()); reached(dsl, ['code', 'out']); }, []],
    ['other outputs of code', (dsl) => { between(dsl, code()); reached(dsl, ['code', 'ou']); }, ['dify/reference-output error']],
    ['structured output that is on', (dsl) => { Object.assign(nodes(dsl)[1]?.['data'] ?? {}, { structured_output_switch_on: true }); reached(dsl, ['llm', 'structured_output', 'name']); }, []],
    ['structured output that is off', (dsl) => reached(dsl, ['llm', 'structured_output', 'name']), ['dify/reference-output error']],
    ['what a node with an error branch gives', (dsl) => { Object.assign(nodes(dsl)[1]?.['data'] ?? {}, { error_strategy: 'default-value' }); reached(dsl, ['llm', 'error_message']); }, []],
    ['a node that runs later', (dsl) => Object.assign(nodes(dsl)[1]?.['data'] ?? {}, { memory: { query_prompt_template: '{{#answer.answer#}}' } }), ['dify/reference-not-upstream error']],
    ['the node itself', (dsl) => Object.assign(nodes(dsl)[1]?.['data'] ?? {}, { memory: { query_prompt_template: '{{#llm.text#}}' } }), ['dify/reference-not-upstream error']],
    ['a node beside, taken by an aggregator', (dsl) => { between(dsl, node('any', 'variable-aggregator', { variables: [['llm', 'text'], ['answer', 'answer']], output_type: 'string' })); reached(dsl, ['any', 'output']); }, ['dify/reference-not-upstream warning']],
    ['a group of an aggregator', (dsl) => { between(dsl, node('any', 'variable-aggregator', { variables: [['gone', 'text']], advanced_settings: { group_enabled: true, groups: [{ group_name: 'one', variables: [['llm', 'text']] }] } })); reached(dsl, ['any', 'one', 'output']); }, []],
    ['sys that is there', (dsl) => reached(dsl, ['sys', 'dialogue_count']), []],
    ['sys that is not there', (dsl) => reached(dsl, ['sys', 'querry']), ['dify/reference-special error']],
    ['env that is not there', (dsl) => reached(dsl, ['env', 'URLS']), ['dify/reference-special error']],
    ['conversation that is not there', (dsl) => reached(dsl, ['conversation', 'x']), ['dify/reference-special error']],
    ['a hyphen in an id', (dsl) => { nodes(dsl)[1] = { ...nodes(dsl)[1], id: 'llm-1' }; edges(dsl).splice(0, 2, edge('start', 'llm-1'), edge('llm-1', 'answer')); reached(dsl, ['llm-1', 'text']); }, ['dify/reference-never-replaced error']],
    ['a hyphen in an id that is not there', (dsl) => reached(dsl, ['my-node', 'text']), ['dify/reference-never-replaced warning']],
    ['a name of 31 characters', (dsl) => { Object.assign(nodes(dsl)[0]?.['data'] ?? {}, { variables: [{ variable: 'a'.repeat(31), type: 'text-input' }] }); nodes(dsl)[1] = { ...node('llm', 'llm', { model: { provider: 'p', name: 'm' } }) }; reached(dsl, ['start', 'a'.repeat(31)]); }, ['dify/reference-never-replaced error']],
    ['a name of 30 characters', (dsl) => { Object.assign(nodes(dsl)[0]?.['data'] ?? {}, { variables: [{ variable: 'a'.repeat(30), type: 'text-input' }] }); nodes(dsl)[1] = { ...node('llm', 'llm', { model: { provider: 'p', name: 'm' } }) }; reached(dsl, ['start', 'a'.repeat(30)]); }, []],
    ['a Chinese name', (dsl) => { Object.assign(nodes(dsl)[0]?.['data'] ?? {}, { variables: [{ variable: '城市', type: 'text-input' }] }); nodes(dsl)[1] = { ...node('llm', 'llm', { model: { provider: 'p', name: 'm' } }) }; reached(dsl, ['start', '城市']); }, ['dify/reference-never-replaced error']],
    ['an iteration with its inside', (dsl) => { between(dsl, ...iteration()); reached(dsl, ['loop', 'output']); }, []],
    ['the item from outside', (dsl) => { between(dsl, ...iteration()); reached(dsl, ['loop', 'item']); }, ['dify/reference-output error']],
    ['the output from inside', (dsl) => between(dsl, ...iteration({ variables: [{ variable: 'x', value_selector: ['loop', 'output'] }] })), ['dify/reference-output error']],
    ['a node before the iteration, from inside', (dsl) => between(dsl, ...iteration({ variables: [{ variable: 'x', value_selector: ['llm', 'text'] }] })), []],
    ['a node behind the iteration, from inside', (dsl) => between(dsl, ...iteration({ variables: [{ variable: 'x', value_selector: ['answer', 'answer'] }] })), ['dify/reference-not-upstream error']],
    ['a node inside of an iteration, from outside', (dsl) => { between(dsl, ...iteration()); reached(dsl, ['inner', 'output']); }, ['dify/reference-into-container error']],
    ['a node inside of a loop, from outside', (dsl) => { between(dsl, node('loop', 'loop', { start_node_id: 'loopstart', loop_count: 3, loop_variables: [] }), node('loopstart', 'loop-start', {}, { parentId: 'loop' }), code()); nodes(dsl)[5] = { ...code(), parentId: 'loop' }; edges(dsl).splice(1, 9, edge('llm', 'loop'), edge('loop', 'answer'), edge('loopstart', 'code')); reached(dsl, ['code', 'out']); }, ['dify/reference-into-container warning']],
  ])('%s', (_name, change, wanted) => {
    const findings = found(change).filter((finding) => finding.includes('/reference-'));
    expect(findings).toEqual(wanted);
  });

  test('sys.query is of chatflows alone', () => {
    const dsl = workflowApp();
    nodes(dsl)[2] = node('end', 'end', { outputs: [{ variable: 'q', value_selector: ['sys', 'query'] }] });
    const [finding] = findingsOf(dsl);
    expect(finding).toMatchObject({ rule: 'dify/reference-special', message: expect.stringContaining('only chatflows') });
  });

  test('suggests what was probably meant', () => {
    const dsl = chatflow();
    nodes(dsl)[2] = answer('{{#llm.txt#}} {{#lm.text#}}');
    expect(findingsOf(dsl).map(({ hint }) => hint)).toEqual(['Did you mean text?', 'Did you mean llm?']);
  });
});

describe('the way through the graph', () => {
  test.each<[string, (dsl: Whole) => void, readonly string[]]>([
    ['a circle', (dsl) => edges(dsl).push(edge('answer', 'llm')), ['dify/cycle error']],
    ['a node that leads to itself', (dsl) => edges(dsl).push(edge('llm', 'llm')), ['dify/cycle error']],
    ['a circle that no run comes to', (dsl) => { nodes(dsl).push(code(), { ...code(), id: 'other' }); edges(dsl).push(edge('code', 'other'), edge('other', 'code')); }, ['dify/cycle warning']],
    ['two circles', (dsl) => { nodes(dsl).push(code(), { ...code(), id: 'other' }); edges(dsl).push(edge('code', 'code'), edge('other', 'other')); }, ['dify/cycle warning', 'dify/cycle warning']],
    ['no way to the answer', (dsl) => edges(dsl).pop(), ['dify/answer-unreachable error', 'dify/node-unreachable warning', 'dify/reference-not-upstream warning']],
    ['no answer at all', (dsl) => { nodes(dsl).pop(); edges(dsl).pop(); }, ['dify/answer-unreachable error']],
    ['a chain that nothing leads to', (dsl) => { nodes(dsl).push(code(), { ...code(), id: 'other' }); edges(dsl).push(edge('code', 'other')); }, ['dify/node-unreachable warning']],
    ['an ELSE that leads nowhere', (dsl) => { between(dsl, node('if', 'if-else', { cases: [{ case_id: 'true', logical_operator: 'and', conditions: [] }] })); Object.assign(edges(dsl)[2] ?? {}, { sourceHandle: 'true' }); }, ['dify/branch-unwired warning']],
    ['a case that an edge misnames', (dsl) => { between(dsl, node('if', 'if-else', { cases: [{ case_id: 'a', logical_operator: 'and', conditions: [] }] })); Object.assign(edges(dsl)[2] ?? {}, { sourceHandle: 'true' }); }, ['dify/branch-handle-unknown error', 'dify/branch-unwired warning', 'dify/branch-unwired warning']],
    ['an edge into an iteration', (dsl) => { between(dsl, ...iteration()); edges(dsl).push(edge('llm', 'inner')); }, ['dify/edge-crosses-container error']],
    ['an iteration that names no start', (dsl) => { between(dsl, ...iteration()); Object.assign(nodes(dsl)[3]?.['data'] ?? {}, { start_node_id: 'gone' }); }, ['dify/container-start-missing error', 'dify/node-unreachable warning']],
    ['a node of an iteration that is not there', (dsl) => Object.assign(nodes(dsl)[1] ?? {}, { parentId: 'gone' }), ['dify/edge-crosses-container error', 'dify/edge-crosses-container error', 'dify/container-missing warning', 'dify/reference-into-container error', 'dify/reference-into-container error']],
  ])('%s', (_name, change, wanted) => {
    const findings = found(change);
    const known = findings.filter((finding) => wanted.includes(finding));
    expect([...known].sort()).toEqual([...wanted].sort());
    expect(findings.filter((finding) => !finding.includes('node-unreachable') && !wanted.includes(finding))).toEqual([]);
  });

  test('a workflow without an end node is a warning, one whose end cannot be reached an error', () => {
    const without = workflowApp();
    nodes(without).pop();
    edges(without).pop();
    const beside = workflowApp();
    edges(beside).pop();
    expect([without, beside].map((dsl) => findingsOf(dsl).filter(({ rule }) => rule === 'dify/end-unreachable').map(({ severity }) => severity))).toEqual([['warning'], ['error']]);
  });
});

describe('what a file may not hold', () => {
  test.each<[string, (dsl: Whole) => void, string]>([
    ['a model that is not allowed', () => undefined, 'dify/model-not-allowed error'],
    ['a plugin that is not pinned', (dsl) => Object.assign(dsl, { dependencies: [{ type: 'marketplace', value: { marketplace_plugin_unique_identifier: 'langgenius/openai:0.0.1' } }] }), 'dify/plugin-unpinned warning'],
    ['a credential of a tool', (dsl) => between(dsl, node('tool', 'tool', { provider_id: 'x', tool_name: 'y', credential_id: '5f6c' })), 'dify/tool-credential warning'],
    ['a DSL of tomorrow', (dsl) => (dsl.version = '0.8.0'), 'dify/version-newer warning'],
    ['a node without a model', (dsl) => Object.assign(nodes(dsl)[1]?.['data'] ?? {}, { model: { provider: '', name: '' } }), 'dify/model-missing error'],
  ])('%s', (_name, change, wanted) => {
    const dsl = chatflow();
    change(dsl);
    const { findings } = parse({ path: 'app.yml', folder: '', text: textOf(dsl) }, { models: ['langgenius/openai/gpt-4o-mini', '*/qwen*', 'gpt-5*'] });
    expect(findings.map(({ rule, severity }) => `${rule} ${severity}`)).toContain(wanted);
  });

  test.each([['gpt-4o'], ['langgenius/openai/openai/gpt-4o'], ['gpt-*'], ['langgenius/*'], ['*']])('models: %s allows gpt-4o of langgenius/openai/openai', (entry) => {
    expect(parse({ path: 'app.yml', folder: '', text: textOf(chatflow()) }, { models: [entry] }).findings).toEqual([]);
  });

  test('DSL 0.7.0 is known, and pinned plugins are fine', () => {
    const dsl = { ...chatflow(), version: '0.7.0', dependencies: [{ type: 'marketplace', value: { marketplace_plugin_unique_identifier: `langgenius/openai:0.0.1@${'a'.repeat(64)}` } }] };
    expect(findingsOf(dsl)).toEqual([]);
  });
});
