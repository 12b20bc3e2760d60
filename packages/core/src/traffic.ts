import type { Outcome } from './outcome.ts';

/** Split says who gets what: `weight` per cent of users get `candidate`, the others get `stable`. */
export interface Split {
  /** stable is a version's id; empty when nothing is pinned and users get whatever the platform has published. */
  readonly stable: string;
  /** candidate is absent when everybody gets stable; weight is then 0. */
  readonly candidate?: string;
  /** weight is in per cent, 0 to 100. */
  readonly weight: number;
}

/** Observed is a split that was read back, and how far the reading reaches. */
export interface Observed {
  readonly split: Split;
  /** reach: `configured` was read from the place that configures it, `serving` from what answers users. */
  readonly reach: 'configured' | 'serving';
  /** linger says how many sessions may stay on the candidate and for how long, where sessions stick. */
  readonly linger?: string;
  /** ready is a split that is written and not loaded, where it is not the one that users get: a killed run leaves that, and the next reload, whoever asks for it, would serve it. */
  readonly ready?: Split;
}

/** Traffic reads and sets the split where the target, or a gateway in front of it, can split. */
export interface Traffic {
  read(): Promise<Outcome<Observed>>;
  /**
   * set is check-then-set with read-back: it fails with category `conflict` when the split is not `expected` first,
   * and with `platform` when what is read back afterwards is not `wanted`. A lost race is detected, not prevented.
   */
  set(expected: Split, wanted: Split): Promise<Outcome<Observed>>;
}

/** sameSplit compares two splits by what users get; a candidate at weight 0 counts as none. */
export const sameSplit = (one: Split, other: Split): boolean =>
  one.stable === other.stable &&
  one.weight === other.weight &&
  (one.weight === 0 || one.candidate === other.candidate);
