export { attachmentsOf } from './attachments.ts';
export { canaryEvidenceOf, type CanaryEvidence, type CanaryPoint, type CanaryReading } from './canary-evidence.ts';
export { canarySvg, type CanaryLabels } from './canary-svg.ts';
export { commentSection, type Judged } from './comment-section.ts';
export { htmlReport } from './html-report.ts';
export { releaseSummary } from './release-summary.ts';
export { stepsTable } from './steps-table.ts';
