import type { Change } from '@sluice/core';
import { edgesOf, type Edge } from './diff-renames.ts';
import type { Content } from './content.ts';
import { titleIn } from './diff-nodes.ts';
import { quoted } from './diff-shown.ts';
import { branchLabel } from './graph.ts';
import { mappingOf, textOf } from './shape.ts';

/** EdgeChange is a change of the ways between nodes, with the node that they leave. */
export interface EdgeChange {
  readonly from: string;
  readonly change: Change;
}

/** Side tells the ends of one content's edges to people. */
export interface Side {
  name(id: string): string;
  branch(edge: Edge): string | undefined;
}

/** sideOf names nodes by their titles and branches as the editor does. */
export const sideOf = (content: Content): Side => ({
  name: (id) => quoted(titleIn(content, id) ?? id),
  branch: ({ source, handle }) => {
    const data = mappingOf(mappingOf(content.nodes[source])['data']);
    return branchLabel({ id: source, type: textOf(data['type']), title: '', data, note: false, parent: '', index: 0 }, handle);
  },
});

interface Moved {
  readonly gone: Edge;
  readonly come: Edge;
}

/** movedBy takes out of both lists the edges that are alone with what `keyOf` says on either side. */
const movedBy = (gone: Set<Edge>, come: Set<Edge>, keyOf: (edge: Edge) => string): readonly Moved[] => {
  const alone = (edges: Set<Edge>): ReadonlyMap<string, Edge | undefined> => {
    const found = new Map<string, Edge | undefined>();
    for (const edge of edges) found.set(keyOf(edge), found.has(keyOf(edge)) ? undefined : edge);
    return found;
  };
  const others = alone(come);
  return [...alone(gone)].flatMap(([key, edge]) => {
    const other = others.get(key);
    if (edge === undefined || other === undefined) return [];
    gone.delete(edge);
    come.delete(other);
    return [{ gone: edge, come: other }];
  });
};

const key = (...parts: readonly string[]): string => JSON.stringify(parts);

/** edgeChanges tells which ways are new, gone, or lead elsewhere. Both contents have the ids of the newer one. */
export const edgeChanges = (before: Content, after: Content): readonly EdgeChange[] => {
  const [older, newer] = [sideOf(before), sideOf(after)];
  const [was, is] = [new Set(before.edges), new Set(after.edges)];
  const gone = new Set(edgesOf({ ...before, edges: before.edges.filter((edge) => !is.has(edge)) }));
  const come = new Set(edgesOf({ ...after, edges: after.edges.filter((edge) => !was.has(edge)) }));
  const about = 'edge';
  const by = (branch: string | undefined): string => (branch === undefined ? '' : `, branch ${quoted(branch)}`);
  const onward = movedBy(gone, come, ({ source, handle }) => key(source, handle)).map(({ gone: one, come: other }): EdgeChange => {
    const branch = newer.branch(other);
    const subject = branch === undefined ? `way on from node ${newer.name(other.source)}` : `branch ${quoted(branch)} of node ${newer.name(other.source)}`;
    return { from: other.source, change: { kind: 'changed', about, subject, before: `leads to ${older.name(one.target)}`, after: `leads to ${newer.name(other.target)}`, node: other.source } };
  });
  const switched = movedBy(gone, come, ({ source, target }) => key(source, target)).map(({ gone: one, come: other }): EdgeChange => {
    const subject = `edge ${newer.name(other.source)} to ${newer.name(other.target)}`;
    const leaves = (branch: string | undefined): string => (branch === undefined ? 'leaves by the only way' : `leaves by branch ${quoted(branch)}`);
    return { from: other.source, change: { kind: 'changed', about, subject, before: leaves(older.branch(one)), after: leaves(newer.branch(other)), node: other.source } };
  });
  const inward = movedBy(gone, come, ({ target }) => target).map(({ gone: one, come: other }): EdgeChange => {
    const comes = (side: Side, edge: Edge): string => `comes from ${side.name(edge.source)}${by(side.branch(edge))}`;
    return { from: other.source, change: { kind: 'changed', about, subject: `way into node ${newer.name(other.target)}`, before: comes(older, one), after: comes(newer, other), node: other.target } };
  });
  const single = (kind: 'added' | 'removed', side: Side) => (edge: Edge): EdgeChange => ({
    from: edge.source,
    change: { kind, about, subject: `edge ${side.name(edge.source)}${by(side.branch(edge))} to ${side.name(edge.target)}`, node: edge.source },
  });
  return [...onward, ...switched, ...inward, ...[...gone].map(single('removed', older)), ...[...come].map(single('added', newer))];
};
