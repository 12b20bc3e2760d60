import { done, failed, nearest, type Outcome, type Problem } from '@sluice/core';
import { listOf, mappingOf, textOf, type Mapping } from './shape.ts';
import type { DifySource } from './source.ts';
import { datasetUses, modelUse, rewritten, splitModel, toolUse, withDatasetIds, withModel, withTool } from './workspace-names.ts';

/** inputProblem is a wrong setting of an environment, beside the file that it does not fit. */
export const inputProblem = (reason: string, source: DifySource, hint?: string): Problem => ({
  category: 'input',
  reason,
  where: source.path,
  ...(hint === undefined ? {} : { hint }),
});

/** joined makes one problem of several; undefined when there is none. */
export const joined = (problems: readonly Problem[]): Problem | undefined => {
  const [first, ...others] = problems;
  return first === undefined ? undefined : others.length === 0 ? first : { ...first, others };
};

const mostShown = 10;

/** suggestion is a hint for a name that is not known: the nearest one, or the first that there are. */
export const suggestion = (word: string, known: readonly string[]): string | undefined => {
  const near = nearest(word, known);
  if (near !== undefined) return `Did you mean "${near}"?`;
  const more = known.length > mostShown ? ` and ${known.length - mostShown} more` : '';
  return known.length === 0 ? undefined : `There are ${known.slice(0, mostShown).join(', ')}${more}.`;
};

/** Seen notes which names of a setting were used, and which names there are. */
interface Seen {
  readonly used: Set<string>;
  readonly there: Set<string>;
}

type Rewrite = (mapping: Mapping, names: Readonly<Record<string, string>>, seen: Seen) => Mapping;

/** replacement finds the first of several names of one thing in a setting. */
const replacement = (names: Readonly<Record<string, string>>, keys: readonly string[], seen: Seen): string | undefined => {
  for (const key of keys.filter((one) => one !== '')) seen.there.add(key);
  const key = keys.find((one) => Object.hasOwn(names, one));
  if (key === undefined) return undefined;
  seen.used.add(key);
  return names[key];
};

const datasetRewrite: Rewrite = (mapping, names, seen) =>
  datasetUses(mapping).length === 0 ? mapping : withDatasetIds(mapping, (id) => replacement(names, [id], seen) ?? id);

const modelRewrite: Rewrite = (mapping, names, seen) => {
  const use = modelUse(mapping);
  const text = use === undefined ? undefined : replacement(names, [`${use.provider}/${use.name}`, use.name], seen);
  if (use === undefined || text === undefined) return mapping;
  const { provider = use.provider, name } = splitModel(text);
  return withModel(mapping, provider, name);
};

const toolRewrite: Rewrite = (mapping, names, seen) => {
  const use = toolUse(mapping);
  const id = use === undefined ? undefined : replacement(names, [use.id, use.name], seen);
  return id === undefined ? mapping : withTool(mapping, id);
};

const rewrites = { datasets: datasetRewrite, models: modelRewrite, tools: toolRewrite } as const;

/** withNames replaces what a setting names; a name that the app does not use is an `input` problem. */
export const withNames = (source: DifySource, setting: keyof typeof rewrites, names: Readonly<Record<string, string>>): Outcome<DifySource> => {
  if (Object.keys(names).length === 0) return done(source);
  const seen: Seen = { used: new Set(), there: new Set() };
  const root = rewritten(source.root, (mapping) => rewrites[setting](mapping, names, seen));
  const unused = Object.keys(names).filter((name) => !seen.used.has(name));
  const problem = joined(unused.map((name) => inputProblem(`${setting} names ${name}, which the app does not use`, source, suggestion(name, [...seen.there]))));
  return problem === undefined ? done(source.with(root)) : failed(problem);
};

/** cron is five fields, and the name of a time zone when one follows. */
const cron = /^((?:\S+\s+){4}\S+)(?:\s+([A-Za-z][\w+/-]*))?$/;

/** bound gives a trigger's `data` what an environment sets; undefined when the trigger takes nothing of the kind. */
const bound = (data: Mapping, text: string): Mapping | undefined => {
  if (data['type'] === 'trigger-plugin') return { ...data, subscription_id: text };
  const [, expression, timezone = 'UTC'] = cron.exec(text.trim()) ?? [];
  if (data['type'] !== 'trigger-schedule' || expression === undefined) return undefined;
  return { ...data, mode: 'cron', cron_expression: expression, timezone };
};

/** withTriggers sets schedules and subscriptions by the title or id of their trigger. */
export const withTriggers = (source: DifySource, triggers: Readonly<Record<string, string>>): Outcome<DifySource> => {
  if (Object.keys(triggers).length === 0) return done(source);
  const workflow = mappingOf(source.root['workflow']);
  const graph = mappingOf(workflow['graph']);
  const problems: Problem[] = [];
  const used = new Set<string>();
  const titles: string[] = [];
  const nodes = listOf(graph['nodes']).map((item) => {
    const node = mappingOf(item);
    const data = mappingOf(node['data']);
    if (!textOf(data['type']).startsWith('trigger-')) return item;
    titles.push(textOf(data['title']));
    const key = [textOf(node['id']), textOf(data['title'])].find((name) => Object.hasOwn(triggers, name));
    if (key === undefined) return item;
    used.add(key);
    const changed = bound(data, triggers[key] ?? '');
    if (changed === undefined) problems.push(inputProblem(`triggers sets "${key}", a ${textOf(data['type'])}, to what it cannot be`, source, 'A schedule takes a cron expression and a time zone, as in "0 9 * * 1-5 Asia/Shanghai"; a plugin takes the name or id of its subscription; a webhook takes nothing.'));
    return changed === undefined ? item : { ...node, data: changed };
  });
  const unknown = Object.keys(triggers).filter((name) => !used.has(name));
  problems.push(...unknown.map((name) => inputProblem(`triggers names ${name}, which is no trigger of the app`, source, suggestion(name, titles))));
  const problem = joined(problems);
  return problem === undefined ? done(source.with({ ...source.root, workflow: { ...workflow, graph: { ...graph, nodes } } })) : failed(problem);
};
