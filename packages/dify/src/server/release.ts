/** atLeast compares two releases of Dify by their numbers; a release that cannot be read counts as the newest. */
export const atLeast = (release: string, wanted: string): boolean => {
  const one = numbers(release);
  const other = numbers(wanted);
  if (one.length === 0) return true;
  for (let index = 0; index < 3; index += 1) {
    const difference = (one[index] ?? 0) - (other[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
};

const numbers = (release: string): number[] =>
  (/^\d+(?:\.\d+)*/.exec(release.trim())?.[0] ?? '')
    .split('.')
    .filter((part) => part !== '')
    .map(Number);

/** LoginDialect is how a release takes the password and carries the session. */
export interface LoginDialect {
  /** session: tokens in the answer's body (to 1.9.1), or cookies with a CSRF header (from 1.9.2). */
  readonly session: 'bearer' | 'cookies';
  /** password: from 1.11.2 the text's UTF-8 bytes in base64. */
  readonly password: 'plain' | 'base64';
}

/** loginDialect chooses the dialect by the server's release; trying both would count as wrong passwords. */
export const loginDialect = (release: string): LoginDialect => ({
  session: atLeast(release, '1.9.2') ? 'cookies' : 'bearer',
  password: atLeast(release, '1.11.2') ? 'base64' : 'plain',
});

/** adminKeyWorks says whether a release lets the admin key past its CSRF check (not 1.9.2 to 1.10.1). */
export const adminKeyWorks = (release: string): boolean => !atLeast(release, '1.9.2') || atLeast(release, '1.11.0');

/**
 * adminKeyRunsChatDrafts says whether a release runs the draft of a chatflow for the admin key. 1.9.1 and 1.12.1 answer
 * 500 each time, since the owner's account is no longer bound to their database session; 1.13.3 does not (seen on all three).
 */
export const adminKeyRunsChatDrafts = (release: string): boolean => atLeast(release, '1.13.3');
