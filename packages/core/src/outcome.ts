import type { Problem } from './problem.ts';

/** Outcome is a value or a problem: whatever can fail returns one, and nothing is thrown for it. */
export type Outcome<T> = Done<T> | Failed;

/** Done carries the value of what went well. */
export interface Done<T> {
  readonly ok: true;
  readonly value: T;
}

/** Failed carries the problem of what did not. */
export interface Failed {
  readonly ok: false;
  readonly problem: Problem;
}

/** done makes a successful outcome. */
export const done = <T>(value: T): Done<T> => ({ ok: true, value });

/** failed makes an unsuccessful outcome. */
export const failed = (problem: Problem): Failed => ({ ok: false, problem });
