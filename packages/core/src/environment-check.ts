import type { Finding } from './finding.ts';
import type { Outcome } from './outcome.ts';

/** ConnectionCheck is one thing that an environment was asked, before a release needs it; a person reads it as one line. */
export interface ConnectionCheck {
  /** name is what was asked, as in `login`. */
  readonly name: string;
  /** outcome is what was seen, or the problem; absent when nothing was asked. */
  readonly outcome?: Outcome<string>;
  /** skipped says why nothing was asked. */
  readonly skipped?: string;
}

/** EnvironmentCheck is what an environment was asked about one kind of thing that a source needs there. */
export interface EnvironmentCheck {
  /** name is the kind, as in `models`. */
  readonly name: string;
  /** seen says what was asked, when anything was. */
  readonly seen?: string;
  /** skipped says why not all of it was asked; it is never a pass. */
  readonly skipped?: string;
  /** findings are what the environment lacks, each at the place in the source that needs it, in the severities of the platform. */
  readonly findings: readonly Finding[];
}

/** Checked is what became of asking an environment: whether a release could work there, and whether it has what the source needs. */
export interface Checked {
  readonly connection: readonly ConnectionCheck[];
  readonly environment: readonly EnvironmentCheck[];
}

/** notAsked are checks that were not made, all for one reason. */
export const notAsked = (names: readonly string[], skipped: string): readonly EnvironmentCheck[] => names.map((name) => ({ name, skipped, findings: [] }));
