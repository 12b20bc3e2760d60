import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createCommandRunner, createFilePort, systemClock, type Connection, type Split, type Target } from '@sluice/core';
import { createNginxGateway, renderInclude, type GatewayKind } from '@sluice/gateway';
import { difyPlatform } from '@sluice/dify';
import { chatApp, chatflow, sourceOf, textOf, workflowApp, type Dsl } from '../../packages/dify/test/dsl.ts';
import { careful, some, withSecret } from '../../packages/dify/test/fixtures.ts';
import { connectionTo, openHouse, value, type House } from '../../packages/dify/test/harness.ts';
import { application, installed, startNginx, type Nginx } from './nginx-program.ts';

let house: House;
beforeAll(async () => {
  await installed();
  house = await openHouse();
});
afterAll(() => house.close());

const people = Array.from({ length: 400 }, (_, index) => `user-${index}`);
const weights = [5, 25, 50, 100, 0];

/** within says how far a count may be from its expectation: four standard deviations of a binomial count. */
const within = (share: number): number => 4 * Math.sqrt(people.length * share * (1 - share));

const included = (split: Split, kind: GatewayKind): string => value(renderInclude(split, { application, kind }));

/** connectionBehind is a connection whose gateway is the real nginx, which it tests and reloads by its own program. */
const connectionBehind = (nginx: Nginx, app: string, dsl: Dsl): Connection => ({
  ...connectionTo(house, app, sourceOf(dsl), {
    name: application,
    environment: { gateway: { address: `${nginx.origin}/v1`, nginx: { include: nginx.include, test: nginx.command('-t'), reload: nginx.command('-s', 'reload') } } },
  }),
  clock: systemClock(),
  commands: createCommandRunner({ path: process.env['PATH'] ?? '', home: '/' }),
  files: createFilePort(),
});

/** askAll has everybody ask once and gives the answers; any other status than 200 is an error. */
const askAll = async (address: string, key: string, body: object): Promise<readonly Record<string, unknown>[]> => {
  const answers: Record<string, unknown>[] = [];
  for (let at = 0; at < people.length; at += 20) {
    const asked = people.slice(at, at + 20).map(async (user) => {
      const answer = await fetch(address, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ ...body, user }) });
      if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
      return (await answer.json()) as Record<string, unknown>;
    });
    answers.push(...(await Promise.all(asked)));
  }
  return answers;
};

/** servedMore is how many more answers each version gave since a count before. */
const servedMore = (app: string, before: Readonly<Record<string, number>>): ((version: string) => number) => {
  const now = house.lab.served(app);
  return (version) => (now[version] ?? 0) - (before[version] ?? 0);
};

test.each<{ name: string; dsl: () => Dsl; kind: GatewayKind; path: string; body: object }>([
  { name: 'a chatflow', dsl: chatflow, kind: 'chat', path: 'chat-messages', body: { inputs: { city: '杭州' }, query: 'hello', response_mode: 'blocking' } },
  { name: 'a workflow app', dsl: workflowApp, kind: 'workflow', path: 'workflows/run', body: { inputs: { city: '杭州' }, response_mode: 'blocking' } },
])("$name in Dify meets each share of its users with the version that Dify's own log names", async ({ dsl, kind, path, body }) => {
  const app = house.lab.createApp(textOf(withSecret(dsl())));
  const next = withSecret(dsl());
  if (next.workflow !== undefined) next.workflow.features['opening_statement'] = 'next';
  const nginx = await startNginx({ upstream: house.lab.origin, kind, text: included({ stable: '', weight: 0 }, kind) });
  try {
    const target: Target = value(await difyPlatform.connect(connectionBehind(nginx, app.appId, next)));
    value(await target.deploy(sourceOf(next), careful));
    const candidate = value(await target.publish({ name: 'next', marks: {} })).id;
    const traffic = some(target.traffic);
    const stable = app.published ?? '';
    let now = value(await traffic.read());
    expect(now).toEqual({ split: { stable, weight: 0 }, reach: 'serving' });
    for (const weight of weights) {
      now = value(await traffic.set(now.split, { stable, candidate, weight }));
      const before = house.lab.served(app.appId);
      await askAll(`${nginx.origin}/v1/${path}`, app.apiKey, body);
      const served = servedMore(app.appId, before);
      expect(served(stable) + served(candidate)).toBe(people.length);
      expect(Math.abs(served(candidate) - (people.length * weight) / 100)).toBeLessThanOrEqual(within(weight / 100));
    }
  } finally {
    await nginx.close();
  }
});

test('a completion app and its twin in Dify share the users by weight, with one key', async () => {
  const completion = (brief: string): string => {
    const dsl = chatApp();
    return textOf({ ...dsl, app: { ...dsl.app, mode: 'completion', name: brief }, model_config: { ...dsl.model_config, pre_prompt: brief, user_input_form: [] } });
  };
  const [app, twin] = [house.lab.createApp(completion('stable')), house.lab.createApp(completion('candidate'))];
  const nginx = await startNginx({ upstream: house.lab.origin, kind: 'twin', text: included({ stable: '', weight: 0 }, 'twin'), swap: { app: app.apiKey, twin: twin.apiKey } });
  try {
    const connection = connectionBehind(nginx, app.appId, chatApp());
    const { gateway } = connection.environment;
    if (gateway === undefined) throw new Error('no gateway');
    const traffic = createNginxGateway({ application, kind: 'twin', gateway, api: house.lab.origin, connection });
    let split: Split = { stable: '', weight: 0 };
    for (const weight of [0, ...weights]) {
      const wanted = { stable: app.appId, candidate: twin.appId, weight };
      split = value(await traffic.set(split, wanted)).split;
      const said = (await askAll(`${nginx.origin}/v1/completion-messages`, app.apiKey, { inputs: {}, response_mode: 'blocking' })).map(({ answer }) => String(answer));
      const met = said.filter((answer) => answer.startsWith('candidate')).length;
      expect(said.filter((answer) => answer.startsWith('stable'))).toHaveLength(people.length - met);
      expect(Math.abs(met - (people.length * weight) / 100)).toBeLessThanOrEqual(within(weight / 100));
    }
  } finally {
    await nginx.close();
  }
});
