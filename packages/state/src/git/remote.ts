/** Remote is a repository's address without credentials, and those that stood in it. */
export interface Remote {
  readonly address: string;
  readonly username?: string;
  readonly password?: string;
}

/**
 * remoteOf takes the credentials out of an http address, where `git` would show them to everybody who lists processes;
 * other addresses, as of ssh, hold none. It is undefined for what git would take for an option or run as a program.
 */
export const remoteOf = (given: string): Remote | undefined => {
  const trimmed = given.trim();
  if (trimmed === '' || trimmed.startsWith('-') || /[\0-\x1f\x7f]/.test(trimmed) || /^[a-z0-9+.-]*::/i.test(trimmed)) return undefined;
  if (!/^https?:/i.test(trimmed)) return { address: trimmed };
  if (!URL.canParse(trimmed)) return undefined;
  const url = new URL(trimmed);
  const [username, password] = [decoded(url.username), decoded(url.password)];
  url.username = '';
  url.password = '';
  return { address: url.href, ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) };
};

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

/** withoutCredentials hides what stands before the `@` of every address in a text: git repeats addresses that a configuration rewrote. */
export const withoutCredentials = (text: string): string => text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@'"]*@/gi, '$1***@');
