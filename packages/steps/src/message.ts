import { durationText, type StepContext, type StepResult } from '@sluice/core';
import type { Message, MessageSeverity } from '@sluice/notify';
import { environmentName } from './environment-name.ts';

/** severityOf says how soon a person should look at a result. */
export const severityOf = (result: StepResult): MessageSeverity => {
  if (result.status === 'passed' || result.status === 'skipped') return 'P2';
  // What was not certainly put back may be with users right now.
  return result.outputs['recovered'] === 'no' ? 'P0' : 'P1';
};

const words: Readonly<Record<StepResult['status'], string>> = {
  passed: 'released',
  failed: 'stopped by a gate',
  inconclusive: 'stopped: not enough evidence',
  skipped: 'skipped',
  error: 'failed',
  cancelled: 'cancelled',
};

const stepLine = (step: StepResult): string => `${step.step}: ${step.status} (${durationText(step.durationMs)})`;

/** messageOf tells people how a release, or one step, ended; `beside` are the other steps of that run, where no release has put them together. */
export const messageOf = (context: StepContext, result: StepResult, beside: readonly StepResult[] = []): Message => {
  const environment = environmentName(context);
  const { commit, actor, runUrl } = context.host.context;
  return {
    severity: severityOf(result),
    title: `${context.project.config.name} ${environment}: ${result.step === 'release' ? words[result.status] : `${result.step} ${result.status}`}`,
    lines: [
      result.reason,
      ...(result.hint === '' ? [] : [result.hint]),
      ...(result.steps ?? (beside.length > 1 ? beside : [])).map(stepLine),
      ...(commit === '' ? [] : [`commit ${commit.slice(0, 12)}${actor === '' ? '' : ` by ${actor}`}`]),
    ],
    runUrl,
    status: result.status,
  };
};
