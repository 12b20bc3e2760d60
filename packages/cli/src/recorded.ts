import { endedBy, resultOf, type Host, type Outcome, type Problem, type StepResult } from '@sluice/core';

/** warnUnwritten says why a result document was not written, and what to do about it. */
export const warnUnwritten = (host: Host, { reason, hint }: Problem): void => host.warn(hint === undefined ? reason : `${reason}. ${hint}`);

/** recorded is a result, or why it could not be written where a later step looks for it; a failure keeps its own reason. */
export const recorded = (host: Host, result: StepResult, written: Outcome<void>): StepResult => {
  if (written.ok) return result;
  warnUnwritten(host, written.problem);
  if (result.category !== 'passed') return result;
  return { ...result, ...resultOf(result.step, endedBy(written.problem, { evidence: result.evidence }), result.outputs, new Date(result.startedAt), result.durationMs) };
};
