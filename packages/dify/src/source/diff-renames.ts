import { canonicalJson, type Content } from './content.ts';
import { grouped, pairsOf } from './diff-pairs.ts';
import { isMapping, listOf, mappingOf, textOf, type Mapping } from './shape.ts';

/** Renames are the ids of an older content that are others in the newer one, although they mean the same. */
export interface Renames {
  /** nodes leads from the older to the newer id of a node. */
  readonly nodes: ReadonlyMap<string, string>;
  /** branches leads, by the newer id of a node, from the older to the newer handles of its branches. */
  readonly branches: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** Edge is one edge of a content. */
export interface Edge {
  readonly source: string;
  readonly handle: string;
  readonly target: string;
}

/** edgesOf reads the edges of a content, which are texts. */
export const edgesOf = (content: Content): readonly Edge[] =>
  content.edges.map((edge) => {
    const [source = '', ...rest] = edge.split(' ');
    return { source, handle: rest.slice(0, -1).join(' '), target: rest.at(-1) ?? '' };
  });

const idKeys = new Set(['start_node_id', 'iteration_id', 'loop_id', 'parentId']);

const references = /\{\{#([^{}#.\n]{1,100})(?=[.#])/g;

/** withIds gives a part of a node with every id of a node in it replaced; what `other` does not know stays. */
export const withIds = (value: unknown, other: (id: string) => string | undefined): unknown => {
  if (typeof value === 'string') return value.includes('{{#') ? value.replace(references, (_whole, id: string) => `{{#${other(id) ?? id}`) : value;
  if (Array.isArray(value)) {
    const [first, ...rest]: readonly unknown[] = value;
    if (typeof first === 'string' && rest.length > 0 && rest.every((part) => typeof part === 'string')) return [other(first) ?? first, ...rest];
    return value.map((item: unknown) => withIds(item, other));
  }
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, idKeys.has(key) && typeof item === 'string' ? (other(item) ?? item) : withIds(item, other)]));
};

/** branchLists are the lists whose items' ids are handles of edges. */
const branchLists: Readonly<Record<string, readonly [list: string, id: string]>> = {
  'if-else': ['cases', 'case_id'],
  'question-classifier': ['classes', 'id'],
  'human-input': ['user_actions', 'id'],
};

/** withoutInnerIds drops the ids that Studio gives to items of lists. */
const withoutInnerIds = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutInnerIds);
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'id' && key !== 'case_id').map(([key, item]) => [key, withoutInnerIds(item)]));
};

const dataOf = (node: unknown): Mapping => mappingOf(mappingOf(node)['data']);

/** Side is one content with what is known of its nodes so far. */
interface Side {
  readonly content: Content;
  /** open are the ids that have no partner yet. */
  readonly open: Set<string>;
  readonly around: ReadonlyMap<string, readonly Neighbour[]>;
  /** name is what both sides call a node that has a partner. */
  name(id: string): string | undefined;
}

interface Neighbour {
  readonly id: string;
  readonly behind: boolean;
}

const neighbours = (content: Content): ReadonlyMap<string, readonly Neighbour[]> => {
  const both = edgesOf(content).flatMap(({ source, target }) => [{ of: source, id: target, behind: true }, { of: target, id: source, behind: false }]);
  return grouped(both, ({ of }) => of);
};

const placesOf = (side: Side, id: string): readonly string[] => (side.around.get(id) ?? []).flatMap(({ id: other, behind }) => {
  const name = side.name(other);
  return name === undefined ? [] : [`${behind ? 'before' : 'behind'} ${name}`];
});

type Signature = (side: Side, id: string) => readonly string[];

const contentSignature: Signature = ({ content, name }, id) => {
  const named = (one: string): string | undefined => (Object.hasOwn(content.nodes, one) ? (name(one) ?? '?') : undefined);
  return [canonicalJson(withIds(withoutInnerIds(content.nodes[id]), named))];
};

/** placedSignature tells copies of one node apart by what stands around them. */
const placedSignature: Signature = (side, id) => contentSignature(side, id).map((text) => `${text} ${placesOf(side, id).toSorted().join(', ')}`);

/** titleSignatures know a node by its type and title beside each node that is known. */
const titleSignatures: Signature = (side, id) => {
  const { type, title } = dataOf(side.content.nodes[id]);
  if (textOf(title) === '' && type !== 'start') return [];
  const known = canonicalJson([type, title]);
  return type === 'start' ? [known] : placesOf(side, id).map((place) => `${known} ${place}`);
};

/** renamedSignatures know a node that has another title by all the rest, beside each node that is known. */
const renamedSignatures: Signature = (side, id) => {
  const { content, name } = side;
  const { title: _title, ...rest } = dataOf(content.nodes[id]);
  const named = (one: string): string | undefined => (Object.hasOwn(content.nodes, one) ? (name(one) ?? '?') : undefined);
  const text = canonicalJson(withIds(withoutInnerIds(rest), named));
  return placesOf(side, id).map((place) => `${text} ${place}`);
};

const uniques = (side: Side, signature: Signature): ReadonlyMap<string, string | undefined> => {
  const found = new Map<string, string | undefined>();
  for (const id of side.open) for (const text of new Set(signature(side, id))) found.set(text, found.has(text) ? undefined : id);
  return found;
};

/** mostRounds ends the search in long chains of equal nodes, of which each round knows one more. */
const mostRounds = 12;

const matchBy = (older: Side, newer: Side, signature: Signature, pair: (old: string, now: string) => void): boolean => {
  const others = uniques(newer, signature);
  let found = false;
  for (const [text, id] of uniques(older, signature)) {
    const other = others.get(text);
    if (id === undefined || other === undefined || !older.open.has(id) || !newer.open.has(other)) continue;
    pair(id, other);
    found = true;
  }
  return found;
};

/** aloneIn are the nodes that only one content has; what an edge of the other one still leads to by its id was not made anew. */
const aloneIn = (content: Content, other: Content): readonly string[] => {
  const ends = new Set(edgesOf(other).flatMap(({ source, target }) => [source, target]));
  return Object.keys(content.nodes).filter((id) => id !== '' && !Object.hasOwn(other.nodes, id) && !ends.has(id));
};

const matchedNodes = (before: Content, after: Content): ReadonlyMap<string, string> => {
  const renamed = new Map<string, string>();
  const gone = aloneIn(before, after);
  const come = aloneIn(after, before);
  if (gone.length === 0 || come.length === 0) return renamed;
  const known = new Set(Object.keys(after.nodes).filter((id) => Object.hasOwn(before.nodes, id)));
  const older: Side = { content: before, open: new Set(gone), around: neighbours(before), name: (id) => renamed.get(id) ?? (Object.hasOwn(after.nodes, id) ? id : undefined) };
  const newer: Side = { content: after, open: new Set(come), around: neighbours(after), name: (id) => (known.has(id) ? id : undefined) };
  const pair = (old: string, now: string): void => {
    renamed.set(old, now);
    known.add(now);
    older.open.delete(old);
    newer.open.delete(now);
  };
  let any = matchBy(older, newer, contentSignature, pair);
  for (let round = 0; round < mostRounds && older.open.size > 0 && (any || round === 0); round += 1) {
    any = [contentSignature, placedSignature, titleSignatures, renamedSignatures].some((signature) => matchBy(older, newer, signature, pair));
  }
  return renamed;
};

const matchedBranches = (older: Mapping, newer: Mapping): ReadonlyMap<string, string> => {
  const [list = '', id = ''] = branchLists[textOf(newer['type'])] ?? [];
  const read = (data: Mapping): readonly { readonly id: string; readonly text: string }[] =>
    listOf(data[list]).filter(isMapping).map((item) => ({ id: textOf(item[id]), text: canonicalJson(withoutInnerIds(item)) }));
  const pairs = pairsOf(read(older), read(newer), [(item) => item.id, (item) => item.text]);
  return new Map(pairs.flatMap(({ older: old, newer: now }) => (old === undefined || now === undefined || old.id === now.id ? [] : [[old.id, now.id] as const])));
};

/** renamesOf finds the nodes and branches that were made anew: all is equal but their ids. What is ambiguous stays gone and new. */
export const renamesOf = (before: Content, after: Content): Renames => {
  const nodes = matchedNodes(before, after);
  const named = (id: string): string | undefined => nodes.get(id);
  const branches = new Map<string, ReadonlyMap<string, string>>();
  for (const [id, node] of Object.entries(before.nodes)) {
    const now = nodes.get(id) ?? id;
    const type = textOf(dataOf(node)['type']);
    if (!Object.hasOwn(branchLists, type) || dataOf(after.nodes[now])['type'] !== type) continue;
    const found = matchedBranches(mappingOf(withIds(dataOf(node), named)), dataOf(after.nodes[now]));
    if (found.size > 0) branches.set(now, found);
  }
  return { nodes, branches };
};

const withBranches = (data: Mapping, handles: ReadonlyMap<string, string> | undefined): Mapping => {
  const [list = '', id = ''] = branchLists[textOf(data['type'])] ?? [];
  if (handles === undefined) return data;
  return { ...data, [list]: listOf(data[list]).map((item) => (isMapping(item) ? { ...item, [id]: handles.get(textOf(item[id])) ?? item[id] } : item)) };
};

/** renamed is an older content in the ids of the newer one. */
export const renamed = (content: Content, { nodes, branches }: Renames): Content => {
  if (nodes.size === 0 && branches.size === 0) return content;
  const taken = new Set(nodes.values());
  // What led nowhere before does not lead to a node that has got that id since.
  const named = (id: string): string | undefined => nodes.get(id) ?? (taken.has(id) ? `${id}?` : undefined);
  return {
    ...content,
    nodes: Object.fromEntries(
      Object.entries(content.nodes).map(([id, node]) => {
        const now = nodes.get(id) ?? id;
        const whole = mappingOf(nodes.size === 0 ? node : withIds(node, named));
        return [now, branches.has(now) ? { ...whole, data: withBranches(mappingOf(whole['data']), branches.get(now)) } : whole];
      }),
    ),
    edges: edgesOf(content).map(({ source, handle, target }) => {
      const from = nodes.get(source) ?? source;
      return `${from} ${branches.get(from)?.get(handle) ?? handle} ${nodes.get(target) ?? target}`;
    }),
  };
};
