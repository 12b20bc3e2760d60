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

/** ExcerptLine is a line of a file as people may see it. */
export interface ExcerptLine {
  readonly number: number;
  /** text has no tabs and nothing unseen in it. */
  readonly text: string;
  /** meant is the line that the finding is about. */
  readonly meant: boolean;
}

/** Excerpt is what stands around the place of a finding. */
export interface Excerpt {
  readonly lines: readonly ExcerptLine[];
  /** caret is how many terminal columns of the line that is meant stand before the place; absent when only the line is known. */
  readonly caret?: number;
}

/** Shown is what people see of a finding beside its message. */
export interface Shown {
  /** excerpt is absent where nothing of the file may be shown. */
  readonly excerpt?: Excerpt;
  /** page is the address of the page about the rule. */
  readonly page?: string;
}
