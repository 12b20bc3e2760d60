import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { fillRequiredInputs, questionsFor } from '../src/index.ts';
import { input, source } from './fakes.ts';

const everything = [
  input({ name: 'topic' }),
  input({ name: 'short', maximumLength: 5 }),
  input({ name: 'tone', type: 'choice', choices: ['warm', 'dry'] }),
  input({ name: 'count', type: 'number' }),
  input({ name: 'urgent', type: 'boolean' }),
  input({ name: 'picture', type: 'file' }),
  input({ name: 'papers', type: 'files' }),
  input({ name: 'extra', type: 'json' }),
  input({ name: 'note', required: false }),
];
const settle = 120_000;

describe('questionsFor without health.ask', () => {
  test.each(['chat', 'agent', 'completion'] as const)('%s is greeted', (kind) => {
    expect(questionsFor(source(kind))).toEqual({ ok: true, value: [{ name: '"hello"', query: 'hello', inputs: {}, expectation: {} }] });
  });

  test('a workflow runs with the defaults of its start node, typed, and without optional inputs', () => {
    const inputs = [input({ name: 'count', type: 'number', initial: '3' }), input({ name: 'topic', initial: 'refunds' }), input({ name: 'note', required: false, initial: 'x' })];
    expect(questionsFor(source('workflow', inputs))).toMatchObject({ ok: true, value: [{ inputs: { count: 3, topic: 'refunds' } }] });
    expect(questionsFor(source('workflow', inputs))).not.toMatchObject({ value: [{ query: expect.anything() }] });
  });

  test('a completion app with a query input is greeted through it', () => {
    expect(questionsFor(source('completion', [input({ name: 'query' })]))).toMatchObject({ ok: true, value: [{ inputs: { query: 'hello' } }] });
  });

  test.each(['chat', 'workflow'] as const)('a %s with unknown required inputs is an input problem whose YAML can be pasted', (kind) => {
    const result = questionsFor(source(kind, everything));
    expect(result).toMatchObject({ ok: false, problem: { category: 'input' } });
    const hint = result.ok ? '' : (result.problem.hint ?? '');
    expect(hint).toMatch(/^Add to sluice.yml: health: /);
    const pasted = parse(hint.replace('Add to sluice.yml: ', '')) as { health: { ask: object[] } };
    expect(pasted.health.ask).toEqual([
      {
        ...(kind === 'chat' ? { query: 'hello' } : {}),
        inputs: { topic: '…', short: '…', tone: 'warm', count: 1, urgent: true, picture: 'https://…', papers: ['https://…'], extra: '{}' },
      },
    ]);
  });

  test('an existing health block is not written twice', () => {
    const result = questionsFor(source('workflow', [input({ name: '主题' })]), { settle });
    expect(result).toMatchObject({ problem: { hint: 'Add to health in sluice.yml: ask: [{ inputs: { "主题": "…" } }]' } });
  });

  test('a rehearsal fills what is required', () => {
    const filled = source('workflow', everything);
    const result = questionsFor(filled, undefined, fillRequiredInputs(filled));
    expect(result.ok && result.value[0]?.inputs).toEqual(fillRequiredInputs(filled));
  });
});

describe('questionsFor with health.ask', () => {
  const ask = (inputs: Record<string, string | number | boolean | string[]>) => ({ settle, ask: [{ inputs }] });
  const valid = { topic: 7, short: '五个字以内', tone: 'dry', count: '12', urgent: 'false', picture: 'https://a.example.com/x.png?y=1', papers: ['https://a.example.com/x.pdf'], extra: '{"a":1}' };

  test('values become the types of the inputs', () => {
    const result = questionsFor(source('workflow', everything), ask(valid));
    expect(result.ok && result.value[0]?.inputs).toEqual({
      topic: '7',
      short: '五个字以内',
      tone: 'dry',
      count: 12,
      urgent: false,
      picture: { type: 'image', transfer_method: 'remote_url', url: 'https://a.example.com/x.png?y=1' },
      papers: [{ type: 'document', transfer_method: 'remote_url', url: 'https://a.example.com/x.pdf' }],
      extra: { a: 1 },
    });
  });

  test.each([
    ['topic', ['a'], 'must be one text'],
    ['short', '六个字也不行吗', 'must have at most 5 characters'],
    ['tone', 'loud', 'must be one of warm, dry'],
    ['count', 'many', 'must be a number'],
    ['count', '', 'must be a number'],
    ['urgent', 'yes', 'must be true or false'],
    ['picture', 'x.png', 'must be the web address of a file'],
    ['picture', 'file:///etc/passwd', 'must be the web address of a file'],
    ['papers', ['x.pdf'], 'must be a list of web addresses of files'],
    ['extra', '[1]', 'must be a JSON object in quotes'],
  ])('%s: %j %s', (name, value, wrong) => {
    expect(questionsFor(source('workflow', everything), ask({ ...valid, [name]: value }))).toMatchObject({
      ok: false,
      problem: { category: 'input', reason: `the input "${name}" ${wrong}`, where: 'health.ask[0]' },
    });
  });

  test('everything that is wrong is said at once', () => {
    const health = { settle, ask: [{ query: 'x', inputs: { topik: 'a', 'toString': 'b' } }, { expect: { matches: '(' } }] };
    const result = questionsFor(source('chat', [input({ name: 'topic', required: false })]), health);
    const problems = result.ok ? [] : [result.problem, ...(result.problem.others ?? [])];
    expect(problems.map(({ reason }) => reason)).toEqual([
      'Support bot has no input "topik"',
      'Support bot has no input "toString"',
      expect.stringContaining('is no regular expression'),
    ]);
  });

  test('a workflow takes no query', () => {
    expect(questionsFor(source('workflow'), { settle, ask: [{ query: 'ping' }] })).toMatchObject({ ok: false, problem: { category: 'input' } });
  });
});

test('fillRequiredInputs gives each type a placeholder', () => {
  expect(fillRequiredInputs(source('workflow', everything))).toEqual({
    topic: 'sample topic',
    short: 'sampl',
    tone: 'warm',
    count: 1,
    urgent: true,
    picture: { type: 'document', transfer_method: 'remote_url', url: 'https://files.example.com/sample.txt' },
    papers: [{ type: 'document', transfer_method: 'remote_url', url: 'https://files.example.com/sample.txt' }],
    extra: {},
  });
});
