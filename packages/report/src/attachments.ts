import type { StepResult } from '@sluice/core';
import { canaryEvidenceOf } from './canary-evidence.ts';
import { canaryPicture } from './canary-svg.ts';
import { htmlReport } from './html-report.ts';
import { planEvidenceOf } from './plan-evidence.ts';
import { planSvg } from './plan-svg.ts';

/**
 * attachmentsOf are the files for people beside a result document, by name: the picture of a canary or of a forecast beside its
 * document, which is called `base`, and `report.html` for a step that is composed of others.
 */
export const attachmentsOf = (result: StepResult, base: string): Readonly<Record<string, string>> => {
  const evidence = canaryEvidenceOf(result);
  const plan = planEvidenceOf(result);
  const composed = result.steps !== undefined && result.steps.length > 0;
  return {
    ...(evidence === undefined || evidence.history.length === 0 ? {} : { [`${base}.svg`]: canaryPicture(result, evidence) }),
    ...(plan === undefined || plan.forecasts.length === 0 ? {} : { [`${base}.svg`]: planSvg(plan) }),
    ...(composed ? { 'report.html': htmlReport(result) } : {}),
  };
};
