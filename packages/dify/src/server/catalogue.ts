import { done, failed, type Outcome } from '@sluice/core';
import * as z from 'zod/mini';
import { shaped } from './answer.ts';
import type { Application } from './application.ts';
import { appEntryShape, type AppEntry } from './shapes.ts';

/** Named is an entry of one of a workspace's lists. */
export interface Named {
  readonly id: string;
  readonly name: string;
  /** note tells entries of one name apart, for people. */
  readonly note: string;
}

const text = z.pipe(z.nullish(z.string()), z.transform((value) => value ?? ''));

const datasetsShape = z.object({ data: z.array(z.object({ id: z.string(), name: z.string() })), has_more: z.boolean() });

const appsShape = z.object({ data: z.array(appEntryShape), has_more: z.boolean() });

const providersShape = z.array(z.object({ id: z.string(), name: z.string(), type: text, server_identifier: text }));

const modelsShape = z.object({ data: z.array(z.object({ provider: z.string(), models: z.array(z.object({ model: z.string() })) })) });

const statesShape = z.object({ data: z.array(z.object({ model: z.string(), model_type: text, status: text, deprecated: z.nullish(z.boolean()) })) });

const defaultShape = z.object({ data: z.nullish(z.object({ model: z.string() })) });

const toolsShape = z.array(z.object({ id: z.string(), name: z.string(), server_identifier: text, is_team_authorization: z.nullish(z.boolean()), tools: z.array(z.object({ name: z.string() })) }));

const identity = z.object({ name: z.string() });

const strategiesShape = z.array(z.object({ declaration: z.object({ identity, strategies: z.array(z.object({ identity })) }) }));

const triggersShape = z.array(z.object({ name: z.string(), events: z.array(z.object({ name: z.string() })) }));

const subscriptionsShape = z.array(z.object({ id: z.string(), name: text }));

const pluginsShape = z.object({ plugins: z.array(z.object({ plugin_unique_identifier: z.string() })), total: z.nullish(z.number()) });

/** pageSize is the most that Dify gives at once; mostPages bounds a list that never ends. */
const pageSize = 100;
const mostPages = 100;

const read = async <T>({ session, address }: Application, path: string, shape: z.ZodMiniType<T>, tried: string): Promise<Outcome<T>> => {
  const body = await session.json({ method: 'GET', path, tried });
  return body.ok ? shaped(shape, body.value, tried, `${address.console}${path}`) : body;
};

/** allPages reads a list to its end; `query` is what follows page and limit. */
const allPages = async <T>(
  application: Application,
  path: string,
  query: string,
  shape: z.ZodMiniType<{ data: T[]; has_more: boolean }>,
  tried: string,
): Promise<Outcome<readonly T[]>> => {
  const found: T[] = [];
  for (let page = 1; page <= mostPages; page += 1) {
    const list = await read(application, `${path}?page=${page}&limit=${pageSize}${query}`, shape, tried);
    if (!list.ok) return list;
    found.push(...list.value.data);
    if (!list.value.has_more) return done(found);
  }
  return failed({ category: 'platform', reason: `the list has more than ${mostPages * pageSize} entries`, tried, where: `${application.address.console}${path}`, hint: 'Name the entry by its id.' });
};

/** datasetsNamed lists the knowledge bases of exactly this name; the server itself looks for a part of it. */
export const datasetsNamed = async (application: Application, name: string): Promise<Outcome<readonly Named[]>> => {
  const all = await allPages(application, '/datasets', `&keyword=${encodeURIComponent(name)}`, datasetsShape, `find the dataset ${name}`);
  return all.ok ? done(all.value.filter((one) => one.name === name).map((one) => ({ ...one, note: '' }))) : all;
};

/** datasetsThere gives those of the ids that the workspace has. */
export const datasetsThere = async (application: Application, ids: readonly string[]): Promise<Outcome<ReadonlySet<string>>> => {
  const there = new Set<string>();
  for (let from = 0; from < ids.length; from += pageSize) {
    const query = ids.slice(from, from + pageSize).map((id) => `&ids=${id}`).join('');
    const list = await read(application, `/datasets?page=1&limit=${pageSize}${query}`, datasetsShape, 'look for the datasets of the app');
    if (!list.ok) return list;
    for (const { id } of list.value.data) there.add(id);
  }
  return done(there);
};

/** appsWith lists the apps with a text in their names; the server looks for its first 30 characters only. */
export const appsWith = (application: Application, name: string): Promise<Outcome<readonly AppEntry[]>> => {
  const part = [...name].slice(0, 30).join('');
  return allPages(application, '/apps', `&name=${encodeURIComponent(part)}`, appsShape, `look for an app named ${name}`);
};

/** appsNamed lists the apps of exactly this name. */
export const appsNamed = async (application: Application, name: string): Promise<Outcome<readonly Named[]>> => {
  const all = await appsWith(application, name);
  return all.ok ? done(all.value.filter((one) => one.name === name).map(({ id, mode }) => ({ id, name, note: mode }))) : all;
};

/** toolProviders lists the workspace's own tool providers of one type. An MCP server is found by its identifier. */
export const toolProviders = async (application: Application, type: string): Promise<Outcome<readonly Named[]>> => {
  const list = await read(application, `/workspaces/current/tool-providers?type=${type}`, providersShape, `list the ${type} tools of the workspace`);
  if (!list.ok) return list;
  const own = list.value.filter((one) => one.type === type);
  return done(own.map((one) => ({ id: type === 'mcp' && one.server_identifier !== '' ? one.server_identifier : one.id, name: one.name, note: '' })));
};

/** modelsOf lists the usable models of one type; the note is the provider. */
export const modelsOf = async (application: Application, kind: string): Promise<Outcome<readonly Named[]>> => {
  const list = await read(application, `/workspaces/current/models/model-types/${kind}`, modelsShape, `list the ${kind} models of the workspace`);
  if (!list.ok) return list;
  return done(list.value.data.flatMap(({ provider, models }) => models.map(({ model }) => ({ id: `${provider}/${model}`, name: model, note: provider }))));
};

/** ModelState is one model of a provider, usable or not. */
export interface ModelState {
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  readonly deprecated: boolean;
}

/** pathOf is a provider's id as a part of a path; undefined where it is none, such as one that leads elsewhere. The id comes from the source. */
const pathOf = (provider: string): string | undefined => {
  const parts = provider.split('/');
  return parts.some((part) => part === '' || /^\.+$/.test(part)) ? undefined : parts.map(encodeURIComponent).join('/');
};

/** modelStates lists all models of a provider with their states; a provider that the workspace does not have has none. */
export const modelStates = async (application: Application, provider: string): Promise<Outcome<readonly ModelState[]>> => {
  const path = pathOf(provider);
  if (path === undefined) return done([]);
  const list = await read(application, `/workspaces/current/model-providers/${path}/models`, statesShape, `list the models of ${provider}`);
  return list.ok ? done(list.value.data.map((one) => ({ name: one.model, kind: one.model_type, status: one.status, deprecated: one.deprecated === true }))) : list;
};

/** defaultModel is the model that the workspace has chosen for a kind; undefined when it has chosen none. */
export const defaultModel = async (application: Application, kind: string): Promise<Outcome<string | undefined>> => {
  const chosen = await read(application, `/workspaces/current/default-model?model_type=${kind}`, defaultShape, `find the default ${kind} model`);
  return chosen.ok ? done(chosen.value.data?.model) : chosen;
};

/** ToolList is a provider of tools with the names of its tools. */
export interface ToolList {
  readonly id: string;
  readonly name: string;
  readonly authorized: boolean;
  readonly tools: readonly string[];
}

/** toolsOf lists the tools of one type with their providers. An MCP server is found by its identifier. */
export const toolsOf = async (application: Application, type: string): Promise<Outcome<readonly ToolList[]>> => {
  const list = await read(application, `/workspaces/current/tools/${type}`, toolsShape, `list the ${type} tools of the workspace`);
  if (!list.ok) return list;
  return done(list.value.map((one) => ({ id: type === 'mcp' && one.server_identifier !== '' ? one.server_identifier : one.id, name: one.name, authorized: one.is_team_authorization !== false, tools: one.tools.map(({ name }) => name) })));
};

/** ProviderParts is what a plugin provides: strategies of agents, or events of triggers. */
export interface ProviderParts {
  readonly id: string;
  readonly parts: readonly string[];
}

/** strategyProviders lists the strategies of agents (Dify >= 1.0). */
export const strategyProviders = async (application: Application): Promise<Outcome<readonly ProviderParts[]>> => {
  const list = await read(application, '/workspaces/current/agent-providers', strategiesShape, 'list the agent strategies of the workspace');
  return list.ok ? done(list.value.map(({ declaration }) => ({ id: declaration.identity.name, parts: declaration.strategies.map((one) => one.identity.name) }))) : list;
};

/** triggerProviders lists the triggers of plugins with their events (Dify >= 1.10). */
export const triggerProviders = async (application: Application): Promise<Outcome<readonly ProviderParts[]>> => {
  const list = await read(application, '/workspaces/current/triggers', triggersShape, 'list the triggers of the workspace');
  return list.ok ? done(list.value.map(({ name, events }) => ({ id: name, parts: events.map((one) => one.name) }))) : list;
};

/** someDatasets gives the names of the first knowledge bases, for people. */
export const someDatasets = async (application: Application): Promise<Outcome<readonly string[]>> => {
  const list = await read(application, `/datasets?page=1&limit=${pageSize}`, datasetsShape, 'list the datasets of the workspace');
  return list.ok ? done(list.value.data.map(({ name }) => name)) : list;
};

/** subscriptionsOf lists the subscriptions of a trigger's provider (Dify >= 1.10). */
export const subscriptionsOf = async (application: Application, provider: string): Promise<Outcome<readonly Named[]>> => {
  const path = pathOf(provider);
  if (path === undefined) return done([]);
  const list = await read(application, `/workspaces/current/trigger-provider/${path}/subscriptions/list`, subscriptionsShape, `list the subscriptions of ${provider}`);
  return list.ok ? done(list.value.map((one) => ({ ...one, note: '' }))) : list;
};

/** mostPlugins is the most that Dify gives at once; a release that tells no total gives all (Dify 1.4.0). */
const mostPlugins = 256;

/** installedPlugins gives the workspace's plugins by their whole identifiers, as in `langgenius/openai:0.2.7@…` (Dify >= 1.0). */
export const installedPlugins = async (application: Application): Promise<Outcome<readonly string[]>> => {
  const found: string[] = [];
  for (let page = 1; page <= mostPages; page += 1) {
    const list = await read(application, `/workspaces/current/plugin/list?page=${page}&page_size=${mostPlugins}`, pluginsShape, 'list the plugins of the workspace');
    if (!list.ok) return list;
    found.push(...list.value.plugins.map((one) => one.plugin_unique_identifier));
    if (list.value.plugins.length === 0 || found.length >= (list.value.total ?? 0)) return done(found);
  }
  return failed({ category: 'platform', reason: `the list has more than ${mostPages * mostPlugins} entries`, tried: 'list the plugins of the workspace', where: application.address.console });
};

/** onlyOne gives the id of the one entry; none or several are an `input` problem that lists them. */
export const onlyOne = (what: string, name: string, setting: string, found: readonly Named[], near?: string): Outcome<string> => {
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return done(only.id);
  if (only === undefined) {
    return failed({ category: 'input', reason: `this workspace has no ${what} "${name}"`, hint: near ?? `Create it, or correct ${setting} in sluice.yml.` });
  }
  return failed({
    category: 'input',
    reason: `this workspace has ${found.length} ${what}s "${name}"`,
    hint: `Name one by its id under ${setting} in sluice.yml: ${found.map((one) => (one.note === '' ? one.id : `${one.id} (${one.note})`)).join(', ')}.`,
  });
};
