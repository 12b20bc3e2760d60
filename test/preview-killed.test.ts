import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createHttpClient, failed, previewDescription, systemClock, type HttpClient, type Outcome } from '@sluice/core';
import { AgentRunApi } from '../packages/agentrun/src/server/api.ts';
import { AgentRunClient } from '../packages/agentrun/src/server/client.ts';
import { fixed } from '../packages/agentrun/src/credentials/session.ts';
import { openStage, valueOf, type Ran, type RunOptions, type Setting, type Stage } from './lab-stage.ts';
import { saying, writeAgent } from './stage-settings.ts';

/* A run that dies before or after any of its requests leaves at most one preview, and one with a mark, which the next run goes on with. */

let stage: Stage;
const http = createHttpClient({ clock: systemClock(), signal: new AbortController().signal, userAgent: 'test', loopbackOnly: true });

const dify = (): Setting => ({ environment: { preview: true, dify: stage.lab.dify.origin } });
const agentrun = (): Setting => ({ source: 's.yaml', environment: { preview: true, agentrun: { control: stage.lab.agentrun.control, data: stage.lab.agentrun.data } } });

beforeAll(async () => {
  stage = await openStage();
}, 30_000);
afterAll(async () => {
  await http.close();
  await stage.close();
});
beforeEach(async () => {
  await stage.write('app.yml', saying('first'));
  await writeAgent(stage, 'first');
});

const api = (): AgentRunApi =>
  new AgentRunApi(new AgentRunClient({ http, clock: systemClock(200), signal: new AbortController().signal, credentials: fixed(stage.lab.agentrun.credentials), control: stage.lab.agentrun.control, readOnly: false }));

const headers = (): Record<string, string> => ({ authorization: `Bearer ${stage.lab.dify.credentials.adminKey}`, 'x-workspace-id': stage.lab.dify.credentials.workspaceId });

/** seen are the previews that a platform has, by name and description; what is being deleted is gone. */
const seen = {
  dify: async (): Promise<readonly string[]> => {
    const answer = await fetch(`${stage.lab.dify.origin}/console/api/apps?limit=100`, { headers: headers() });
    const { data } = (await answer.json()) as { data: { name: string; description: string }[] };
    return data.filter(({ name }) => name.startsWith('bot ')).map(({ name, description }) => `${name}: ${description}`);
  },
  agentrun: async (): Promise<readonly string[]> => {
    const listed = valueOf(await api().runtimesBeginning('order-agent'));
    return listed.filter(({ status }) => status !== 'DELETING').map(({ name, shown }) => `${name}: ${String(shown['description'])}`);
  },
} as const;

const run = (platform: keyof typeof seen, inputs: Readonly<Record<string, unknown>> = {}, options: RunOptions = {}): Promise<Ran> =>
  stage.run('preview', platform === 'dify' ? dify() : agentrun(), { name: 'pr-12', ...inputs }, options);

/**
 * Death is a run that is killed at its nth request that is no GET: before the server hears of it, or once it has answered.
 * Nothing of it comes afterwards. Between two of these nothing changes, so that a death there leaves what these leave.
 */
interface Death {
  readonly wrap: (http: HttpClient) => HttpClient;
  readonly signal: AbortSignal;
  requests(): number;
}

const dying = (at: number, when: 'before' | 'after'): Death => {
  const controller = new AbortController();
  let requests = 0;
  const dead = failed({ category: 'cancelled', reason: 'the run is dead' });
  const around = async <T>(method: string, send: () => Promise<Outcome<T>>): Promise<Outcome<T>> => {
    if (controller.signal.aborted) return dead;
    if (method === 'GET') return send();
    requests += 1;
    if (requests !== at) return send();
    if (when === 'after') await send();
    controller.abort();
    return dead;
  };
  return {
    wrap: (real) => ({
      send: (request) => around(request.method, () => real.send(request)),
      stream: (request) =>
        around(request.method, async () => {
          const opened = await real.stream(request);
          // A process that dies leaves no connection open, as one that nobody reads would stay.
          if (requests === at && opened.ok && opened.value.kind === 'events') for await (const _event of opened.value.events) if (controller.signal.aborted) break;
          return opened;
        }),
      close: () => real.close(),
    }),
    signal: controller.signal,
    requests: () => requests,
  };
};

const titles = { dify: 'bot pr-12', agentrun: 'order-agent-pr-12' } as const;

test.each(['dify', 'agentrun'] as const)('%s: killed at any request, the next run has exactly one preview, and its removal leaves none', async (platform) => {
  const whole = dying(0, 'before');
  expect((await run(platform, {}, { http: whole.wrap })).result).toMatchObject({ status: 'passed', outputs: { url: expect.stringContaining('http') } });
  expect((await run(platform, { remove: true })).result.outputs).toMatchObject({ removed: 'pr-12' });
  expect(await seen[platform]()).toEqual([]);
  const marked = `${titles[platform]}: ${previewDescription({ name: 'pr-12', project: 'bot' })}`;
  let left = 0;
  for (let at = 1; at <= whole.requests(); at += 1) {
    for (const when of ['before', 'after'] as const) {
      const death = dying(at, when);
      await run(platform, {}, { http: death.wrap, signal: death.signal });
      const after = await seen[platform]();
      if (after.length > 0) {
        expect({ at, when, after }).toEqual({ at, when, after: [marked] });
        left += 1;
      }
      const next = await run(platform);
      expect({ at, when, ...next.result }).toMatchObject({ at, when, status: 'passed' });
      expect({ at, when, there: await seen[platform]() }).toEqual({ at, when, there: [marked] });
      expect({ at, when, ...(await run(platform, { remove: true })).result.outputs }).toMatchObject({ at, when, removed: 'pr-12' });
      expect({ at, when, there: await seen[platform]() }).toEqual({ at, when, there: [] });
    }
  }
  // The walk has passed the creation: most of its deaths left a preview behind.
  expect(left).toBeGreaterThan(3);
}, 120_000);

test.each(['dify', 'agentrun'] as const)('%s: a removal that is killed at any request is ended by the next one', async (platform) => {
  await run(platform);
  const whole = dying(0, 'before');
  await run(platform, { remove: true }, { http: whole.wrap });
  for (let at = 1; at <= whole.requests(); at += 1) {
    for (const when of ['before', 'after'] as const) {
      if ((await seen[platform]()).length === 0) expect((await run(platform)).result.status).toBe('passed');
      const death = dying(at, when);
      await run(platform, { remove: true }, { http: death.wrap, signal: death.signal });
      const next = await run(platform, { remove: true });
      expect({ at, when, ...next.result }).toMatchObject({ at, when, status: 'passed' });
      expect({ at, when, there: await seen[platform]() }).toEqual({ at, when, there: [] });
    }
  }
}, 120_000);

/** meeting makes runs whose first request of a kind waits until that of each of them has come. */
const meeting = (kind: RegExp, runs: number): (() => (http: HttpClient) => HttpClient) => {
  const waiting: (() => void)[] = [];
  const met = (): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length === runs) for (const go of waiting) go();
    });
  return () => {
    let came = false;
    return (real) => ({
      send: async (request) => {
        const first = !came && kind.test(`${request.method} ${new URL(request.url).pathname}`);
        came ||= first;
        if (first) await met();
        return real.send(request);
      },
      stream: (request) => real.stream(request),
      close: () => real.close(),
    });
  };
};

test.each([
  ['dify', /^POST .*\/apps\/imports$/],
  ['agentrun', /^POST .*\/agents\/runtimes$/],
] as const)('%s: two pushes that make their preview at the same moment leave one, and who passes gives its address', async (platform, creation) => {
  const meet = meeting(creation, 2);
  const runs = await Promise.all([run(platform, {}, { http: meet() }), run(platform, {}, { http: meet() })]);
  const passed = runs.filter(({ result }) => result.status === 'passed');
  expect(passed.length).toBeGreaterThan(0);
  expect(await seen[platform]()).toHaveLength(1);
  const third = await run(platform);
  expect(third.result).toMatchObject({ status: 'passed' });
  for (const { result } of passed) expect(result.outputs['application']).toBe(third.result.outputs['application']);
  await run(platform, { remove: true });
  expect(await seen[platform]()).toEqual([]);
}, 60_000);
