import type { Change } from '@sluice/core';
import { canonicalJson } from './content.ts';
import { isMoved, pairsOf } from './diff-pairs.ts';
import { conditionsShown, quoted, shown, told, type Scope } from './diff-shown.ts';
import { listChanges, modelChanges, orderChanges, valueChanges } from './diff-values.ts';
import { wordsOf } from './diff-words.ts';
import { fieldOf, isMapping, listOf, mappingOf, textOf, type Mapping } from './shape.ts';

/** Part compares one key of a node's `data`; a value is undefined where the key is not there. */
type Part = (scope: Scope, older: unknown, newer: unknown, key: string) => readonly Change[];

const text = (about: Change['about'], subject?: string): Part => (scope, older, newer, key) => told(scope, subject ?? wordsOf(key), older, newer, { about, prose: true });

/** Prompt is one message of a prompt, with its place. */
interface Prompt {
  readonly value: Mapping;
  readonly place: number;
}

const promptsOf = (template: unknown): readonly Prompt[] => (isMapping(template) ? [template] : listOf(template).filter(isMapping)).map((value, index) => ({ value, place: index + 1 }));

const promptLabel = ({ value, place }: Prompt): string => `prompt ${place}${textOf(value['role']) === '' ? '' : ` (${textOf(value['role'])})`}`;

const promptChanges = (scope: Scope, older: Prompt | undefined, newer: Prompt | undefined): readonly Change[] => {
  const [before, after] = [older?.value, newer?.value];
  const subject = promptLabel(newer ?? older ?? { value: {}, place: 0 });
  const about = 'prompt';
  if (before === undefined || after === undefined) return told(scope, subject, before, after, { about, prose: true, show: (value) => shown(mappingOf(value)['text'] ?? '', scope) });
  const others = [...new Set([...Object.keys(after), ...Object.keys(before)])].filter((key) => !['id', 'text', 'role'].includes(key));
  return [
    ...told(scope, `role of ${subject}`, before['role'], after['role'], { about }),
    ...told(scope, subject, before['text'], after['text'], { about, prose: true }),
    ...others.flatMap((key) => told(scope, `${wordsOf(key)} of ${subject}`, fieldOf(before, key), fieldOf(after, key), { about, ...(key === 'jinja2_text' ? { prose: true } : {}) })),
  ];
};

/** promptsPart compares the messages of a prompt by their role and place; one that was put between others is one that was added. */
export const promptsPart: Part = (scope, older, newer) => {
  const before = promptsOf(older);
  const pairs = pairsOf(before, promptsOf(newer), [
    ({ value }) => (textOf(value['id']) === '' ? undefined : canonicalJson([value['id'], value['role']])),
    ({ value }) => canonicalJson([value['role'], value['text']]),
    ({ value }) => textOf(value['role']),
  ]);
  const label = (prompt: Prompt | undefined): readonly string[] => (prompt === undefined ? [] : [promptLabel(prompt)]);
  const moved = isMoved(before, pairs);
  return [
    ...pairs.flatMap((pair) => promptChanges(scope, pair.older, pair.newer)),
    // The places that prompts had before are told in their new order.
    ...(moved ? orderChanges(scope, 'prompt', 'prompts', before.flatMap(label), pairs.flatMap(({ older: gone, newer: come }) => (come === undefined ? [] : label(gone ?? come)))) : []),
  ];
};

interface Case {
  readonly value: Mapping;
  readonly label: string;
}

const casesOf = (cases: unknown): readonly Case[] => listOf(cases).filter(isMapping).map((value, index, all) => ({ value, label: all.length === 1 ? 'IF' : `CASE ${index + 1}` }));

/** casesPart compares the conditions of an if/else node, in words. */
const casesPart: Part = (scope, older, newer) => {
  const before = casesOf(older);
  const show = (value: unknown): string => conditionsShown(mappingOf(value), scope);
  const pairs = pairsOf(before, casesOf(newer), [({ value }) => textOf(value['case_id']) || undefined, ({ value }) => show(value)]);
  const bare = (value: Mapping | undefined): unknown => (value === undefined ? undefined : { logical_operator: value['logical_operator'], conditions: withoutIds(value['conditions']) });
  return [
    ...pairs.flatMap((pair) => told(scope, `condition of ${(pair.newer ?? pair.older)?.label ?? ''}`, bare(pair.older?.value), bare(pair.newer?.value), { about: 'setting', show })),
    ...(isMoved(before, pairs) ? orderChanges(scope, 'setting', 'cases', before.map(({ value }) => show(value)), pairs.flatMap(({ newer: come }) => (come === undefined ? [] : [show(come.value)]))) : []),
  ];
};

/** withoutIds drops the ids of the items of a list, and of lists in them. */
const withoutIds = (list: unknown): unknown =>
  Array.isArray(list) ? list.map((item: unknown) => (isMapping(item) ? Object.fromEntries(Object.entries(item).filter(([key]) => key !== 'id').map(([key, value]) => [key, isMapping(value) ? { ...value, conditions: withoutIds(value['conditions']) } : value])) : item)) : list;

interface Class {
  readonly id: string;
  readonly name: string;
  readonly place: number;
}

/** classesPart compares the classes of a question classifier, whose names the model reads. */
const classesPart: Part = (scope, older, newer) => {
  const read = (list: unknown): readonly Class[] => listOf(list).filter(isMapping).map((item, index) => ({ id: textOf(item['id']), name: textOf(item['name']), place: index + 1 }));
  const before = read(older);
  const pairs = pairsOf(before, read(newer), [({ id, name }) => canonicalJson([id, name]), ({ id }) => id || undefined, ({ name }) => name]);
  return [
    ...pairs.flatMap((pair) => told(scope, `class ${(pair.newer ?? pair.older)?.place ?? 0}`, pair.older?.name, pair.newer?.name, { about: 'prompt', prose: true })),
    ...(isMoved(before, pairs) ? orderChanges(scope, 'prompt', 'classes', before.map(({ name }) => quoted(name)), pairs.flatMap(({ newer: come }) => (come === undefined ? [] : [quoted(come.name)]))) : []),
  ];
};

/** given compares parameters that a node gives to a tool, each as `{type, value}` or plain. */
const given = (scope: Scope, older: unknown, newer: unknown, one: (name: string, before: unknown, after: unknown) => readonly Change[] | undefined = () => undefined): readonly Change[] => {
  const [before, after] = [mappingOf(older), mappingOf(newer)];
  const show = (value: unknown): string => shown(isMapping(value) && 'value' in value ? value['value'] : value, scope);
  return [...new Set([...Object.keys(after), ...Object.keys(before)])].flatMap((name) => one(name, fieldOf(before, name), fieldOf(after, name)) ?? told(scope, `parameter ${quoted(name)}`, fieldOf(before, name), fieldOf(after, name), { about: 'setting', show }));
};

const instructions = new Set(['instruction', 'query', 'prompt']);

/** agentPart compares what an agent's strategy is given: its instruction, its model, its tools. */
const agentPart: Part = (scope, older, newer) =>
  given(scope, older, newer, (name, before, after) => {
    const value = (side: unknown): unknown => (isMapping(side) && 'value' in side ? side['value'] : side);
    const [one, other] = [value(before), value(after)];
    if (instructions.has(name)) return told(scope, wordsOf(name), before, after, { about: 'prompt', prose: true, show: (side) => shown(value(side), scope) });
    if (name === 'model' && [one, other].every((side) => side === undefined || isMapping(side))) return modelChanges(scope, 'model', isMapping(one) ? one : undefined, isMapping(other) ? other : undefined);
    if (Array.isArray(one) && Array.isArray(other)) return valueChanges(scope, 'setting', wordsOf(name), one, other, name);
    return undefined;
  });

const modelPart: Part = (scope, older, newer, key) => (([older, newer].every((side) => side === undefined || isMapping(side))) ? modelChanges(scope, wordsOf(key), isMapping(older) ? older : undefined, isMapping(newer) ? newer : undefined) : told(scope, wordsOf(key), older, newer, { about: 'model' }));

/** outputsPart compares what a node gives: a list of an end node, a mapping of a code node. */
const outputsPart: Part = (scope, older, newer, key) => {
  if (Array.isArray(older) || Array.isArray(newer)) return valueChanges(scope, 'setting', wordsOf(key), older, newer, key);
  const [before, after] = [mappingOf(older), mappingOf(newer)];
  const show = (value: unknown): string => (isMapping(value) && (value['children'] ?? null) === null ? textOf(value['type']) : shown(value, scope));
  return [...new Set([...Object.keys(after), ...Object.keys(before)])].flatMap((name) => told(scope, `output ${quoted(name)}`, fieldOf(before, name), fieldOf(after, name), { about: 'setting', show }));
};

/** inputsPart compares the fields that a run asks its user for. */
const inputsPart: Part = (scope, older, newer) =>
  listChanges(scope, 'variable', 'user inputs', listOf(older).filter(isMapping), listOf(newer).filter(isMapping));

const memoryPart: Part = (scope, older, newer, key) => {
  const { query_prompt_template: before, ...was } = mappingOf(older);
  const { query_prompt_template: after, ...is } = mappingOf(newer);
  return [...told(scope, 'memory prompt', before, after, { about: 'prompt', prose: true }), ...valueChanges(scope, 'setting', wordsOf(key), older === undefined ? undefined : was, newer === undefined ? undefined : is, key)];
};

const schemaPart: Part = (scope, older, newer, key) => told(scope, wordsOf(key), older, newer, { about: 'setting', prose: true, show: (value) => JSON.stringify(value, null, 2) });

const parts: ReadonlyMap<string, Part> = new Map(Object.entries<Part>({
  type: (scope, older, newer) => told(scope, 'kind', older, newer, { about: 'node' }),
  desc: (scope, older, newer) => told(scope, 'description', older, newer, { about: 'setting', prose: true }),
  prompt_template: promptsPart,
  answer: text('prompt'),
  template: text('prompt'),
  instruction: text('prompt'),
  instructions: text('prompt'),
  form_content: text('prompt', 'form'),
  code: text('setting'),
  structured_output: schemaPart,
  model: modelPart,
  cases: casesPart,
  classes: classesPart,
  agent_parameters: agentPart,
  tool_parameters: (scope, older, newer) => given(scope, older, newer),
  tool_configurations: (scope, older, newer) => given(scope, older, newer),
  outputs: outputsPart,
  memory: memoryPart,
  start_node_id: (scope, older, newer) => told(scope, 'first node', older, newer, { about: 'edge', show: (id) => scope.title(textOf(id)) ?? textOf(id) }),
}));

/** order is how a node is read: what it is, what it says, what says it, and then the rest. */
const order = ['type', 'desc', 'prompt_template', 'answer', 'template', 'instruction', 'form_content', 'agent_parameters', 'model', 'cases', 'classes', 'code', 'method', 'url', 'headers', 'params', 'body'];

/** within are keys that only repeat in which container a node lies. */
const within = new Set(['iteration_id', 'loop_id', 'isInIteration', 'isInLoop', 'isIterationStart', 'isLoopStart', 'startNodeType']);

/** isUnused says whether a key is what old editors left beside `cases`. */
const isUnused = (key: string, data: Mapping): boolean => (key === 'conditions' || key === 'logical_operator') && listOf(data['cases']).length > 0;

const partOf = (key: string, data: Mapping): Part => {
  if (key === 'variables' && data['type'] === 'start') return inputsPart;
  if (key === 'query' && typeof data['query'] === 'string') return text('prompt');
  return parts.get(key) ?? ((scope, older, newer) => valueChanges(scope, 'setting', wordsOf(key), older, newer, key));
};

/** partChanges compares the `data` of one node, but for its title and its place. */
export const partChanges = (scope: Scope, older: Mapping, newer: Mapping): readonly Change[] => {
  const keys = [...new Set([...order, ...[...Object.keys(newer), ...Object.keys(older)].toSorted()])].filter((key) => key !== 'title' && !within.has(key) && (Object.hasOwn(older, key) || Object.hasOwn(newer, key)));
  return keys.filter((key) => !(isUnused(key, older) && isUnused(key, newer))).flatMap((key) => partOf(key, newer)(scope, fieldOf(older, key), fieldOf(newer, key), key));
};

/** telling are the parts by which people know a node that is new or gone. */
const telling = ['prompt_template', 'answer', 'template', 'instruction', 'form_content', 'cases', 'classes', 'code', 'method', 'url'];

const tellingAgent = ['instruction', 'query', 'model'];

/** essence is what is told of a node that is new or gone: what it says, which model it asks, its code and its conditions. */
export const essence = (data: Mapping): Mapping => {
  const { model, agent_parameters: agent } = data;
  const picked = (from: Mapping, keys: readonly string[]): Mapping => Object.fromEntries(keys.filter((key) => key in from).map((key) => [key, from[key]]));
  return {
    ...picked(data, telling),
    ...(isMapping(model) ? { model: picked(model, ['provider', 'name']) } : {}),
    ...(isMapping(agent) ? { agent_parameters: picked(agent, tellingAgent) } : {}),
  };
};
