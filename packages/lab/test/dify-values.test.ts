import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decryptDataset, encryptDataset, readDsl, writeDsl } from '../src/dify/dsl.ts';
import { compare, ConditionFault } from '../src/dify/interpreter/conditions.ts';
import { listOperatorNode } from '../src/dify/interpreter/listOperator.ts';
import { isPlainTemplate } from '../src/dify/interpreter/plainNodes.ts';
import { Pool, templateParts } from '../src/dify/interpreter/pool.ts';
import type { NodeResult } from '../src/dify/interpreter/run.ts';
import { countTokens } from '../src/dify/interpreter/usage.ts';
import { markdown, plainText, repr } from '../src/dify/python.ts';
import { unrelated } from '../src/dify/unrelated.ts';

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
