import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { systemClock, type Target } from '@sluice/core';
import { fixed } from '../src/credentials/session.ts';
import { AgentRunApi } from '../src/server/api.ts';
import { AgentRunClient } from '../src/server/client.ts';
import { agentYaml, must, overwrite, startBench, type Bench } from './fixture.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.close());

const connected = async (): Promise<Target> => must(await bench.connect(bench.project.source(agentYaml())));

test('more versions than a page holds are listed, by number and without LATEST', async () => {
  const { runtimeId } = bench.lab.createRuntime({ name: 'order-agent', endpoint: 'production' });
  const api = new AgentRunApi(new AgentRunClient({ http: bench.http, clock: systemClock(200), signal: new AbortController().signal, credentials: fixed(bench.lab.credentials), control: bench.lab.control, readOnly: false }));
  for (let count = 2; count <= 104; count += 1) must(await api.publishVersion(runtimeId, `number ${count}`, []));
  const { versions } = await connected();
  const ids = must(await (await connected()).versions?.() ?? { ok: true, value: [] }).map(({ id }) => id);
  expect(versions).toBeDefined();
  expect(ids).toEqual(Array.from({ length: 104 }, (_, index) => String(104 - index)));
});

test('a version carries commit and run, and unchanged content is not published again', async () => {
  bench.lab.createRuntime({ name: 'order-agent', endpoint: 'production' });
  const target = await connected();
  must(await target.deploy(bench.project.source(agentYaml()), overwrite));
  const marks = { commit: '0123456789abcdef0123456789abcdef01234567', runUrl: 'https://ci.example.com/runs/1' };
  const first = must(await target.publish({ name: 'release 1', marks }));
  expect(first).toMatchObject({ id: '2', comment: expect.stringContaining('commit=0123456789abcdef0123456789abcdef01234567 run=https://ci.example.com/runs/1') });
  expect(must(await target.publish({ name: 'release 2', marks })).id).toBe('2');
});
