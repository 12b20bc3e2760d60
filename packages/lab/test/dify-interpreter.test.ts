import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decryptDataset, encryptDataset, readDsl, writeDsl } from '../src/dify/dsl.ts';
import { startLabDify, type LabDify } from '../src/dify/index.ts';
import { compare, ConditionFault } from '../src/dify/interpreter/conditions.ts';
import { listOperatorNode } from '../src/dify/interpreter/listOperator.ts';
import { isPlainTemplate } from '../src/dify/interpreter/plainNodes.ts';
import { Pool, templateParts } from '../src/dify/interpreter/pool.ts';
import type { NodeResult } from '../src/dify/interpreter/run.ts';
import { countTokens } from '../src/dify/interpreter/usage.ts';
import { markdown, plainText, repr } from '../src/dify/python.ts';
import { unrelated } from '../src/dify/unrelated.ts';
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

describe('compare', () => {
  test.each<[string, unknown, unknown, boolean]>([
    ['contains', '北京天气', '天气', true], ['contains', ['a', 'b'], 'b', true], ['contains', '', '', false],
    ['not contains', 'abc', 'd', true], ['not contains', null, 'd', true],
    ['start with', 'abc', 'ab', true], ['end with', 'abc', 'bc', true], ['start with', null, 'a', false],
    ['is', 'a', 'a', true], ['is not', 'a', 'b', true], ['is', true, true, true], ['is', null, 'a', false], ['is not', null, 'a', false],
    ['empty', [], null, true], ['empty', 0, null, true], ['empty', {}, null, true], ['not empty', 'x', null, true],
    ['=', 3, '3', true], ['=', 3.5, '3.5', true], ['≠', 3, '4', true], ['=', null, '3', false], ['≠', null, '3', false],
    ['>', 3, '2.5', true], ['<', 2, '2.5', true], ['≥', 2, '2', true], ['≤', 3, '2', false],
    ['null', null, null, true], ['not null', 0, null, true], ['exists', 0, null, true], ['not exists', null, null, true],
    ['in', 'a', ['a', 'b'], true], ['not in', 'c', ['a', 'b'], true], ['in', '', ['a'], false],
    ['all of', ['a', 'b'], ['a', 'b'], true], ['all of', ['a'], ['a', 'b'], false],
  ])('%s of %j and %j is %s', (operator, value, expected, result) => {
    expect(compare(operator, value, expected)).toBe(result);
  });

  test.each<[string, unknown, unknown, string]>([
    ['contains', 5, 'a', 'Invalid actual value type: string or array'],
    ['is', 5, '5', 'Invalid actual value type: string or boolean'],
    ['=', 'a', '1', 'Invalid actual value type: number or boolean'],
    ['=', 1, '1.5', "invalid literal for int() with base 10: '1.5'"],
    ['>', 1, 'x', "Cannot convert 'x' to number"],
    ['in', 'a', 'abc', 'Invalid expected value type: array'],
    ['resembles', 'a', 'b', 'Unsupported operator: resembles'],
  ])('%s of %j and %j cannot be judged', (operator, value, expected, message) => {
    const result = compare(operator, value, expected);
    expect(result instanceof ConditionFault && result.message).toBe(message);
  });

  test('"not" is the opposite wherever the value is there', () => {
    const values = fc.oneof(fc.string(), fc.array(fc.string()), fc.integer());
    fc.assert(
      fc.property(fc.constantFrom('contains', 'in'), values, fc.oneof(fc.string(), fc.array(fc.string())), (operator, value, expected) => {
        const [is, isNot] = [compare(operator, value, expected), compare(`not ${operator}`, value, expected)];
        if (is instanceof ConditionFault) expect(isNot).toEqual(is);
        else expect(isNot).toBe(!is);
      }),
      { seed: 7 },
    );
  });
});

describe('templates', () => {
  test.each([
    ['Hi {{#a.b#}}!', 'Hi you!'],
    ['{{#llm-1.text#}}', '{{#llm-1.text#}}'],
    ['{{#a.b.c#}}', 'a.b.c'],
    ['{{#a.none#}}', 'a.none'],
    [`{{#a.${'x'.repeat(31)}#}}`, `{{#a.${'x'.repeat(31)}#}}`],
    ['{{#o.list#}}|{{#o.map.k#}}|{{#o.flag#}}|{{#o.nil#}}', '["x", 1]|中|True|'],
    ['{{ a }}', '{{ a }}'],
  ])('%s becomes %s', (template, expected) => {
    const pool = new Pool();
    pool.set('a', 'b', 'you');
    for (const [name, value] of Object.entries({ list: ['x', 1], map: { k: '中' }, flag: true, nil: null })) pool.set('o', name, value);
    expect(pool.render(template)).toBe(expected);
  });

  test('splitting loses nothing', () => {
    const pieces = fc.array(fc.oneof(fc.string(), fc.constantFrom('{{#a.b#}}', '{{#', '#}}', '{{#sys.query#}}', '{{#a-b.c#}}')));
    fc.assert(
      fc.property(pieces, (parts) => {
        const template = parts.join('');
        const joined = templateParts(template).map((part) => ('literal' in part ? part.literal : `{{#${part.selector.join('.')}#}}`));
        expect(joined.join('')).toBe(template);
      }),
      { seed: 11 },
    );
  });

  test.each([
    ['{{ x }} and {{ y.z }} {{ l[0] }}', true], ['none', true], ['{% for a in b %}{% endfor %}', false],
    ['{{ x | upper }}', false], ['{# note #}', false], ['{{ x() }}', false], ['{{ "x" }}', false],
  ])('%j is plain: %s', (template, plain) => {
    expect(isPlainTemplate(template)).toBe(plain);
  });
});

describe('Python texts', () => {
  test.each<[unknown, string, string, string]>([
    [null, 'None', '', ''],
    [true, 'True', 'True', 'True'],
    [1.5, '1.5', '1.5', '1.5'],
    ["it's", '"it\'s"', "it's", "it's"],
    [['a', 1], "['a', 1]", '["a", 1]', '- a\n- 1'],
    [[], '[]', '', ''],
    [{ a: [null] }, "{'a': [None]}", '{"a": [null]}', '{\n  "a": [\n    null\n  ]\n}'],
  ])('%j', (value, asRepr, asText, asMarkdown) => {
    expect([repr(value), plainText(value), markdown(value)]).toEqual([asRepr, asText, asMarkdown]);
  });
});

describe('files and numbers', () => {
  test.each([
    ['y', 'y'], ['n', 'n'], ['yes', true], ['off', false], ['1e3', '1e3'], ['1.0e+3', 1000], ['01:30', '01:30'], ['1:30', 90], ['0.10', 0.1], ['010', 8], ['~', null],
  ])('%s is read as PyYAML reads it', (written, value) => {
    expect(readDsl(`a: ${written}`)).toEqual({ a: value });
  });

  test('a DSL survives writing and reading', () => {
    const names = fc.string({ minLength: 1, unit: fc.constantFrom('a', 'n', 'o', '中', ':', '-', '1', ' ', '#', "'") });
    const leaves = fc.oneof(fc.string(), fc.constantFrom('no', 'on', '1e3', '0.10', '12:30', '2024-01-01', '~', '', 'a\nb\n', ' x'), fc.boolean(), fc.integer(), fc.constant(null));
    const values = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 3 }, leaves, fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(names, tie('value'), { maxKeys: 3 })),
    })).value;
    fc.assert(
      fc.property(fc.dictionary(names, values, { minKeys: 1, maxKeys: 4 }), (content) => {
        expect(readDsl(writeDsl(content))).toEqual({ ...content });
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  test('an id is read in its own workspace alone', () => {
    const id = '11111111-2222-4333-8444-555555555555';
    const hidden = encryptDataset(id, 'one');
    expect([decryptDataset(hidden, 'one'), decryptDataset(hidden, 'two'), decryptDataset(id, 'two')]).toEqual([id, undefined, id]);
    expect(decryptDataset(encryptDataset('no uuid', 'one'), 'one')).toBeUndefined();
  });

  test('tokens follow the length of a text', () => {
    expect([countTokens(''), countTokens('abcdefgh'), countTokens('你好'), countTokens('abcdefgh', 3)]).toEqual([0, 2, 2, 6]);
  });

  test('an unrelated sentence has nothing of the input', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (query) => {
        if (query.trim() !== '') expect(unrelated(query, {}).toLowerCase()).not.toContain(query.trim().toLowerCase());
      }),
      { seed: 3 },
    );
  });
});

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
    const decided = all.findIndex((event) => event['event'] === 'node_finished' && (event['data'] as { node_id: string }).node_id === 'if');
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

describe('lists', () => {
  const off = { filter_by: { enabled: false }, order_by: { enabled: false }, limit: { enabled: false } };
  const paper = (filename: string, size: number): object => ({ dify_model_identity: '__dify__file__', filename, size, type: 'document' });
  const listed = (list: unknown, settings: object): NodeResult => {
    const pool = new Pool();
    pool.set('c', 'list', list);
    return listOperatorNode({ id: 'l', type: 'list-operator', title: 'l', fields: { variable: ['c', 'list'], ...off, ...settings } }, pool);
  };
  const filter = (comparison_operator: string, value: unknown, key = ''): object => ({
    filter_by: { enabled: true, conditions: [{ key, comparison_operator, value }] },
  });

  test.each<[unknown, object, unknown[]]>([
    [['b', 'a', 'ab'], {}, ['b', 'a', 'ab']],
    [['b', 'a', 'ab'], filter('contains', 'a'), ['a', 'ab']],
    [['b', 'a', 'ab'], filter('in', 'xab'), ['b', 'a', 'ab']],
    [['b', 'a', 'ab'], filter('not in', 'b'), ['a', 'ab']],
    [['b', ''], filter('not empty', ''), ['b']],
    [[3, 1, 2], filter('≥', '2'), [3, 2]],
    [[true, false], filter('is', true), [true]],
    [['b', 'a', 'ab'], { extract_by: { enabled: true, serial: '3' } }, ['ab']],
    [[10, 9, 100], { order_by: { enabled: true, value: 'asc' } }, [9, 10, 100]],
    [['b', 'a', 'ab'], { order_by: { enabled: true, value: 'desc' }, limit: { enabled: true, size: 2 } }, ['b', 'ab']],
    [[paper('b.pdf', 2), paper('a.txt', 1)], filter('contains', 'txt', 'name'), [paper('a.txt', 1)]],
    [[paper('b.pdf', 2), paper('a.txt', 1)], { order_by: { enabled: true, key: 'size', value: 'asc' } }, [paper('a.txt', 1), paper('b.pdf', 2)]],
    [[paper('b.pdf', 2)], filter('in', ['image'], 'type'), []],
    [[], filter('contains', 'a'), []],
    [null, {}, []],
  ])('%j with %j', (list, settings, expected) => {
    expect(listed(list, settings)).toMatchObject({ outputs: { result: expected, first_record: expected[0] ?? null, last_record: expected.at(-1) ?? null } });
  });

  test.each<[unknown, object, string]>([
    [['a'], { extract_by: { enabled: true, serial: '2' } }, 'Invalid serial index: must be <= 1, got 2'],
    [['a'], { extract_by: { enabled: true, serial: '0' } }, 'Invalid serial index: must be >= 1, got 0'],
    [['a'], filter('>', '1'), 'Invalid condition: >'],
    [[1], filter('contains', '1'), 'Invalid condition: contains'],
    [['a'], filter('is', 5), 'Invalid filter value: 5'],
    ['text', {}, "Variable ['c', 'list'] is not an array type"],
    [undefined, {}, "Variable not found for selector: ['c', 'list']"],
  ])('%j with %j fails', (list, settings, error) => {
    expect(listed(list, settings)).toEqual({ error });
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
