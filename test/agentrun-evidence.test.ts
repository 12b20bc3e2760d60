import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { LogRules } from '@sluice/lab';
import { openStage, type Setting, type Stage } from './lab-stage.ts';
import { writeAgent } from './stage-settings.ts';

const logs = { project: 'orders-logs', logstore: 'requests' };

jest.setTimeout(60_000);

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.close());

const setting = (): Setting => {
  const { control, data, sts, logs: service, metrics } = stage.lab.agentrun;
  return {
    source: 's.yaml',
    environment: {
      agentrun: { endpoint: 'production', control, data, sts, logs: service, metrics },
      canary: { steps: ['50%'], every: '4m', minimum: 20, watch: ['errors'], pairs: 0 },
    },
  };
};

/** users ask at the users' own endpoint, each in a session of their own, until they are stopped. */
const users = (): { stop(): Promise<void> } => {
  const url = `${stage.lab.agentrun.data}/agent-runtimes/order-agent/endpoints/production/invocations/openai/v1/chat/completions`;
  let stopped = false;
  const ask = async (): Promise<void> => {
    while (!stopped) {
      const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ messages: [{ role: 'user', content: '你好' }] }) });
      await answer.text();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const all = [ask(), ask(), ask()];
  return {
    stop: async () => {
      stopped = true;
      await Promise.all(all);
    },
  };
};

/** canary deploys and publishes a second version, and judges it by users' requests alone. */
const canary = async (rules: Partial<LogRules>, broken: boolean, factor = 100) => {
  stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production', logs });
  stage.lab.agentrun.setLogs(rules);
  await writeAgent(stage, 'two');
  await stage.run('deploy', setting(), { overwrite: true });
  const published = await stage.run('publish-version', setting());
  expect(published.result.outputs['version']).toBe('2');
  if (broken) stage.lab.agentrun.setFaults('order-agent', '1', { errors: 1 });
  const asking = users();
  const ran = await stage.run('canary', setting(), {}, { factor }).finally(() => asking.stop());
  return { ...ran, routing: stage.lab.agentrun.routing('order-agent', 'production') };
};

describe("a canary that is judged by users' requests in Log Service", () => {
  test('promotes a healthy version', async () => {
    const { result, routing, said } = await canary({}, false);
    expect([result.status, result.reason]).toEqual(['passed', expect.any(String)]);
    expect(routing.targetVersion).toBe('2');
    expect(`${JSON.stringify(result.evidence)} ${said.lines.join(' ')}`).toContain('agentrun request metrics');
  });

  test('aborts a version whose requests fail, and everybody is back on stable', async () => {
    const { result, routing } = await canary({}, true);
    expect({ status: result.status, category: result.category, reason: result.reason, evidence: result.evidence }).toEqual({ status: 'failed', category: 'gate', reason: expect.any(String), evidence: expect.anything() });
    expect(routing).toEqual({ targetVersion: '1', versionWeights: expect.not.arrayContaining([expect.objectContaining({ version: '2', weight: 0.5 })]) });
  });

  test('is inconclusive where request metrics are off, and everybody stays on stable', async () => {
    const { result, routing, said } = await canary({ requestMetrics: false }, false, 400);
    expect([result.status, result.category]).toEqual(['inconclusive', 'evidence']);
    expect(`${result.reason} ${JSON.stringify(result.evidence)} ${said.lines.join(' ')}`).toContain('request metrics are off');
    expect(routing.targetVersion).toBe('1');
  });
});

describe('the steps that only look', () => {
  test('list versions, say what runs and show failed runs, without values of environment variables', async () => {
    const agentrun = stage.lab.agentrun;
    agentrun.createRuntime({ name: 'order-agent', endpoint: 'production', logs, environmentVariables: { CRM_TOKEN: 'planted-7731' } });
    await writeAgent(stage, 'two');
    await stage.run('deploy', setting(), { overwrite: true });
    await stage.run('publish-version', setting(), {}, { commit: '0123456789abcdef0123456789abcdef01234567' });
    agentrun.writeLine('order-agent', '1', 'asked the CRM with planted-7731: 超时');

    const versions = await stage.run('versions', setting());
    expect(versions.result).toMatchObject({ status: 'passed', outputs: { count: '2', newest: '2', live: '1' }, reason: '2 published versions; 1 is live' });
    expect(versions.result.evidence).toMatchObject({ versions: [{ id: '2', live: false, share: 0, commit: '0123456789abcdef0123456789abcdef01234567' }, { id: '1', live: true, share: 100 }] });

    const info = await stage.run('info', setting());
    expect(info.result).toMatchObject({ status: 'passed', outputs: { live: '1', stable: '1', weight: '0' } });

    const lines = await stage.run('logs', setting(), { since: '5m' });
    expect(lines.result).toMatchObject({ status: 'passed', outputs: { entries: '1', more: 'false' } });
    expect(lines.said.lines.join('\n')).toContain('asked the CRM with ***: 超时');

    const wrong = await stage.run('logs', setting(), { since: '5 minutes ago' });
    expect(wrong.result).toMatchObject({ category: 'input', reason: expect.stringContaining('neither a duration nor a time') });

    for (const { result, said, sent } of [versions, info, lines]) {
      expect(JSON.stringify([result, said])).not.toContain('planted-7731');
      expect(sent.filter((one) => one !== 'POST /logstores/requests/logs')).toEqual([]);
    }
  });
});
