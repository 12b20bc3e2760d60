import type { Change } from '@sluice/core';
import type { Content } from './content.ts';
import { applicationChanges, dependencyChanges } from './diff-application.ts';
import { edgeChanges } from './diff-edges.ts';
import { containerIn, nodeChanges, titleIn } from './diff-nodes.ts';
import { flowOrder } from './diff-order.ts';
import { grouped } from './diff-pairs.ts';
import { edgesOf, renamed, renamesOf, type Renames } from './diff-renames.ts';
import { sealer } from './diff-secrets.ts';
import { named, quoted, same, told, type Scope } from './diff-shown.ts';
import { featureChanges, modelConfigChanges, variableChanges } from './diff-sections.ts';
import { isTrigger } from './node-types.ts';
import { mappingOf, textOf } from './shape.ts';
import type { DifySource } from './source.ts';

/** orderOf puts the nodes of both contents in the order of the flow. */
const orderOf = (before: Content, after: Content): readonly string[] => {
  const nodes = { ...before.nodes, ...after.nodes };
  const ids = Object.keys(nodes);
  const type = (id: string): string => textOf(mappingOf(mappingOf(nodes[id])['data'])['type']);
  // The inside of a container comes before what follows the container, and begins with its start.
  const startsFirst = ids.toSorted((one, other) => Number(type(other).endsWith('-start')) - Number(type(one).endsWith('-start')));
  const inward = startsFirst.map((id) => ({ source: containerIn(nodes[id]), target: id })).filter(({ source }) => source !== '');
  const ways = grouped([...inward, ...edgesOf(after), ...edgesOf(before)], ({ source }) => source);
  return flowOrder(ids, ids.filter((id) => type(id) === 'start' || isTrigger(type(id))), (id) => ways.get(id) ?? []).filter((id) => Object.hasOwn(nodes, id));
};

/** mostIds is how many ids are shown; they mean nothing to people. */
const mostIds = 50;

const idChanges = ({ nodes }: Renames, scope: Scope): readonly Change[] => {
  const list = [...nodes];
  const [only] = list;
  const about = 'setting';
  if (list.length === 1 && only !== undefined) return told({ ...scope, node: only[1] }, `id of node ${quoted(scope.title(only[1]) ?? only[1])}`, only[0], only[1], { about });
  const ids = (side: 0 | 1): string => list.slice(0, mostIds).map((pair) => `"${scope.title(pair[1]) ?? pair[1]}" ${pair[side]}`).concat(list.length > mostIds ? [`and ${list.length - mostIds} more`] : []).join('\n');
  return list.length === 0 ? [] : told(scope, `ids of ${list.length} nodes that were made anew`, ids(0), ids(1), { about, prose: false });
};

/** diffContent lists what differs between two contents, in words of the editor and in the order of the flow. Secret values are no part of a content, and what looks like a secret elsewhere is hidden. */
export const diffContent = (before: Content, after: Content): readonly Change[] => {
  const renames = renamesOf(before, after);
  const older = renamed(before, renames);
  const title = (id: string): string | undefined => {
    const own = titleIn(after, id) ?? titleIn(older, id);
    return own === undefined ? undefined : named(own);
  };
  const seal = sealer();
  const scope: Scope = { of: '', title };
  const ways = grouped(edgeChanges(older, after), ({ from }) => from);
  const order = orderOf(older, after);
  const known = new Set(order);
  const dangling = [...ways.keys()].filter((id) => !known.has(id));
  const changes = [
    ...told(scope, 'mode', before.mode, after.mode, { about: 'application' }),
    ...[...order, ...dangling].flatMap((id) => [...nodeChanges({ before: older, after, title, seal }, id), ...(ways.get(id) ?? []).map(({ change }) => change)]),
    ...idChanges(renames, scope),
    ...variableChanges(scope, 'environment variable', before.environment, after.environment, seal),
    ...variableChanges(scope, 'conversation variable', before.conversation, after.conversation, seal),
    ...featureChanges(scope, before.features, after.features, seal),
    ...modelConfigChanges(scope, before.model, after.model, seal),
  ];
  const silent = changes.length === 0 && !same(before, after);
  return silent ? [{ kind: 'changed', about: 'setting', subject: 'inner ids of the app' }] : changes;
};

/** diffSources lists what differs between two files: their contents, and what users see of the app and which plugins it needs. */
export const diffSources = (before: DifySource, after: DifySource): readonly Change[] => {
  const scope: Scope = { of: '', title: () => undefined };
  return [
    ...applicationChanges(scope, mappingOf(before.root['app']), mappingOf(after.root['app'])),
    ...diffContent(before.content, after.content),
    ...dependencyChanges(scope, before.root['dependencies'], after.root['dependencies']),
  ];
};
