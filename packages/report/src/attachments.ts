import type { StepResult } from '@sluice/core';
import { canaryEvidenceOf } from './canary-evidence.ts';
import { canaryPicture } from './canary-svg.ts';
import { htmlReport } from './html-report.ts';

/**
 * attachmentsOf are the files for people beside a result document, by name: a canary's picture beside the canary's
 * document, which is called `base`, and `report.html` for a step that is composed of others.
 */
export const attachmentsOf = (result: StepResult, base: string): Readonly<Record<string, string>> => {
  const evidence = canaryEvidenceOf(result);
  const composed = result.steps !== undefined && result.steps.length > 0;
  return {
    ...(evidence === undefined || evidence.history.length === 0 ? {} : { [`${base}.svg`]: canaryPicture(result, evidence) }),
    ...(composed ? { 'report.html': htmlReport(result) } : {}),
  };
};
