import type { Outcome } from '../outcome.ts';

/**
 * SecretReader gives secrets from the environment. `NAME_<ENVIRONMENT>` (upper case, `-` as `_`) wins over `NAME`.
 * Blanks and line ends around a value are trimmed. Every value that is read has been masked at the host first.
 */
export interface SecretReader {
  /** read gives the secret, or an `input` problem that names the variable to set and `purpose`. */
  read(name: string, purpose: string): Outcome<string>;
  /** find gives the secret or undefined. */
  find(name: string): string | undefined;
}
