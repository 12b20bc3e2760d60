/** Cookies are a session's cookies by name. */
export type Cookies = ReadonlyMap<string, string>;

/** readCookies adds the cookies of a `set-cookie` header (lines joined by a line feed) to those known; empty values delete. */
export const readCookies = (known: Cookies, header: string | undefined): Cookies => {
  const cookies = new Map(known);
  for (const line of (header ?? '').split('\n')) {
    const match = /^\s*([^=;\s]+)=([^;]*)/.exec(line);
    if (match === null) continue;
    const [, name = '', value = ''] = match;
    if (value === '') cookies.delete(name);
    else cookies.set(name, value);
  }
  return cookies;
};

/** cookieHeader writes the `cookie` header. */
export const cookieHeader = (cookies: Cookies): string => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');

/** cookieNamed finds a cookie by Dify's name, also with the prefix that https servers give it. */
export const cookieNamed = (cookies: Cookies, name: string): string | undefined => cookies.get(`__Host-${name}`) ?? cookies.get(name);
