import type { EnvironmentRecord, Stored } from '@sluice/core';
import type { Lab } from '@sluice/lab';
import { openStage, valueOf, type Setting, type Stage } from './lab-stage.ts';
import { agentSetting, writeAgent } from './stage-settings.ts';

/** AgentCanaryStage is an agent with version 1 live and version 2 published, which nobody gets yet. */
export interface AgentCanaryStage {
  readonly stage: Stage;
  setting(canary?: Readonly<Record<string, unknown>>): Setting;
  routing(): ReturnType<Lab['agentrun']['routing']>;
  /** stored is what is recorded of the environment, with its revision. */
  stored(): Promise<Stored | undefined>;
  record(): Promise<EnvironmentRecord | undefined>;
  /** putRecord writes a record over whatever is stored, as a run that was killed leaves it. */
  putRecord(record: EnvironmentRecord): Promise<void>;
  /** expire lets the time of a waiting canary be over. */
  expire(): Promise<void>;
  /** begin is the state in which each test begins: everybody gets version 1 and nothing is under way. */
  begin(): Promise<void>;
}

/** openAgentCanaryStage makes such a stage; `plain` is what all its canaries have in common. */
export const openAgentCanaryStage = async (plain: Readonly<Record<string, unknown>> = {}): Promise<AgentCanaryStage> => {
  const stage = await openStage();
  const application = stage.lab.agentrun.createRuntime({ name: 'order-agent', endpoint: 'production' }).runtimeId;
  const setting = (canary: Readonly<Record<string, unknown>> = {}): Setting => {
    const agent = agentSetting(stage);
    return { ...agent, environment: { ...agent.environment, canary: { steps: ['25%', '50%'], every: '2m', minimum: 5, watch: ['errors'], ...plain, ...canary } } };
  };
  const stored = async () => valueOf(await stage.state.read(application, 'production'));
  const putRecord = async (record: EnvironmentRecord): Promise<void> => {
    valueOf(await stage.state.write(record, (await stored())?.revision));
  };
  const passed = async (step: 'deploy' | 'publish-version' | 'rollback', inputs: Readonly<Record<string, unknown>> = {}): Promise<void> => {
    const { result } = await stage.run(step, setting(), inputs);
    if (result.status !== 'passed') throw new Error(`${step}: ${result.reason}`);
  };
  await writeAgent(stage, 'two');
  await passed('deploy', { overwrite: true });
  await passed('publish-version');
  return {
    stage,
    setting,
    routing: () => stage.lab.agentrun.routing('order-agent', 'production'),
    stored,
    record: async () => (await stored())?.record,
    putRecord,
    expire: async () => {
      const found = await stored();
      if (found?.record.lease === undefined) throw new Error('there is no lease');
      await putRecord({ ...found.record, lease: { ...found.record.lease, until: Date.now() - 1 } });
    },
    begin: async () => {
      stage.lab.agentrun.setFaults('order-agent', undefined, {});
      await passed('rollback', { version: '1' });
      const found = await stored();
      if (found === undefined) return;
      const { rollout: _rollout, lease: _lease, ...rest } = found.record;
      await putRecord(rest);
    },
  };
};
