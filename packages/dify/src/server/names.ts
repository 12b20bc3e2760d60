import { done, type Outcome } from '@sluice/core';
import { suggestion } from '../source/overlay-names.ts';
import { textOf, type Mapping } from '../source/shape.ts';
import type { DifySource } from '../source/source.ts';
import { modelUse, rewritten, splitModel, toolUse, usesIn, withModel, withTool, type ModelUse, type ToolUse } from '../source/workspace-names.ts';
import { isUuid } from './address.ts';
import type { Application } from './application.ts';
import { modelsOf, onlyOne, subscriptionsOf, toolProviders, type Named } from './catalogue.ts';
import { withDatasets, type Mapped } from './datasets.ts';

/** Fitted is a source whose names are ids of the target workspace. */
export interface Fitted extends Mapped {
  readonly notes: readonly string[];
}

/** localTypes are the tools whose ids are good in one workspace only; all others are `org/plugin/provider` everywhere. */
const localTypes = new Set(['api', 'workflow', 'mcp']);

/** listing asks for each list once. */
const listing = <T>(load: (kind: string) => Promise<Outcome<T>>): ((kind: string) => Promise<Outcome<T>>) => {
  const asked = new Map<string, Promise<Outcome<T>>>();
  return (kind) => {
    const known = asked.get(kind) ?? load(kind);
    asked.set(kind, known);
    return known;
  };
};

const single = <T>(read: (mapping: Mapping) => T | undefined) => (mapping: Mapping): readonly T[] => {
  const use = read(mapping);
  return use === undefined ? [] : [use];
};

/** distinct keeps one use of each key. */
const distinct = <T>(uses: readonly T[], key: (use: T) => string): ReadonlyMap<string, T> => new Map(uses.map((use) => [key(use), use]));

const toolKey = (use: ToolUse): string => `${use.type} ${use.id}`;

/** withTools looks up the tool providers that the environment names, by id or by name. */
const withTools = async (application: Application, source: DifySource): Promise<Outcome<DifySource>> => {
  const named = new Set(Object.values(application.connection.environment.tools ?? {}));
  const wanted = (use: ToolUse): boolean => named.has(use.id) && localTypes.has(use.type) && !isUuid(use.id);
  const list = listing((type) => toolProviders(application, type));
  const ids = new Map<string, string>();
  for (const [key, use] of distinct(usesIn(source.root, single(toolUse)).filter(wanted), toolKey)) {
    const all = await list(use.type);
    if (!all.ok) return all;
    const byId = all.value.filter((one) => one.id === use.id);
    const matches = byId.length > 0 ? byId : all.value.filter((one) => one.name === use.id);
    const id = onlyOne(`${use.type} tool`, use.id, 'tools', matches, suggestion(use.id, all.value.map((one) => one.name)));
    if (!id.ok) return id;
    ids.set(key, id.value);
  }
  if (ids.size === 0) return done(source);
  return done(
    source.with(
      rewritten(source.root, (mapping) => {
        const use = toolUse(mapping);
        const id = use === undefined ? undefined : ids.get(toolKey(use));
        return id === undefined ? mapping : withTool(mapping, id);
      }),
    ),
  );
};

const modelKey = (use: ModelUse): string => `${use.kind} ${use.provider}/${use.name}`;

/** providerOf chooses the provider of a model that was named without one: the source's own when it has that model. */
const providerOf = (use: ModelUse, all: readonly Named[]): Outcome<string> => {
  const matches = all.filter((one) => one.name === use.name);
  if (matches.some((one) => one.note === use.provider)) return done(use.provider);
  const id = onlyOne(`${use.kind} model`, use.name, 'models', matches, suggestion(use.name, all.map((one) => one.name)));
  return id.ok ? done(splitModel(id.value).provider ?? matches[0]?.note ?? use.provider) : id;
};

/** withModels looks up the providers of models that the environment names without one. */
const withModels = async (application: Application, source: DifySource): Promise<Outcome<Omit<Fitted, 'found'>>> => {
  const named = new Set(Object.values(application.connection.environment.models ?? {}).filter((text) => splitModel(text).provider === undefined));
  const list = listing((kind) => modelsOf(application, kind));
  const providers = new Map<string, string>();
  const notes: string[] = [];
  for (const [key, use] of distinct(usesIn(source.root, single(modelUse)).filter((one) => named.has(one.name)), modelKey)) {
    const all = await list(use.kind);
    if (!all.ok && all.problem.category !== 'platform') return all;
    if (!all.ok) {
      // The list needs the plugin daemon, which a deployment does not; a missing model shows when the draft is asked.
      notes.push(`Whether this workspace has the model ${use.provider}/${use.name} is not known: ${all.problem.reason}.`);
      continue;
    }
    const provider = providerOf(use, all.value);
    if (!provider.ok) return provider;
    providers.set(key, provider.value);
  }
  const root = rewritten(source.root, (mapping) => {
    const use = modelUse(mapping);
    const provider = use === undefined ? undefined : providers.get(modelKey(use));
    return use === undefined || provider === undefined ? mapping : withModel(mapping, provider, use.name);
  });
  return done({ source: providers.size === 0 ? source : source.with(root), notes });
};

const triggerOf = (mapping: Mapping): { readonly provider: string; readonly subscription: string } | undefined =>
  mapping['type'] === 'trigger-plugin' ? { provider: textOf(mapping['provider_id']), subscription: textOf(mapping['subscription_id']) } : undefined;

/** withSubscriptions looks up the subscriptions that the environment names, by id or by name. */
const withSubscriptions = async (application: Application, source: DifySource): Promise<Outcome<DifySource>> => {
  const named = new Set(Object.values(application.connection.environment.triggers ?? {}));
  const ids = new Map<string, string>();
  const wanted = usesIn(source.root, single(triggerOf)).filter((one) => named.has(one.subscription) && !isUuid(one.subscription));
  for (const { provider, subscription } of wanted) {
    const all = await subscriptionsOf(application, provider);
    if (!all.ok) return all;
    const id = onlyOne(`subscription of ${provider} named`, subscription, 'triggers', all.value.filter((one) => one.name === subscription), suggestion(subscription, all.value.map((one) => one.name)));
    if (!id.ok) return id;
    ids.set(`${provider} ${subscription}`, id.value);
  }
  const root = rewritten(source.root, (mapping) => {
    const use = triggerOf(mapping);
    const id = use === undefined ? undefined : ids.get(`${use.provider} ${use.subscription}`);
    return id === undefined ? mapping : { ...mapping, subscription_id: id };
  });
  return done(ids.size === 0 ? source : source.with(root));
};

/** fitToWorkspace replaces the names that an environment gives by ids of the target workspace. It asks only for what is used. */
export const fitToWorkspace = async (application: Application, given: DifySource): Promise<Outcome<Fitted>> => {
  const datasets = await withDatasets(application, given);
  if (!datasets.ok) return datasets;
  const tools = await withTools(application, datasets.value.source);
  if (!tools.ok) return tools;
  const subscriptions = await withSubscriptions(application, tools.value);
  if (!subscriptions.ok) return subscriptions;
  const models = await withModels(application, subscriptions.value);
  return models.ok ? done({ ...models.value, found: datasets.value.found }) : models;
};
