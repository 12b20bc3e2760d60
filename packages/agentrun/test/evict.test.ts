import { afterEach, expect, test } from '@jest/globals';
import { policyOf } from '../src/credentials/policy.ts';
import { agentYaml, careful, must, startBench, type Bench } from './fixture.ts';

let bench: Bench | undefined;
afterEach(() => bench?.close());

test.each([[true], [false]])('sessions on an aborted version are ended only where sluice.yml wants it (%p), and LATEST stays', async (evict) => {
  bench = await startBench({ pollsToReady: 0 });
  const source = bench.project.source(agentYaml());
  const target = must(await bench.connect(source, { settings: { evict } }));
  must(await target.deploy(source, { ...careful, create: true }));
  must(await target.publish({ name: '1', marks: {} }));
  const { traffic } = target;
  if (traffic === undefined) throw new Error('no traffic');
  must(await traffic.set({ stable: '', weight: 0 }, { stable: '1', weight: 0 }));
  must(await target.deploy(bench.project.source(agentYaml(['description: second'])), careful));
  must(await target.publish({ name: '2', marks: {} }));
  const share = { stable: '1', candidate: '2', weight: 10 };
  must(await traffic.set({ stable: '1', weight: 0 }, share));
  const before = bench.lab.code('order-agent', 'LATEST');
  const puts = (): number => bench?.lab.calls().filter(({ action }) => action === 'agentrun:UpdateAgentRuntime').length ?? 0;
  const sofar = puts();
  const { linger } = must(await traffic.set(share, { stable: '1', weight: 0 }));
  expect(puts() - sofar).toBe(evict ? 1 : 0);
  expect(linger).toContain(evict ? 'asked to end the sessions' : 'may stay there');
  expect(linger).not.toContain('not seen');
  expect(bench.lab.code('order-agent', 'LATEST')).toEqual(before);
  expect(must(await target.inspect())).toMatchObject({ live: { id: '1' } });
});

test('the right to end sessions is given only where it is wanted', () => {
  const scope = { region: 'r', account: 'a', workspace: 'w', runtime: 'n', endpoint: 'e' };
  const actions = (evicts: boolean): readonly string[] => policyOf('canary', { ...scope, evicts }).Statement.flatMap(({ Action }) => Action);
  expect(actions(true)).toContain('agentrun:UpdateAgentRuntime');
  expect(actions(false)).not.toContain('agentrun:UpdateAgentRuntime');
});
