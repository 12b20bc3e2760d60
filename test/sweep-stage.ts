import type { EnvironmentRecord, Json, Lease, StateStore } from '@sluice/core';
import { valueOf, type RunOptions, type Setting, type Stage } from './lab-stage.ts';

/** leftOpen leaves a canary at 25 % of the users as a killed run does: its split is there, and its record with a lease of the caller's. */
export const leftOpen = async (stage: Stage, setting: Setting, application: string, lease: Lease | undefined, options: RunOptions = {}): Promise<EnvironmentRecord> => {
  const cancelled = new AbortController();
  let captured: EnvironmentRecord | undefined;
  const state: StateStore = {
    ...stage.state,
    write: async (record, revision) => {
      const rollout = record.rollout as { permission?: object; windows?: number } | undefined;
      if (captured === undefined && rollout?.permission !== undefined && (rollout.windows ?? 0) >= 1) {
        captured = record;
        cancelled.abort();
      }
      return stage.state.write(record, revision);
    },
  };
  const ran = await stage.run('canary', setting, {}, { ...options, state, signal: cancelled.signal });
  const { candidate } = ran.result.outputs;
  if (captured === undefined || candidate === undefined) throw new Error(`no canary was begun: ${ran.result.reason}`);
  const set = await stage.run('canary', setting, { mode: 'set', weight: '25%', candidate }, options);
  if (set.result.status !== 'passed') throw new Error(set.result.reason);
  const { lease: _own, rollout, ...record } = captured;
  // On a slow machine one look may take so long that the next weight is due after it.
  const first = { ...Object(rollout), stage: 0, permission: { ...Object(Object(rollout).permission), weight: 25 } } as Json;
  const left = { ...record, rollout: first, ...(lease === undefined ? {} : { lease }) };
  const found = valueOf(await stage.state.read(application, 'production'));
  valueOf(await stage.state.write(left, found?.revision));
  return left;
};
