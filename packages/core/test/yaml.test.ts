import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readYaml } from '../src/yaml/read.ts';
import type { Problem } from '../src/problem.ts';
import { timed } from '../../../test/cpu-time.ts';

const problemOf = (text: string | Uint8Array): Problem => {
  const read = readYaml('sluice.yml', text);
  if (read.ok) throw new Error(`expected a problem, got ${JSON.stringify(read.value.value)}`);
  return read.problem;
};

const valueOf = (text: string | Uint8Array): unknown => {
  const read = readYaml('sluice.yml', text);
  if (!read.ok) throw new Error(read.problem.reason);
  return read.value.value;
};

describe('readYaml', () => {
  test.each([
    ['a: 1\n', { a: 1 }],
    ['\uFEFFa: 1\r\nb: 二\r\n', { a: 1, b: '二' }],
    ['', null],
    ['# only a comment\n', null],
    ['x: &x {a: 1}\ny: {<<: *x, b: 2}', { x: { a: 1 }, y: { a: 1, b: 2 } }],
    ['x: &x {a: 1}\nz: &z {c: 1}\ny: {<<: [*x, *z], b: 2}', { x: { a: 1 }, z: { c: 1 }, y: { a: 1, b: 2, c: 1 } }],
    ['a: !!str 5\nb: ! 6\nc: !!map {d: 1}', { a: '5', b: '6', c: { d: 1 } }],
    ['"<<": 1', { '<<': 1 }],
  ])('reads %j', (text, value) => {
    expect(valueOf(text)).toEqual(value);
  });

  test('reads bytes with a byte order mark', () => {
    expect(valueOf(Buffer.from('\uFEFFname: 客服\n'))).toEqual({ name: '客服' });
  });

  test.each<[string, string | Uint8Array, RegExp, string]>([
    ['broken syntax', 'a: 1\nb: [1, 2\nc: 3\n', /YAML syntax error: .*, in the line: c: 3$/, 'sluice.yml:3:1'],
    ['a quote that is not closed', 'a: 1\nfoo: "bar', /^YAML syntax error: Missing closing quote ", in the line: foo: "bar$/, 'sluice.yml:2:10'],
    ['a tag of a language', 'a: 1\nname: !!js/function "x"\n', /^the tag !!js\/function is unknown$/, 'sluice.yml:2:7'],
    ['a tag of an application', 'a:\n  - !reference [b, c]\n', /^the tag !reference is unknown$/, 'sluice.yml:2:5'],
    ['a tag of a key', '!x k: 1\n', /^the tag !x is unknown$/, 'sluice.yml:1:1'],
    ['a tag without a prefix', 'a: !e!foo 1\n', /Could not resolve tag: !e!foo/, 'sluice.yml:1:4'],
    ['a tag whose values are no plain ones', 'a: !!binary aGVsbG8=\n', /^the tag !!binary is unknown$/, 'sluice.yml:1:4'],
    ['a tag that does not fit', 'a: !!bool x\n', /^the tag !!bool does not fit its value$/, 'sluice.yml:1:4'],
    ['a key that JavaScript takes for its own', 'a:\n  __proto__: {polluted: true}\n', /^the key "__proto__" cannot be used$/, 'sluice.yml:2:3'],
    ['a duplicate key', 'a: 1\nb: 2\na: 3\n', /the key "a" is there twice/, 'sluice.yml:3:1'],
    ['several documents', 'a: 1\n---\nb: 2\n', /several YAML documents/, 'sluice.yml:2:1'],
    ['NUL', 'a: 1\nbc\0d', /NUL character/, 'sluice.yml:2:3'],
    ['an alias of nothing', 'a: *b\n', /names nothing|Unresolved alias/, 'sluice.yml:1:4'],
    ['an alias of itself', 'a: &a\n  - *a\n', /inside the value that it names/, 'sluice.yml:2:5'],
    ['a merge of text', 'a: &a text\nb:\n  <<: *a\n', /<< is not a mapping/, 'sluice.yml:3:3'],
    ['a list as key', '? [a, b]\n: 1\n', /a key is a list or a mapping/, 'sluice.yml:1:3'],
    ['GBK bytes', Uint8Array.from([0x61, 0x3a, 0x20, 0xbf, 0xcd, 0xb7, 0xfe]), /looks like GBK/, 'sluice.yml'],
    ['UTF-16 bytes', Buffer.from('\uFEFFa: 1\n', 'utf16le'), /looks like UTF-16/, 'sluice.yml'],
    ['other bytes', Uint8Array.from([0x61, 0xff]), /not UTF-8 text$/, 'sluice.yml'],
    ['too much', 'a'.repeat(10 * 1024 * 1024 + 1), /at most 10 MB/, 'sluice.yml'],
  ])('refuses %s', (_name, text, reason, where) => {
    const problem = problemOf(text);
    expect(problem).toMatchObject({ category: 'input', where });
    expect(problem.reason).toMatch(reason);
    expect(problem.hint).not.toBe('');
  });

  test('reports faults in the order of the text', () => {
    const problem = problemOf('a: 1\na: 2\nb: !x 1\n__proto__: 3');
    expect([problem, ...(problem.others ?? [])].map(({ where }) => where)).toEqual(['sluice.yml:2:1', 'sluice.yml:3:4', 'sluice.yml:4:1']);
  });

  test('reports all duplicate keys at once', () => {
    expect(problemOf('a: 1\na: 2\nb: {c: 1, c: 2}').others).toHaveLength(1);
  });

  test('does not show the value of a key that promises a secret', () => {
    const problem = problemOf('name: x\npassword: "hunter2-hunter2\n');
    expect(problem.reason).toContain('password: ***');
    expect(JSON.stringify(problem)).not.toContain('hunter2');
  });

  test('refuses an alias bomb quickly', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 12; level += 1) {
      lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`);
    }
    const { value, ms } = timed(() => problemOf(lines.join('\n')));
    expect(value.reason).toMatch(/stands for more than 1000000 values/);
    expect(ms).toBeLessThan(1000);
  });

  test('refuses a text of very many small values before it costs memory', () => {
    const { reason } = problemOf('- a\n'.repeat(2_000_000));
    expect(reason).toBe('sluice.yml has more than 1000000 YAML tokens');
  });

  test('reads long texts: a prompt is one token however long it is', () => {
    const prompt = '请回答用户的问题。\n'.repeat(50_000);
    expect(valueOf(`prompt: |\n${prompt.replaceAll(/^(?=.)/gm, '  ')}`)).toEqual({ prompt });
  });

  test.each([
    ['deep flow lists', '['.repeat(50_000)],
    ['deep block lists', '- '.repeat(3000) + 'x'],
    ['deep mappings', `${'{a: '.repeat(500)}1${'}'.repeat(500)}`],
    ['many aliases', `a: &a 1\nb: [${'*a, '.repeat(5000)}]`],
  ])('ends on %s', (_name, text) => {
    const { value, ms } = timed(() => problemOf(text));
    expect(value.category).toBe('input');
    expect(ms).toBeLessThan(5000);
  });

  test('reads a mapping of 20,000 keys in linear time', () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `key${index}: ${index}`).join('\n');
    const { value, ms } = timed(() => valueOf(text));
    expect(Object.keys(value as object)).toHaveLength(20_000);
    expect(ms).toBeLessThan(3000);
  });

  test('never throws, and a value that went in as JSON comes out', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => typeof readYaml('x', text).ok === 'boolean'), { seed: 7, numRuns: 200 });
    fc.assert(
      fc.property(fc.stringMatching(/^[-[\]{}:,&*!?|>'"%@`# \na<~0]{0,30}$/), (text) => typeof readYaml('x', text).ok === 'boolean'),
      { seed: 7, numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!text.includes('\\u0000') && !text.includes('"__proto__":'));
        expect(valueOf(text)).toEqual(JSON.parse(text));
      }),
      { seed: 7, numRuns: 100 },
    );
  });
});

describe('placeOf', () => {
  const text = 'name: a\nlist:\n  - one\n  - x: 1\n    y: 2\nbase: &base\n  deep: 1\ncopy: *base\n1: number\n';
  test.each([
    [['name'], 1, 1],
    [['list', 1], 4, 5],
    [['list', 1, 'y'], 5, 5],
    [['list', 1, 'missing', 'more'], 4, 5],
    [['list', 9], 2, 1],
    [['copy', 'deep'], 7, 3],
    [['1'], 9, 1],
    [['name', 'below'], 1, 1],
    [[], 1, 1],
    [['none'], 1, 1],
  ])('%j is at %d:%d', (path, line, column) => {
    const read = readYaml('f.yml', text);
    expect(read.ok && read.value.placeOf(path)).toEqual({ file: 'f.yml', line, column });
  });

  test('an empty document has a place, too', () => {
    const read = readYaml('f.yml', '');
    expect(read.ok && read.value.placeOf(['a'])).toEqual({ file: 'f.yml', line: 1, column: 1 });
  });
});
