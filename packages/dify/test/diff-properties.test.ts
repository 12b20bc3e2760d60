import { describe, expect, test } from '@jest/globals';
import type { Change } from '@sluice/core';
import fc from 'fast-check';
import { digestOf, dslContent, type Content } from '../src/source/content.ts';
import { diffContent, diffSources } from '../src/source/diff.ts';
import { withIds } from '../src/source/diff-renames.ts';
import { isMode } from '../src/source/dsl.ts';
import { isMapping, listOf, mappingOf, textOf, type Mapping } from '../src/source/shape.ts';
import { DifySource } from '../src/source/source.ts';
import { appsIn, fixtures } from './dsl-apps.ts';
import { mutations, type App } from './dsl-mutator.ts';
import { chatflow, edge, node } from './dsl.ts';
import { picker } from '../../../test/picker.ts';

const corpus = process.env['SLUICE_DSL_CORPUS'];

/** Every mutation is tried on our own files and on one real app of eight; on all of them where there is time (SLUICE_BENCH). */
const apps = [...appsIn(fixtures), ...(corpus === undefined ? [] : appsIn(corpus))].map((app, index) => ({ ...app, mutated: index < 4 || index % 8 === 0 || process.env['SLUICE_BENCH'] !== undefined }));

const contentOf = (root: Mapping): Content => {
  const { mode } = mappingOf(root['app']);
  if (!isMode(mode)) throw new Error('no mode');
  return dslContent(mode, root);
};

const turned = { added: 'removed', removed: 'added', changed: 'changed' } as const;

/** kindsOf are changes without titles, which are the newer file's. */
const kindsOf = (changes: readonly Change[]): readonly string[] => changes.map(({ kind, about, prose }) => `${kind} ${about} ${prose ?? false}`).toSorted();
const mirrored = (changes: readonly Change[]): readonly Change[] => changes.map((change) => ({ ...change, kind: turned[change.kind] }));

/** remade gives every node of an app another id, as Studio does when somebody builds it anew. */
const remade = (root: Mapping): Mapping => {
  const workflow = mappingOf(root['workflow']);
  const graph = mappingOf(workflow['graph']);
  const ids = new Map(listOf(graph['nodes']).map((item, index) => [textOf(mappingOf(item)['id']), `${7_000_000 + index}`]));
  const edges = listOf(graph['edges']).map((item) => {
    const { source, target, ...rest } = mappingOf(item);
    return { ...rest, source: ids.get(textOf(source)) ?? source, target: ids.get(textOf(target)) ?? target };
  });
  const nodes = listOf(graph['nodes']).map((item) => ({ ...mappingOf(withIds(item, (id) => ids.get(id))), id: ids.get(textOf(mappingOf(item)['id'])) }));
  return { ...root, workflow: { ...workflow, graph: { ...graph, nodes, edges } } };
};

const moved = (root: Mapping): Mapping => {
  const workflow = mappingOf(root['workflow']);
  const graph = mappingOf(workflow['graph']);
  const nodes = listOf(graph['nodes']).map((item, index) => {
    const one = mappingOf(item);
    return { ...one, position: { x: index, y: -index }, positionAbsolute: { x: 1, y: 1 }, width: index, height: 9, selected: true, zIndex: 5, data: { ...mappingOf(one['data']), selected: true, width: 3, height: 4, _connectedSourceHandleIds: ['x'] } };
  });
  const edges = listOf(graph['edges']).map((item, index) => ({ ...mappingOf(item), id: `e${index}`, zIndex: 3, selected: true }));
  return { ...root, workflow: { ...workflow, graph: { nodes: nodes.toReversed(), edges: edges.toReversed(), viewport: { x: 3, y: 4, zoom: 2 } } } };
};

describe.each(apps)('$name', ({ root, mutated }) => {
  const content = contentOf(root);

  test('is the same as itself, and as itself laid out anew', () => {
    expect(diffContent(content, contentOf(structuredClone(root)))).toEqual([]);
    expect(diffContent(content, contentOf(moved(root)))).toEqual([]);
  });

  test('built anew with other ids, is told by its ids alone', () => {
    const changes = diffContent(content, contentOf(remade(root)));
    expect(changes.filter(({ about }) => about !== 'setting')).toEqual([]);
    expect(changes).toEqual([expect.objectContaining({ subject: expect.stringMatching(/^ids? of /) })]);
  });

  if (mutated) test('no mutation is lost, and backwards it is what it is forwards', () => {
    for (const [number, mutation] of mutations.entries()) {
      const mutant: unknown = structuredClone(root);
      if (!mutation.apply(mutant as App, picker(number))) continue;
      const [before, after] = [content, contentOf(mappingOf(mutant))];
      const changes = diffContent(before, after);
      expect({ kind: mutation.kind, empty: changes.length === 0 }).toEqual({ kind: mutation.kind, empty: digestOf(before) === digestOf(after) });
      expect({ kind: mutation.kind, changes: kindsOf(diffContent(after, before)) }).toEqual({ kind: mutation.kind, changes: kindsOf(mirrored(changes)) });
    }
  });
});

/** Any path into a value can be edited. */
const paths = (value: unknown, path: readonly (string | number)[] = []): readonly (readonly (string | number)[])[] => {
  if (Array.isArray(value)) return [path, ...value.flatMap((item, index) => paths(item, [...path, index]))];
  return isMapping(value) ? [path, ...Object.keys(value).flatMap((key) => paths(value[key], [...path, key]))] : [path];
};

const edited = (value: unknown, path: readonly (string | number)[], edit: (value: unknown) => unknown): unknown => {
  const [head, ...rest] = path;
  if (head === undefined) return edit(value);
  if (Array.isArray(value)) return value.map((item, index) => (index === head ? edited(item, rest, edit) : item));
  return isMapping(value) ? { ...value, [head]: edited(value[head], rest, edit) } : value;
};

test('is empty exactly when the contents are equal, whatever is edited', () => {
  const own = appsIn(fixtures).map(({ root }) => ({ root, places: paths(root['workflow']).filter((path) => path.length > 1) }));
  const value = fc.oneof(fc.constantFrom<unknown>(null, '', 'x', 0, true, [], {}, ['sys', 'query'], [{ id: 'a' }], { type: 'mixed', value: '文' }), fc.string());
  fc.assert(
    fc.property(fc.nat(), fc.array(fc.tuple(fc.nat(), value), { minLength: 1, maxLength: 4 }), (which, edits) => {
      const { root, places } = own[which % own.length] ?? { root: {}, places: [] };
      const workflow = edits.reduce<unknown>((left, [place, other]) => edited(left, places[place % places.length] ?? [], () => other), root['workflow']);
      const [before, after] = [contentOf(root), contentOf({ ...root, workflow })];
      const changes = diffContent(before, after);
      expect(changes.length === 0).toBe(digestOf(before) === digestOf(after));
      expect(diffContent(after, before).length === 0).toBe(changes.length === 0);
    }),
    { seed: 20261121, numRuns: 150 },
  );
});

const letters = 'q7Rk2mZx9LpW4vTs8BnY3cHd6FgJ5QeUtK0oViXaSDhjMP1w';
const drawn = (prefix: string, length: number): string => `${prefix}${letters.slice(0, length)}`;

/** secrets are one of each shape, written in parts, so that no scanner takes this file for a leak. */
const secrets: readonly string[] = [
  `-----BEGIN ${'RSA PRIVATE'} KEY-----\n${letters}\n${letters}\n-----END ${'RSA PRIVATE'} KEY-----`,
  drawn('sk-ant-', 30), drawn('sk-', 40), drawn('AK' + 'IA', 0) + 'Q7RK2MZX9LPW4VTS', drawn('LTAI', 20), drawn('AKID', 32), drawn('AIza', 35), drawn('ghp_', 36), drawn('glpat-', 20),
  drawn('xoxb-', 20), `hooks.slack.com/services/T0Q7RK2/B9LPW4V/${letters.slice(0, 20)}`, `https://oapi.dingtalk.com/robot/send?access_token=${'9f86d081884c7d659a2feaa0c55ad015'.repeat(2)}`,
  `https://open.feishu.cn/open-apis/bot/v2/hook/9f86d081-884c-7d65-9a2f-eaa0c55ad015`, `https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=9f86d081-884c-7d65-9a2f-eaa0c55ad015`,
  drawn('app-', 24), drawn('dataset-', 24), drawn('sk_live_', 20), drawn('hf_', 34), drawn('tvly-', 30), `SG.${letters.slice(0, 22)}.${letters.slice(10, 40)}`, `987612340:AA${letters.slice(0, 33)}`,
  `eyJ${letters.slice(0, 20)}.eyJ${letters.slice(5, 30)}.${letters.slice(3, 25)}`, 'postgres://app:Tr0ub4dor3x@db.internal/app',
];

/** wraps are the texts in which secrets stand. */
const wraps: readonly ((secret: string) => string)[] = [(secret) => secret, (secret) => `用 ${secret} 访问 {{#start.city#}}`, (secret) => `Authorization: Bearer ${secret}\nX: 1`, (secret) => `${'x '.repeat(70)}${secret}`];

const places: readonly (readonly [string, (dsl: ReturnType<typeof chatflow>, text: string) => unknown])[] = [
  ['a prompt', (dsl, text) => Object.assign(mappingOf(dsl.workflow.graph?.nodes[1]?.['data']), { prompt_template: [{ role: 'system', text }] })],
  ['a title', (dsl, text) => Object.assign(mappingOf(dsl.workflow.graph?.nodes[1]?.['data']), { title: text })],
  ['a new node', (dsl, text) => dsl.workflow.graph?.nodes.push(node('http', 'http-request', { title: text, url: text, headers: text })) && dsl.workflow.graph.edges.push(edge('llm', 'http'))],
  ['a header and a key', (dsl, text) => dsl.workflow.graph?.nodes.splice(2, 1, node('answer', 'http-request', { headers: text, authorization: { config: { api_key: text } } }))],
  ['classes', (dsl, text) => dsl.workflow.graph?.nodes.splice(2, 1, node('answer', 'question-classifier', { classes: [{ id: '1', name: text }] })) && dsl.workflow.graph.edges.push(edge('answer', 'llm', '1'))],
  ['conditions', (dsl, text) => dsl.workflow.graph?.nodes.splice(2, 1, node('answer', 'if-else', { cases: [{ case_id: text, conditions: [{ variable_selector: ['sys', 'query'], comparison_operator: 'is', value: text }] }] }))],
  ['parameters of a tool', (dsl, text) => dsl.workflow.graph?.nodes.splice(2, 1, node('answer', 'tool', { tool_parameters: { q: { type: 'mixed', value: text }, [text]: 1 }, tool_configurations: { list: [{ name: text, value: text }] } }))],
  ['variables', (dsl, text) => dsl.workflow.environment_variables.push({ id: 'v', name: 'PLAIN', value_type: 'string', value: text }) && dsl.workflow.conversation_variables.push({ name: text, value_type: 'string', value: '', description: text })],
  ['features', (dsl, text) => Object.assign(dsl.workflow.features, { opening_statement: text, suggested_questions: [text], sensitive_word_avoidance: { enabled: true, config: { keywords: text } } })],
  ['the head', (dsl, text) => Object.assign(dsl.app, { name: text, description: text })],
  ['a note', (dsl, text) => dsl.workflow.graph?.nodes.push({ id: 'note', type: 'custom-note', data: { type: '', title: '', text: JSON.stringify({ root: { children: [{ type: 'paragraph', children: [{ text }] }] } }) } })],
];

const sourceOf = (root: Mapping): DifySource => {
  const source = DifySource.of('a.yml', root);
  if (source === undefined) throw new Error('no source');
  return source;
};

/** spilled are pieces of a secret that a text shows. */
const spilled = (shown: string, secret: string): readonly string[] => {
  const known = secret.replace(/^-+BEGIN[^\n]*\n|\n-+END.*$/g, '').replaceAll(/(?:https:\/\/)?[\w.]+\/[\w/-]*(?:\?[a-z_]+=)?(?=[\w-]{12,})|postgres:\/\/app:/g, '').replaceAll('@db.internal/app', '');
  return Array.from({ length: Math.max(1, known.length - 9) }, (_, index) => known.slice(index, index + 9)).filter((piece) => piece.length === 9 && shown.includes(JSON.stringify(piece).slice(1, -1)));
};

test.each(places)('a secret in %s is in no change', (_name, plant) => {
  for (const [index, secret] of secrets.entries()) {
    for (const wrap of [wraps[index % 3], wraps[3]].filter((one) => one !== undefined)) {
      const dsl = chatflow();
      plant(dsl, wrap(secret));
      const other = chatflow();
      plant(other, wrap(secret.replace('q7Rk', 'Rk7q')));
      const changes = [...diffSources(sourceOf({ ...chatflow() }), sourceOf({ ...dsl })), ...diffSources(sourceOf({ ...dsl }), sourceOf({ ...chatflow() })), ...diffSources(sourceOf({ ...dsl }), sourceOf({ ...other }))];
      expect(changes.length).toBeGreaterThan(0);
      expect({ secret, spilled: spilled(JSON.stringify(changes), secret) }).toEqual({ secret, spilled: [] });
    }
  }
});

const random = letters.slice(0, 30);

/** named are secrets that only their names give away. */
const named: readonly (readonly [string, (dsl: ReturnType<typeof chatflow>) => unknown, string])[] = [
  ['the key of a request', (dsl) => Object.assign(mappingOf(dsl.workflow.graph?.nodes[2]?.['data']), { authorization: { type: 'api-key', config: { type: 'bearer', api_key: 'Tr0ub4dor&3' } } }), 'Tr0ub4'],
  ['a password of a tool', (dsl) => Object.assign(mappingOf(dsl.workflow.graph?.nodes[2]?.['data']), { tool_configurations: { db_password: 'difyai123456' } }), 'difyai'],
  ['the value of a tool', (dsl) => Object.assign(mappingOf(dsl.workflow.graph?.nodes[2]?.['data']), { tool_parameters: { api_key: { type: 'mixed', value: random } } }), 'q7Rk'],
  ['an item with a name', (dsl) => Object.assign(mappingOf(dsl.workflow.graph?.nodes[2]?.['data']), { body: { data: [{ key: 'token', value: random }] } }), 'q7Rk'],
  ['a plain environment variable', (dsl) => dsl.workflow.environment_variables.push({ id: 'x', name: 'CRM_API_KEY', value_type: 'string', value: random }), 'q7Rk'],
  ['a conversation variable', (dsl) => dsl.workflow.conversation_variables.push({ name: 'user_token', value_type: 'string', value: random }), 'q7Rk'],
  ['a feature', (dsl) => Object.assign(dsl.workflow.features, { moderation: { enabled: true, config: { api_key: random } } }), 'q7Rk'],
];

test.each(named)('%s is hidden for its name', (_name, plant, piece) => {
  const dsl = chatflow();
  plant(dsl);
  const changes = diffSources(sourceOf({ ...chatflow() }), sourceOf({ ...dsl }));
  expect(JSON.stringify(changes)).toContain('•••');
  expect(JSON.stringify(changes)).not.toContain(piece);
});

test('a secret that was changed for another is a change', () => {
  const [before, after] = [chatflow(), chatflow()];
  for (const [dsl, key] of [[before, drawn('sk-', 40)], [after, drawn('sk-', 39)]] as const) dsl.workflow.graph?.nodes.push(node('http', 'http-request', { headers: `X: ${key}` }));
  expect(diffSources(sourceOf({ ...before }), sourceOf({ ...after }))).toEqual([{ kind: 'changed', about: 'setting', subject: 'headers of node "Node http"', before: 'X: •••', after: 'X: •••', node: 'http' }]);
});

/** chainOf is an app of many nodes, one behind the other, each with a prompt of its own. */
const chainOf = (count: number, shift: number): Content =>
  contentOf({
    app: { mode: 'advanced-chat' },
    workflow: {
      graph: {
        nodes: [node('start', 'start'), ...Array.from({ length: count }, (_, index) => node(`${shift + index}`, 'llm', { title: `LLM ${index % 50}`, prompt_template: [{ role: 'system', text: `Step ${index % 97} {{#${shift + index - 1}.text#}} ${'中文 '.repeat(20)}` }], model: { provider: 'p', name: 'm', mode: 'chat', completion_params: { temperature: index % 3 } } }))],
        edges: [edge('start', `${shift}`), ...Array.from({ length: count - 1 }, (_, index) => edge(`${shift + index}`, `${shift + index + 1}`))],
      },
    },
  });

test('5,000 nodes are compared in two seconds of processor time, also when all ids are others', () => {
  const [before, same, other] = [chainOf(5000, 100_000), chainOf(5000, 100_000), chainOf(5000, 900_000)];
  const spent = (work: () => unknown): number => {
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };
  const best = (work: () => unknown): number => Math.min(spent(work), spent(work));
  const seconds = [best(() => diffContent(before, same)), best(() => diffContent(before, other))];
  if (process.env['SLUICE_BENCH'] !== undefined) process.stderr.write(`diff of 5,000 nodes: ${seconds.map((one) => one.toFixed(2)).join(' s, ')} s\n`);
  expect(Math.max(...seconds)).toBeLessThan(2);
});
