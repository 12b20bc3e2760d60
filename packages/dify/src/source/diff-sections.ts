import type { Change } from '@sluice/core';
import { promptsPart } from './diff-node-parts.ts';
import type { Seal } from './diff-secrets.ts';
import { named, shown, told, type Scope } from './diff-shown.ts';
import { listChanges, modelChanges, valueChanges } from './diff-values.ts';
import { wordsOf } from './diff-words.ts';
import { fieldOf, isMapping, listOf, mappingOf, textOf, type Mapping } from './shape.ts';

/** first are the keys that are told before all others. */
const first = ['pre_prompt', 'chat_prompt_config', 'completion_prompt_config', 'opening_statement', 'suggested_questions', 'model', 'user_input_form'];

const keysOf = (before: Mapping, after: Mapping): readonly string[] =>
  [...new Set([...first, ...[...Object.keys(after), ...Object.keys(before)].toSorted()])].filter((key) => Object.hasOwn(before, key) || Object.hasOwn(after, key));

const sealed = (seal: Seal, value: Mapping): Mapping => mappingOf(seal(value, []));

/** variableChanges compares the environment's or the conversation's variables, by name. Of secret ones there is nothing to show. */
export const variableChanges = (scope: Scope, what: string, before: Mapping, after: Mapping, seal: Seal): readonly Change[] => {
  const about = 'variable';
  const [older, newer] = [sealed(seal, before), sealed(seal, after)];
  const show = (value: unknown): string => [textOf(mappingOf(value)['type']), shown(mappingOf(value)['value'], scope)].filter((text) => text !== '').join(', ');
  return keysOf(older, newer).flatMap((name) => {
    const subject = `${what} ${named(name)}`;
    const [one, other] = [fieldOf(older, name), fieldOf(newer, name)];
    if (!isMapping(one) || !isMapping(other)) return told(scope, subject, one, other, { about, show });
    const secret = [one, other].some((side) => side['type'] === 'secret');
    return [
      ...told(scope, `type of ${subject}`, one['type'], other['type'], { about }),
      ...(secret ? [] : told(scope, subject, one['value'], other['value'], { about })),
      ...told(scope, `description of ${subject}`, one['description'], other['description'], { about, prose: true }),
    ];
  });
};

/** spoken are the parts that users read or that a model is told. */
const spoken: Readonly<Record<string, string>> = {
  opening_statement: 'opening statement',
  suggested_questions: 'suggested questions',
  pre_prompt: 'prompt',
};

const spokenChanges = (scope: Scope, key: string, older: unknown, newer: unknown): readonly Change[] => {
  const show = (value: unknown): string => (Array.isArray(value) ? value.map((item: unknown) => shown(item, scope)).join('\n') : shown(value, scope));
  return told(scope, spoken[key] ?? key, older, newer, { about: 'prompt', prose: true, show });
};

/** featureChanges compares what surrounds a graph: its opening statement, uploads, citations, moderation. */
export const featureChanges = (scope: Scope, before: Mapping, after: Mapping, seal: Seal): readonly Change[] => {
  const [older, newer] = [sealed(seal, before), sealed(seal, after)];
  return keysOf(older, newer).flatMap((key) =>
    Object.hasOwn(spoken, key) ? spokenChanges(scope, key, fieldOf(older, key), fieldOf(newer, key)) : valueChanges(scope, 'setting', `feature ${wordsOf(key)}`, fieldOf(older, key), fieldOf(newer, key), key),
  );
};

/** Section compares one key of a `model_config`. */
type Section = (scope: Scope, older: unknown, newer: unknown) => readonly Change[];

const others = (scope: Scope, words: string, older: unknown, newer: unknown, told: readonly string[]): readonly Change[] => {
  const rest = (value: unknown): Mapping => Object.fromEntries(Object.entries(mappingOf(value)).filter(([key]) => !told.includes(key)));
  return keysOf(rest(older), rest(newer)).flatMap((key) => valueChanges(scope, 'setting', `${words} ${wordsOf(key)}`, fieldOf(rest(older), key), fieldOf(rest(newer), key), key));
};

/** promptConfig compares the prompts of the expert mode of chat and completion apps. */
const promptConfig: Section = (scope, older, newer) => [
  ...promptsPart(scope, mappingOf(older)['prompt'], mappingOf(newer)['prompt'], 'prompt'),
  ...others(scope, 'prompt', older, newer, ['prompt']),
];

/** fieldsOf reads `user_input_form`, a list of `{type: field}`. */
const fieldsOf = (form: unknown): readonly Mapping[] =>
  listOf(form).filter(isMapping).flatMap((entry) => Object.entries(entry).map(([type, field]) => ({ type, ...mappingOf(field) })));

const datasetsOf = (configs: unknown): readonly string[] => listOf(mappingOf(mappingOf(configs)['datasets'])['datasets']).map((item) => textOf(mappingOf(mappingOf(item)['dataset'])['id']));

const sections: ReadonlyMap<string, Section> = new Map(Object.entries<Section>({
  chat_prompt_config: promptConfig,
  completion_prompt_config: promptConfig,
  model: (scope, older, newer) => modelChanges(scope, 'model', isMapping(older) ? older : undefined, isMapping(newer) ? newer : undefined),
  user_input_form: (scope, older, newer) => listChanges(scope, 'variable', 'user inputs', fieldsOf(older), fieldsOf(newer)),
  agent_mode: (scope, older, newer) => [
    ...told(scope, 'agent prompt', mappingOf(older)['prompt'], mappingOf(newer)['prompt'], { about: 'prompt', prose: true }),
    ...listChanges(scope, 'setting', 'tools', listOf(mappingOf(older)['tools']).filter(isMapping), listOf(mappingOf(newer)['tools']).filter(isMapping)),
    ...others(scope, 'agent', older, newer, ['prompt', 'tools']),
  ],
  dataset_configs: (scope, older, newer) => {
    const knowledge = told(scope, 'knowledge', datasetsOf(older).join(', '), datasetsOf(newer).join(', '), { about: 'setting', show: (ids) => textOf(ids) || 'none' });
    return [...knowledge, ...others(scope, 'retrieval', older, newer, knowledge.length > 0 ? ['datasets'] : [])];
  },
}));

/** modelConfigChanges compares the `model_config` of chat, agent-chat and completion apps. */
export const modelConfigChanges = (scope: Scope, before: Mapping, after: Mapping, seal: Seal): readonly Change[] => {
  const [older, newer] = [sealed(seal, before), sealed(seal, after)];
  return keysOf(older, newer).flatMap((key) => {
    const [one, other] = [fieldOf(older, key), fieldOf(newer, key)];
    if (Object.hasOwn(spoken, key)) return spokenChanges(scope, key, one, other);
    return sections.get(key)?.(scope, one, other) ?? valueChanges(scope, 'setting', wordsOf(key), one, other, key);
  });
};
