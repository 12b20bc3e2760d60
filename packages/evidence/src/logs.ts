import { done, durationText, type Arm, type Clock, type EvidenceSource, type Logs, type Observation } from '@sluice/core';
import { within } from './within.ts';

const readMs = 120_000;

const noArm = (version: string): Arm => ({ version, answers: 0, errors: 0, latenciesMs: [], tokens: [] });

const armsOf = async (logs: Logs, versions: readonly string[], from: number, to: number): Promise<readonly Arm[] | string> => {
  const read = await logs.read(versions, from, to);
  if (!read.ok) return read.problem.reason;
  const inOrder = read.value.length === versions.length && read.value.every((arm, index) => arm.version === versions[index]);
  return inOrder ? read.value : 'the logs did not answer for the versions that were asked for';
};

/**
 * logsSource counts both arms from the target's own records. They count what users asked and what probes asked alike,
 * so its counts and a probe source's are never added up. Where records come late, the window ends as much earlier, and
 * the observation says so by its `to`. A failed or cut reading is `missing`.
 */
export const logsSource = (logs: Logs, stable: string, candidate: string, clock: Clock): EvidenceSource => ({
  name: logs.source,
  unit: logs.unit,
  cost: '',
  observe: async (from, to, signal): Promise<Observation> => {
    const { settleMs = 0 } = logs;
    const settled = Math.floor(to - settleMs / clock.factor);
    const young = settleMs > 0 && settled <= from;
    const end = young ? from : settled;
    const base = { source: logs.source, unit: logs.unit, from, to: end };
    const arms = young
      ? `records may come in ${durationText(settleMs)} late, and the window is younger than that`
      : await within(clock, readMs, signal, () => armsOf(logs, [stable, candidate], from, end));
    const [first, second] = typeof arms === 'object' ? arms : [];
    if (first !== undefined && second !== undefined) return { ...base, stable: first, candidate: second };
    const missing = typeof arms === 'string' ? arms : 'reading the logs was cut off';
    return { ...base, stable: noArm(stable), candidate: noArm(candidate), missing };
  },
  close: () => Promise.resolve(done(undefined)),
});
