import type { Change } from '@sluice/core';
import { canonicalJson, type Content } from './content.ts';
import { isMapping, listOf, mappingOf, textOf, type Mapping } from './shape.ts';

/** shown writes a value for people; texts are given as they are. */
const shown = (value: unknown): string => (typeof value === 'string' ? value : canonicalJson(value));

/** same tells a key that is not there from one that is null. */
const same = (one: unknown, other: unknown): boolean =>
  (one === undefined) === (other === undefined) && canonicalJson(one) === canonicalJson(other);

/** changeOf compares two values of one subject; what is only on one side was added or removed. */
const changeOf = (subject: string, before: unknown, after: unknown): Change[] => {
  if (same(before, after)) return [];
  const about = 'setting';
  if (before === undefined) return [{ kind: 'added', about, subject, after: shown(after) }];
  if (after === undefined) return [{ kind: 'removed', about, subject, before: shown(before) }];
  return [{ kind: 'changed', about, subject, before: shown(before), after: shown(after) }];
};

/** changesBelow compares two objects and names the deepest keys that differ. */
const changesBelow = (subject: string, before: unknown, after: unknown): Change[] => {
  if (!isMapping(before) || !isMapping(after)) return changeOf(subject, before, after);
  return keysOf(before, after).flatMap((key) => changesBelow(`${subject} ${key}`, before[key], after[key]));
};

const keysOf = (before: Mapping, after: Mapping): string[] => [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();

const titleOf = (node: Mapping, id: string): string => textOf(mappingOf(node['data'])['title']) || id;

const prompts = (data: Mapping): Map<string, unknown> => {
  const template = data['prompt_template'];
  const list = isMapping(template) ? [template] : listOf(template).filter(isMapping);
  return new Map(list.map((prompt, index) => [`${index + 1}${textOf(prompt['role']) === '' ? '' : ` (${textOf(prompt['role'])})`}`, prompt['text']]));
};

const promptChanges = (title: string, before: Mapping, after: Mapping): Change[] => {
  const one = prompts(before);
  const other = prompts(after);
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((key) =>
    changeOf(`prompt ${key} of node "${title}"`, one.get(key), other.get(key)),
  );
};

const modelText = (data: Mapping): unknown => {
  const model = mappingOf(data['model']);
  return textOf(model['name']) === '' ? undefined : `${textOf(model['provider'])}/${textOf(model['name'])}`;
};

const nodeChanges = (title: string, before: Mapping, after: Mapping): Change[] => {
  const found = [
    ...promptChanges(title, before, after),
    ...changeOf(`model of node "${title}"`, modelText(before), modelText(after)),
  ];
  const told = new Set(['prompt_template', 'model']);
  const rest = keysOf(before, after)
    .filter((key) => !told.has(key))
    .flatMap((key) => changesBelow(`node "${title}" ${key}`, before[key], after[key]));
  const settings = changesBelow(
    `node "${title}" model`,
    mappingOf(mappingOf(before['model'])['completion_params']),
    mappingOf(mappingOf(after['model'])['completion_params']),
  );
  const all = [...found, ...settings, ...rest];
  return all.length > 0 || same(before, after) ? all : [{ kind: 'changed', about: 'node', subject: `node "${title}"` }];
};

const allNodeChanges = (before: Content, after: Content): Change[] =>
  keysOf(before.nodes, after.nodes).flatMap((id): Change[] => {
    const one = before.nodes[id];
    const other = after.nodes[id];
    if (!isMapping(one)) return [{ kind: 'added', about: 'node', subject: `node "${titleOf(mappingOf(other), id)}"` }];
    if (!isMapping(other)) return [{ kind: 'removed', about: 'node', subject: `node "${titleOf(one, id)}"` }];
    const changes = nodeChanges(titleOf(other, id), mappingOf(one['data']), mappingOf(other['data']));
    const place = (node: Mapping): Mapping => ({ type: node['type'], parentId: node['parentId'] });
    return [...changes, ...changesBelow(`node "${titleOf(other, id)}"`, place(one), place(other))];
  });

const edgeChanges = (before: Content, after: Content): Change[] => {
  const title = (content: Content, id: string): string => titleOf(mappingOf(content.nodes[id]), id);
  const subject = (content: Content, edge: string): string => {
    const [source = '', handle = '', target = ''] = edge.split(' ');
    const branch = handle === 'source' ? '' : ` (branch ${handle})`;
    return `edge "${title(content, source)}"${branch} to "${title(content, target)}"`;
  };
  return [
    ...before.edges.filter((edge) => !after.edges.includes(edge)).map((edge): Change => ({ kind: 'removed', about: 'edge', subject: subject(before, edge) })),
    ...after.edges.filter((edge) => !before.edges.includes(edge)).map((edge): Change => ({ kind: 'added', about: 'edge', subject: subject(after, edge) })),
  ];
};

const variableChanges = (what: string, before: Mapping, after: Mapping): Change[] =>
  keysOf(before, after).flatMap((name) => {
    const subject = `${what} ${name}`;
    if (before[name] === undefined) return [{ kind: 'added', about: 'variable', subject }];
    if (after[name] === undefined) return [{ kind: 'removed', about: 'variable', subject }];
    return changesBelow(subject, before[name], after[name]);
  });

/** diffContent lists what differs between two contents, in words of the editor. Secret values are no part of a content. */
export const diffContent = (before: Content, after: Content): readonly Change[] => [
  ...changeOf('mode', before.mode, after.mode),
  ...allNodeChanges(before, after),
  ...edgeChanges(before, after),
  ...variableChanges('environment variable', before.environment, after.environment),
  ...variableChanges('conversation variable', before.conversation, after.conversation),
  ...changesBelow('feature', before.features, after.features),
  ...changesBelow('model_config', before.model, after.model),
];
