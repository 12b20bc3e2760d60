import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { DeployOptions } from '@sluice/core';
import type { DifyVersion } from '@sluice/lab';
import { overlay } from '../src/source/overlay.ts';
import { DifySource } from '../src/source/source.ts';
import { chatflow, node, sourceOf, type Dsl } from './dsl.ts';
import { careful, greeting, madeIn, withSecret } from './fixtures.ts';
import { environmentOf, openHouse, secretsOf, targetOf, value, type House } from './harness.ts';
import { startProxy, type Proxy, type Verdict } from './proxy.ts';

/*
 * Deploying, reading back and publishing take at most twelve requests, the login among them, whatever the app's past was.
 * Names and datasets that are looked up in the workspace cost one request for each list on top.
 */
const releases = ['1.4.0', '1.9.1', '1.12.1', '1.13.3'] as const satisfies readonly DifyVersion[];

interface Server {
  readonly house: House;
  readonly proxy: Proxy;
}
const servers = new Map<string, Server>();
beforeAll(async () => {
  for (const release of releases) {
    const house = await openHouse(release);
    servers.set(release, { house, proxy: await startProxy(house.lab.origin) });
  }
});
afterEach(() => {
  for (const { proxy } of servers.values()) proxy.rule = () => 'pass';
});
afterAll(async () => {
  for (const { house, proxy } of servers.values()) {
    await proxy.close();
    await house.close();
  }
});

const serverOf = (release: string): Server => {
  const server = servers.get(release);
  if (server === undefined) throw new Error(`no lab of ${release}`);
  return server;
};

/** withPlugins declares what the file needs, as the export of almost every real app does: it costs a request. */
const withPlugins = (dsl: Dsl): Dsl => ({ ...dsl, dependencies: [{ type: 'marketplace', value: { marketplace_plugin_unique_identifier: 'langgenius/openai:0.2.7@abc' } }] }) as Dsl;
const next = (): Dsl => withPlugins(greeting('next'));
const made = ({ house }: Server, publish = true): string => madeIn(house, withSecret(chatflow()), publish).appId;

/** Past is an app with its past, and what is remembered of it. */
interface Past {
  readonly app: string;
  readonly options?: Partial<DeployOptions>;
}

const released = async (server: Server, marks: { readonly commit?: string }): Promise<Past> => {
  const app = made(server);
  const source = sourceOf(greeting('earlier'));
  const target = await targetOf(server.house, app, source);
  value(await target.deploy(source, { ...careful, overwrite: true }));
  value(await target.publish({ name: 'earlier', marks }));
  return { app, options: { ours: [source.digest] } };
};

const requestsOf = async ({ house, proxy }: Server, past: Past, dsl: Dsl, environment: Readonly<Record<string, unknown>> = {}): Promise<readonly string[]> => {
  const dify = past.app === '' ? { console: proxy.origin } : `${proxy.origin}/app/${past.app}/workflow`;
  const source = value(overlay(sourceOf(dsl), environmentOf({ dify, ...environment }), secretsOf({})));
  if (!(source instanceof DifySource)) throw new Error('no source');
  const target = await targetOf(house, past.app, source, { environment: { dify, ...environment } });
  proxy.seen.splice(0);
  const { version } = value(await target.deploy(source, { ...careful, ...past.options }));
  const published = value(await target.publish({ name: 'next', marks: { commit: '0123456789ab' }, digest: version.digest ?? '' }));
  expect(published.digest).toBe(version.digest);
  return proxy.seen.map(({ method, path }) => `${method} ${path.replace('/console/api', '').replace(target.application, ':app')}`);
};

describe.each(releases)('deploying, reading back and publishing on %s', (release) => {
  test.each<[string, (server: Server) => Past | Promise<Past>]>([
    ['a first release, of an app that was published by hand', (server) => ({ app: made(server) })],
    ['a first release, of an app that was never published', (server) => ({ app: made(server, false), options: { overwrite: true } })],
    ['a first release, of an app that is not there yet', () => ({ app: '', options: { create: true } })],
    ['a later release', (server) => released(server, { commit: '0123456789ab' })],
    ['a later release that is not remembered', async (server) => ({ app: (await released(server, { commit: '0123456789ab' })).app })],
    ['a rollback before it, of which the record knows nothing', async (server) => ({ app: (await released(server, { commit: '0123456789ab' })).app, options: { ours: ['sha256:other'], overwrite: release === '1.4.0' } })],
    ['a publication by hand that is overwritten', async (server) => ({ app: (await released(server, {})).app, options: { ours: ['sha256:other'], overwrite: true } })],
  ])('%s: at most 12 requests', async (_name, past) => {
    const server = serverOf(release);
    const begun = await past(server);
    const dsl = withSecret(next());
    const requests = await requestsOf(server, begun, begun.app === '' ? { ...dsl, app: { ...dsl.app, name: 'brand new' } } : dsl);
    expect(requests.length).toBeLessThanOrEqual(12);
    for (const once of [/^POST \/login$/, /^POST \/apps\/imports$/, /^POST .*\/workflows\/publish$/]) expect(requests.filter((one) => once.test(one))).toHaveLength(1);
  });

  test('an import that has to be confirmed', async () => {
    const server = serverOf(release);
    const requests = await requestsOf(server, { app: made(server, false), options: { overwrite: true } }, { ...next(), version: '9.0.0' });
    expect(requests.filter((one) => one.endsWith('/confirm'))).toHaveLength(1);
    expect(requests.length).toBeLessThanOrEqual(12);
  });
});

describe('what is looked up in the workspace costs, on top,', () => {
  const dataset = '4c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f';
  const json = (body: unknown): Verdict => ({ status: 200, body: JSON.stringify(body) });
  const answering = (proxy: Proxy): void => {
    proxy.rule = ({ path }) => {
      if (path.includes('/datasets?')) return json({ data: [{ id: dataset, name: 'FAQ' }], has_more: false });
      if (path.includes('/tool-providers?')) return json([{ id: dataset, name: 'CRM', type: 'api', server_identifier: null }]);
      return path.includes('/model-types/') ? json({ data: [{ provider: 'langgenius/openai/openai', models: [{ model: 'gpt-5' }] }] }) : 'pass';
    };
  };
  const using = (id: string): Dsl => {
    const dsl = greeting('lookups');
    dsl.workflow?.graph?.nodes.push(
      node('kb', 'knowledge-retrieval', { dataset_ids: id === '' ? [] : [id], query_variable_selector: ['start', 'city'] }),
      node('crm', 'tool', { provider_id: 'crm-old', provider_type: 'api', provider_name: 'CRM', tool_name: 'find' }),
    );
    return withPlugins(dsl);
  };

  test.each<[string, string, Readonly<Record<string, unknown>>, number]>([
    ['nothing', '', {}, 0],
    ['one request: datasets by id, which must be there', dataset, {}, 1],
    ['one request for each dataset by name, which are not asked about again', 'old', { datasets: { old: 'FAQ' } }, 1],
    ['one request for the tools of one type', '', { tools: { 'crm-old': 'CRM' } }, 1],
    ['one request for the models of one type', '', { models: { 'gpt-4o': 'gpt-5' } }, 1],
    ['one request for each of the three', 'old', { datasets: { old: 'FAQ' }, tools: { 'crm-old': 'CRM' }, models: { 'gpt-4o': 'gpt-5' } }, 3],
  ])('%s', async (_name, id, environment, more) => {
    const server = serverOf('1.12.1');
    answering(server.proxy);
    const plain = await requestsOf(server, { app: made(server) }, next());
    const requests = await requestsOf(server, { app: made(server) }, using(id), environment);
    expect(requests.length - plain.length).toBe(more);
    // Of an app that is published already, one lookup stays within the twelve.
    if (more <= 1) expect(requests.length).toBeLessThanOrEqual(12);
  });
});
