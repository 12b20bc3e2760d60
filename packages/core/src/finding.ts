import type { Place } from './problem.ts';

/** Severity orders findings: an error fails `validate`, a warning and a notice do not. */
export type Severity = 'error' | 'warning' | 'notice';

/** Finding is one thing that validation found, at a place that a person can open. */
export interface Finding {
  /** rule is a stable id such as `dify/edge-endpoint-missing`. */
  readonly rule: string;
  readonly severity: Severity;
  /** message is one sentence in plain words. */
  readonly message: string;
  readonly place: Place;
  readonly hint?: string;
}
