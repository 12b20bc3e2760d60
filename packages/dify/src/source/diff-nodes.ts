import type { Change } from '@sluice/core';
import type { Content } from './content.ts';
import { essence, partChanges } from './diff-node-parts.ts';
import type { Seal } from './diff-secrets.ts';
import { quoted, same, told, type Scope } from './diff-shown.ts';
import { isMapping, listOf, mappingOf, textOf, type Mapping } from './shape.ts';

const dataOf = (node: unknown): Mapping => mappingOf(mappingOf(node)['data']);

const isNote = (node: Mapping): boolean => node['type'] === 'custom-note';

/** containerIn is the iteration or loop that a node lies in, or an empty text. */
export const containerIn = (node: unknown): string =>
  [mappingOf(node)['parentId'], dataOf(node)['iteration_id'], dataOf(node)['loop_id']].map(textOf).find((id) => id !== '') ?? '';

/** titleIn gives the title of a node; the start of a container has none of its own. Undefined for what is no node. */
export const titleIn = (content: Content, id: string): string | undefined => {
  const node = Object.hasOwn(content.nodes, id) ? content.nodes[id] : undefined;
  if (node === undefined) return undefined;
  const { title, type } = dataOf(node);
  const container = containerIn(node);
  if (textOf(title) !== '' || container === '' || container === id || !textOf(type).endsWith('-start')) return textOf(title) || id;
  return `start of ${textOf(dataOf(content.nodes[container])['title']) || container}`;
};

/** noteText is what people read on a note, which the editor keeps as a tree of Lexical (Dify 1.12.1, note-node). */
const noteText = (value: unknown): string => {
  const texts = (node: unknown): string => {
    const { text, children, type } = mappingOf(node);
    const inner = listOf(children).map(texts).join('');
    return `${textOf(text)}${inner}${type === 'paragraph' || type === 'listitem' ? '\n' : ''}`;
  };
  try {
    return texts(mappingOf(JSON.parse(textOf(value)))['root']).trim();
  } catch {
    // Old notes are plain text.
    return textOf(value);
  }
};

const noteScope = (scope: Scope): Scope => ({ of: '', title: scope.title });

/** noteChanges tells of the notes on the canvas, which do not run. */
const noteChanges = (scope: Scope, older: Mapping | undefined, newer: Mapping | undefined): readonly Change[] => {
  const text = (data: Mapping | undefined): string | undefined => (data === undefined ? undefined : noteText(data['text']));
  const own = noteScope(scope);
  const note = told(own, 'note on the canvas', text(older), text(newer), { about: 'node', prose: true });
  if (note.length > 0 || older === undefined || newer === undefined) return note;
  return told(own, 'look of a note on the canvas', older, newer, { about: 'node', show: () => undefined });
};

/** kindOf says what a node is, with the tool that it calls. */
const kindOf = (data: Mapping): string => {
  const tool = [data['provider_name'], data['tool_name']].map(textOf).filter((text) => text !== '').join('/');
  return `${textOf(data['type']) || 'a node without a type'}${tool === '' ? '' : ` ${tool}`}`;
};

const scopeOf = (id: string, name: string, title: Scope['title'], note: boolean): Scope => ({ of: ` of node ${quoted(name)}`, title, ...(note ? {} : { node: id }) });

/** NodeSides are the two contents that a node is compared in, in the ids of the newer one. */
export interface NodeSides {
  readonly before: Content;
  readonly after: Content;
  readonly title: Scope['title'];
  readonly seal: Seal;
}

const wholeNode = (scope: Scope, id: string, node: Mapping, kind: 'added' | 'removed'): readonly Change[] => {
  const data = dataOf(node);
  if (isNote(node)) return kind === 'added' ? noteChanges(scope, undefined, data) : noteChanges(scope, data, undefined);
  const what = essence(data);
  const [older, newer] = kind === 'added' ? [undefined, kindOf(data)] : [kindOf(data), undefined];
  return [
    ...told({ ...scope, of: '' }, `node ${quoted(scope.title(id) ?? id)}`, older, newer, { about: 'node' }),
    ...(kind === 'added' ? partChanges(scope, {}, what) : partChanges(scope, what, {})),
  ];
};

const changedNode = (scope: Scope, older: Mapping, newer: Mapping): readonly Change[] => {
  const [before, after] = [dataOf(older), dataOf(newer)];
  if (isNote(older) && isNote(newer)) return noteChanges(scope, before, after);
  const inside = (node: Mapping): string => (containerIn(node) === '' ? 'outside of containers' : `inside ${quoted(scope.title(containerIn(node)) ?? containerIn(node))}`);
  const moved = containerIn(older) === containerIn(newer) ? [] : told(scope, 'place', inside(older), inside(newer), { about: 'node' });
  const changes = [
    ...told(scope, 'name', before['title'], after['title'], { about: 'node' }),
    ...moved,
    ...partChanges(scope, before, after),
  ];
  return changes.length > 0 ? changes : told(scope, 'inner ids', older, newer, { about: 'setting', show: () => undefined });
};

/** nodeChanges tells what differs in one node; `id` is the newer one's. */
export const nodeChanges = ({ before, after, title, seal }: NodeSides, id: string): readonly Change[] => {
  const [older, newer] = [before, after].map((content) => (Object.hasOwn(content.nodes, id) ? mappingOf(content.nodes[id]) : undefined));
  if (same(older, newer)) return [];
  const sealed = (node: Mapping | undefined): Mapping | undefined => {
    const value = node === undefined ? undefined : seal(node, []);
    return isMapping(value) ? value : undefined;
  };
  const [one, other] = [sealed(older), sealed(newer)];
  const scope = scopeOf(id, title(id) ?? id, title, isNote(other ?? one ?? {}));
  if (one === undefined) return other === undefined ? [] : wholeNode(scope, id, other, 'added');
  return other === undefined ? wholeNode(scope, id, one, 'removed') : changedNode(scope, one, other);
};

