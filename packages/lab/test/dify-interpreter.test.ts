import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startLabDify, type LabDify } from '../src/dify/index.ts';
import { chain, edge, file, model, node } from './dify-apps.ts';
import { events, service, type Got } from './dify-client.ts';

let lab: LabDify;
beforeAll(async () => {
  lab = await startLabDify({ usualLatencyMs: 0 });
});
afterAll(() => lab.close());

const start = (...variables: string[]): object =>
  node('start', { type: 'start', variables: variables.map((variable) => ({ variable, label: variable, type: 'paragraph', required: false })) });

const end = (outputs: Readonly<Record<string, readonly string[]>>, id = 'end'): object =>
  node(id, { type: 'end', outputs: Object.entries(outputs).map(([variable, value_selector]) => ({ variable, value_selector })) });

interface Outcome {
  readonly status: string;
  readonly error: string | null;
  readonly outputs: Record<string, unknown>;
}

const ask = async (nodes: readonly object[], edges: readonly object[], inputs: object, workflow: object = {}, more: object = {}): Promise<Got> => {
  const { apiKey } = lab.createApp(file('workflow', nodes, edges, { workflow }));
  return service(lab, apiKey)('POST', '/workflows/run', { inputs, user: 'u', ...more });
};

const run = async (nodes: readonly object[], edges: readonly object[], inputs: object = {}, workflow: object = {}): Promise<Outcome> => {
  const got = await ask(nodes, edges, inputs, workflow);
  expect(got.status).toBe(200);
  return got.body['data'] as Outcome;
};

describe('branches', () => {
  const flow = (data: Record<string, unknown>): [object[], object[]] => [
    [start('x'), node('if', { type: 'if-else', ...data }), node('yes', { type: 'template-transform', template: 'yes', variables: [] }), node('no', { type: 'template-transform', template: 'no', variables: [] }), node('join', { type: 'variable-aggregator', variables: [['yes', 'output'], ['no', 'output']], output_type: 'string' }), end({ out: ['join', 'output'] })],
    [...chain('start', 'if'), edge('if', 'yes', 'true'), edge('if', 'no', 'false'), ...chain('yes', 'join', 'end'), edge('no', 'join')],
  ];
  const condition = { variable_selector: ['start', 'x'], comparison_operator: 'contains', value: 'tea' };

  test.each([
    [{ cases: [{ case_id: 'true', logical_operator: 'and', conditions: [condition] }] }],
    [{ logical_operator: 'and', conditions: [condition] }],
  ])('are taken by their condition: %j', async (data) => {
    expect((await run(...flow(data), { x: 'green tea' })).outputs).toEqual({ out: 'yes' });
    expect((await run(...flow(data), { x: 'coffee' })).outputs).toEqual({ out: 'no' });
  });

  test('fail on a variable that is not there', async () => {
    const missing = { cases: [{ case_id: 'true', logical_operator: 'and', conditions: [{ ...condition, variable_selector: ['start', 'y'] }] }] };
    expect(await run(...flow(missing))).toMatchObject({ status: 'failed', error: "Variable ['start', 'y'] not found" });
  });

  test('hold back a text that an answer behind them may not need', async () => {
    const cases = [{ case_id: 'true', logical_operator: 'and', conditions: [{ variable_selector: ['sys', 'query'], comparison_operator: 'contains', value: 'tea' }] }];
    const nodes = [
      start(), node('first', model('First')), node('if', { type: 'if-else', cases }), node('a', model('A')), node('b', model('B')),
      node('answer', { type: 'answer', answer: '{{#first.text#}}|{{#a.text#}}{{#b.text#}}|end' }),
    ];
    const edges = [...chain('start', 'first', 'if'), edge('if', 'a', 'true'), edge('if', 'b', 'false'), edge('a', 'answer'), edge('b', 'answer')];
    const { apiKey } = lab.createApp(file('advanced-chat', nodes, edges));
    const got = await service(lab, apiKey)('POST', '/chat-messages', { inputs: {}, query: 'tea', user: 'u', response_mode: 'streaming' });
    const all = events(got.text);
    const firstMessage = all.findIndex((event) => event['event'] === 'message');
    // Dify decides the branch and lets the text flow before it tells that the branch has ended.
    const decided = all.findIndex((event) => event['event'] === 'node_started' && (event['data'] as { node_id: string }).node_id === 'if');
    expect(firstMessage).toBeGreaterThan(decided);
    expect(all.filter((event) => event['event'] === 'message').map((event) => event['answer']).join('')).toBe('First: tea|A: tea|end');
  });

  test('a classifier takes its first class', async () => {
    const classes = [{ id: 'c1', name: 'One' }, { id: 'c2', name: 'Two' }];
    const nodes = [start('x'), node('q', { type: 'question-classifier', query_variable_selector: ['start', 'x'], classes }), end({ a: ['q', 'class_name'] }, 'e1'), end({ b: ['q', 'class_name'] }, 'e2')];
    expect((await run(nodes, [...chain('start', 'q'), edge('q', 'e1', 'c1'), edge('q', 'e2', 'c2')], { x: 'hi' })).outputs).toEqual({ a: 'One' });
  });

  test('groups of an aggregator are objects', async () => {
    const settings = { group_enabled: true, groups: [{ group_name: 'G', variables: [['start', 'none'], ['start', 'x']] }] };
    const nodes = [start('x'), node('join', { type: 'variable-assigner', variables: [], advanced_settings: settings }), end({ out: ['join', 'G', 'output'] })];
    expect((await run(nodes, chain('start', 'join', 'end'), { x: 'v' })).outputs).toEqual({ out: 'v' });
  });

  test.each([
    ['fail-branch', [edge('list', 'other', 'fail-branch')], { error: 'Variable not found for selector: [\'start\', \'none\']' }],
    ['default-value', [], { out: ['d'] }],
  ])('a failing node with %s ends partly well', async (strategy, edges, outputs) => {
    const list = node('list', {
      type: 'list-operator', variable: ['start', 'none'], error_strategy: strategy, default_value: [{ key: 'result', type: 'array[string]', value: ['d'] }],
    });
    const nodes = [start(), list, end({ out: ['list', 'result'] }), end({ error: ['list', 'error_message'] }, 'other')];
    expect(await run(nodes, [...chain('start', 'list', 'end'), ...edges])).toMatchObject({ status: 'partial-succeeded', error: null, outputs });
  });
});

describe('containers', () => {
  const child = (id: string, container: 'it', data: { type: string } & Record<string, unknown>): object =>
    node(id, { isInIteration: true, iteration_id: container, ...data }, { parentId: container });
  const nodes = (startsAt: string, more: object = {}): object[] => [
    start('x'),
    node('code', { type: 'code', outputs: { list: { type: 'array[string]' } }, variables: [{ variable: 'x', value_selector: ['start', 'x'] }] }),
    node('it', { type: 'iteration', start_node_id: startsAt, iterator_selector: ['code', 'list'], output_selector: ['inner', 'output'], ...more }),
    child('itstart', 'it', { type: 'iteration-start' }),
    child('inner', 'it', { type: 'template-transform', template: '{{ i }}:{{ v }}', variables: [{ variable: 'i', value_selector: ['it', 'index'] }, { variable: 'v', value_selector: ['it', 'item'] }] }),
    end({ out: ['it', 'output'], leak: ['inner', 'output'] }),
  ];
  const edges = [...chain('start', 'code', 'it', 'end'), edge('itstart', 'inner')];

  test('an iteration runs for each item', async () => {
    expect(await run(nodes('itstart'), edges, { x: '雨' })).toMatchObject({ status: 'succeeded', outputs: { out: ['0:code: 雨 (list)'], leak: null } });
    const got = await ask(nodes('itstart'), edges, { x: '雨' }, {}, { response_mode: 'streaming' });
    const named = events(got.text).map((event) => event['event']);
    expect(named.filter((name) => String(name).startsWith('iteration'))).toEqual(['iteration_started', 'iteration_next', 'iteration_completed']);
    const inner = events(got.text).find((event) => (event['data'] as { node_id?: string }).node_id === 'inner');
    expect(inner).toMatchObject({ data: { iteration_id: 'it', loop_id: null } });
  });

  test.each([[undefined, [1, 2]], [false, [[1, 2]]]])('an iteration with flatten_output %s joins lists: %j', async (flatten_output, out) => {
    const inner = child('inner', 'it', { type: 'list-operator', variable: ['conversation', 'two'], filter_by: {}, order_by: {}, limit: {} });
    const all = nodes('itstart', { output_selector: ['inner', 'result'], flatten_output }).map((each) => ((each as { id: string }).id === 'inner' ? inner : each));
    const workflow = { conversation_variables: [{ id: 't', name: 'two', value_type: 'array[number]', value: [1, 2] }] };
    expect((await run(all, edges, {}, workflow)).outputs['out']).toEqual(out);
  });

  test('an iteration that starts at an ordinary node is refused as in Dify 1.12.1', async () => {
    expect(await run(nodes('inner'), edges)).toMatchObject({
      status: 'failed',
      error: "[INVALID_ROOT] Root node 'inner' must declare execution type 'root'.",
    });
  });

  test.each([
    ['terminated', { status: 'failed' }],
    ['continue-on-error', { status: 'succeeded', outputs: { out: [null] } }],
    ['remove-abnormal-output', { status: 'succeeded', outputs: { out: [] } }],
  ])('an iteration with a bad pass and %s', async (mode, expected) => {
    const bad = child('inner', 'it', { type: 'list-operator', variable: ['none', 'none'] });
    const all = nodes('itstart', { error_handle_mode: mode }).map((each) => ((each as { id: string }).id === 'inner' ? bad : each));
    expect(await run(all, edges)).toMatchObject(expected);
  });

  test('a loop runs until its condition holds', async () => {
    const inLoop = (id: string, data: { type: string } & Record<string, unknown>): object => node(id, { isInLoop: true, loop_id: 'lp', ...data }, { parentId: 'lp' });
    const all = [
      start(),
      node('lp', {
        type: 'loop', start_node_id: 'lpstart', loop_count: 10, logical_operator: 'and',
        break_conditions: [{ variable_selector: ['lp', 'n'], comparison_operator: '≥', value: '3' }],
        loop_variables: [{ label: 'n', var_type: 'number', value_type: 'constant', value: 0 }],
      }),
      inLoop('lpstart', { type: 'loop-start' }),
      inLoop('more', { type: 'assigner', version: '2', items: [{ variable_selector: ['lp', 'n'], input_type: 'constant', operation: '+=', value: 1 }] }),
      end({ n: ['lp', 'n'], rounds: ['lp', 'loop_round'] }),
    ];
    expect((await run(all, [...chain('start', 'lp', 'end'), edge('lpstart', 'more')])).outputs).toEqual({ n: 3, rounds: 3 });
  });

  test('a run ends after 500 nodes', async () => {
    const inLoop = (id: string, data: { type: string } & Record<string, unknown>): object => node(id, { isInLoop: true, loop_id: 'lp', ...data }, { parentId: 'lp' });
    const all = [
      start(),
      node('lp', { type: 'loop', start_node_id: 'lpstart', loop_count: 100_000, logical_operator: 'and', break_conditions: [] }),
      inLoop('lpstart', { type: 'loop-start' }),
      end({}),
    ];
    expect(await run(all, chain('start', 'lp', 'end'))).toMatchObject({ status: 'failed', error: 'Maximum execution steps exceeded: 501 > 500' });
  });
});

describe('assigners', () => {
  const value = async (first: object, variable: object): Promise<Outcome> => {
    const nodes = [start('x'), node('a', { type: 'assigner', ...first }), end({ v: ['conversation', 'v'] })];
    return run(nodes, chain('start', 'a', 'end'), { x: 'new' }, { conversation_variables: [{ id: 'v', name: 'v', ...variable }] });
  };
  const second = (operation: string, given: unknown, input_type = 'constant'): object => ({
    version: '2',
    items: [{ variable_selector: ['conversation', 'v'], operation, value: given, input_type }],
  });

  test.each<[object, object, unknown]>([
    [{ assigned_variable_selector: ['conversation', 'v'], write_mode: 'over-write', input_variable_selector: ['start', 'x'] }, { value_type: 'string', value: 'old' }, 'new'],
    [{ assigned_variable_selector: ['conversation', 'v'], write_mode: 'append', input_variable_selector: ['start', 'x'] }, { value_type: 'array[string]', value: ['old'] }, ['old', 'new']],
    [{ assigned_variable_selector: ['conversation', 'v'], write_mode: 'clear', input_variable_selector: ['start', 'x'] }, { value_type: 'number', value: 5 }, 0],
    [second('over-write', ['start', 'x'], 'variable'), { value_type: 'string', value: 'old' }, 'new'],
    [second('set', 'text'), { value_type: 'string', value: 'old' }, 'text'],
    [second('set', '{"a": 1}'), { value_type: 'object', value: {} }, { a: 1 }],
    [second('/=', 4), { value_type: 'number', value: 10 }, 2.5],
    [second('extend', ['sys', 'files'], 'variable'), { value_type: 'array[object]', value: [{}] }, [{}]],
    [second('remove-first', null), { value_type: 'array[number]', value: [1, 2] }, [2]],
    [second('remove-last', null), { value_type: 'array[number]', value: [1, 2] }, [1]],
    [second('clear', null), { value_type: 'string', value: 'old' }, ''],
  ])('%j on %j', async (node, variable, expected) => {
    expect(await value(node, variable)).toMatchObject({ status: 'succeeded', outputs: { v: expected } });
  });

  test.each<[object, object, string]>([
    [{ assigned_variable_selector: ['conversation', 'w'], write_mode: 'clear', input_variable_selector: [] }, { value_type: 'string', value: '' }, 'assigned variable not found'],
    [second('+=', 'x'), { value_type: 'number', value: 1 }, "Invalid input value 'x'"],
    [second('/=', 0), { value_type: 'number', value: 1 }, 'Invalid input value 0'],
    [second('append', 'x'), { value_type: 'number', value: 1 }, 'Operation append is not supported'],
    [second('over-write', 5), { value_type: 'string', value: 'a' }, 'Invalid input value 5'],
  ])('%j on %j fails', async (node, variable, error) => {
    const result = await value(node, variable);
    expect(result.status).toBe('failed');
    expect(result.error).toContain(error);
  });
});

describe('stand-ins', () => {
  test('have the declared types and are the same each time', async () => {
    const outputs = {
      s: { type: 'string' }, n: { type: 'number' }, b: { type: 'boolean' }, o: { type: 'object', children: { k: { type: 'string' } } },
      ls: { type: 'array[string]' }, ln: { type: 'array[number]' }, lo: { type: 'array[object]' },
    };
    const nodes = [start('x'), node('代码', { type: 'code', outputs, variables: [{ variable: 'x', value_selector: ['start', 'x'] }] }), end(Object.fromEntries(Object.keys(outputs).map((name) => [name, ['代码', name]])))];
    const result = await run(nodes, chain('start', '代码', 'end'), { x: '雨' });
    expect(result.outputs).toEqual({
      s: expect.stringContaining('代码: 雨'), n: expect.any(Number), b: true, o: { k: expect.any(String) },
      ls: [expect.any(String)], ln: [expect.any(Number)], lo: [{}],
    });
    expect((await run(nodes, chain('start', '代码', 'end'), { x: '雨' })).outputs).toEqual(result.outputs);
    expect((await run(nodes, chain('start', '代码', 'end'), { x: '雪' })).outputs).not.toEqual(result.outputs);
    expect(lab.standIns()).toContain('code "代码"');
  });

  test.each<[Record<string, unknown> & { type: string }, string, unknown]>([
    [{ type: 'http-request', url: 'https://x.example/{{#start.x#}}' }, 'status_code', 200],
    [{ type: 'tool', tool_parameters: { q: { type: 'mixed', value: '{{#start.x#}}' } } }, 'text', 'n: in'],
    [{ type: 'agent', agent_parameters: { instruction: { type: 'constant', value: 'x' } }, output_schema: { properties: { mood: { type: 'string' } } } }, 'mood', 'n: x (mood)'],
    [{ type: 'parameter-extractor', query: ['start', 'x'], parameters: [{ name: 'city', type: 'string', required: true }] }, 'city', 'city: in'],
    [{ type: 'parameter-extractor', query: ['start', 'x'], parameters: [] }, '__is_success', 1],
    [{ type: 'knowledge-retrieval', query_variable_selector: ['start', 'x'], dataset_ids: [] }, 'result', []],
    [{ type: 'document-extractor', is_array_file: true }, 'text', ['n: done.']],
    [{ type: 'template-transform', template: '{% if a %}x{% endif %}', variables: [] }, 'output', 'n: done.'],
    [{ ...model('n', 'P {{#start.x#}}'), structured_output_switch_on: true, structured_output: { schema: { properties: { ok: { type: 'boolean' } } } } }, 'structured_output', { ok: true }],
  ])('%j answers %s', async (data, output, expected) => {
    const result = await run([start('x'), node('n', { title: 'n', ...data }), end({ out: ['n', output] })], chain('start', 'n', 'end'), { x: 'in' });
    expect(result).toMatchObject({ status: 'succeeded', outputs: { out: expected } });
  });
});

describe('graphs that do not run', () => {
  test.each<[object[], object[], string]>([
    [[], [], 'Graph must have at least one node'],
    [[node('llm', model('x'))], [], "[INVALID_ROOT] Root node 'llm' must declare execution type 'root'."],
    [[start(), end({})], [edge('start', 'end'), edge('start', 'gone')], "[MISSING_NODE] Edge edge_1 references unknown target node 'gone'."],
    [[start(), end({})], [edge('start', 'end'), edge('end', 'start')], 'Unable to determine root node ID'],
  ])('%j %j', async (nodes, edges, message) => {
    expect(await ask(nodes, edges, {})).toMatchObject({ status: 400, body: { code: 'invalid_param', message } });
    const got = await ask(nodes, edges, {}, {}, { response_mode: 'streaming' });
    expect(events(got.text)).toMatchObject([{ event: 'error', code: 'invalid_param', message }]);
  });

  test('notes are no nodes, and what a reference does not find cuts the stream but not the output', async () => {
    const note = { id: 'note', type: 'custom-note', position: { x: 0, y: 0 }, data: { type: '', text: 'x' } };
    const dsl = file('advanced-chat', [note, start(), node('answer', { type: 'answer', answer: 'a {{#start.none#}} b' })], chain('start', 'answer'));
    const { apiKey } = lab.createApp(dsl);
    const got = await service(lab, apiKey)('POST', '/chat-messages', { inputs: {}, query: 'q', user: 'u', response_mode: 'streaming' });
    const finished = events(got.text).find((event) => event['event'] === 'workflow_finished');
    expect(finished).toMatchObject({ data: { outputs: { answer: 'a start.none b' } } });
    expect(events(got.text).filter((event) => event['event'] === 'message').map((event) => event['answer'])).toEqual(['a ']);
  });
});
