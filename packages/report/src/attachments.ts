import type { StepResult } from '@sluice/core';
import { canaryEvidenceOf } from './canary-evidence.ts';
import { canaryPicture } from './canary-svg.ts';
import { codeQuality } from './code-quality.ts';
import { foundIn } from './found.ts';
import { htmlReport } from './html-report.ts';
import { junitXml } from './junit.ts';
import { planEvidenceOf } from './plan-evidence.ts';
import { planSvg } from './plan-svg.ts';
import { sarif } from './sarif.ts';

/** jobReports are the reports of a whole job, one file each, for what people's tools read. Findings have theirs only where a step looked for some: an empty one would say that all is well. */
const jobReports = (job: readonly StepResult[]): Readonly<Record<string, string>> => {
  const findings = foundIn(job);
  const log = sarif(job);
  return {
    'junit.xml': junitXml(job),
    ...(findings === undefined ? {} : { 'gl-code-quality-report.json': codeQuality(findings.found) }),
    ...(log === undefined ? {} : { 'sluice.sarif': log }),
  };
};

/**
 * attachmentsOf are the files for people and their tools beside a result document, by name: the picture of a canary or of a
 * forecast beside its document, which is called `base`; `report.html` for a step that is composed of others; and the
 * reports of the job, whose results so far are `job`.
 */
export const attachmentsOf = (result: StepResult, base: string, job: readonly StepResult[]): Readonly<Record<string, string>> => {
  const evidence = canaryEvidenceOf(result);
  const plan = planEvidenceOf(result);
  const composed = result.steps !== undefined && result.steps.length > 0;
  return {
    ...(evidence === undefined || evidence.history.length === 0 ? {} : { [`${base}.svg`]: canaryPicture(result, evidence) }),
    ...(plan === undefined || plan.forecasts.length === 0 ? {} : { [`${base}.svg`]: planSvg(plan) }),
    ...(composed ? { 'report.html': htmlReport(result) } : {}),
    ...jobReports(job),
  };
};
