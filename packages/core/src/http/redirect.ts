import { done, failed, type Outcome } from '../outcome.ts';
import type { HttpRequest } from './client.ts';
import type { Attempted } from './failures.ts';

/** mostRedirects is how many redirects one call follows. */
export const mostRedirects = 3;

const redirects = new Set([301, 302, 303, 307, 308]);

/**
 * followed is where a redirect leads that may be followed: a GET's, within the origin. It is undefined for every other
 * answer, and a `platform` problem that names both sides when the redirect leaves the origin.
 */
export const followed = (
  request: HttpRequest,
  attempted: Attempted,
  from: URL,
  status: number,
  location: string | undefined,
): Outcome<URL | undefined> => {
  if (!redirects.has(status) || location === undefined || !URL.canParse(location, from.href)) return done(undefined);
  const to = new URL(location, from);
  if (to.origin === from.origin) return done(request.method === 'GET' ? to : undefined);
  const upgraded = from.protocol === 'http:' && to.protocol === 'https:' && to.hostname === from.hostname;
  return failed({
    category: 'platform',
    reason: `${from.origin} redirects to ${to.origin === 'null' ? to.protocol : to.origin}; no redirect to another origin is followed`,
    ...attempted,
    answer: { status },
    hint: upgraded ? 'Write the address with https.' : 'Check the address; a login page or a proxy may be in front of the server.',
  });
};

/** tooManyRedirects is the problem of a call that was redirected again and again. */
export const tooManyRedirects = (attempted: Attempted): Outcome<never> =>
  failed({
    category: 'platform',
    reason: `the server redirected more than ${mostRedirects} times`,
    ...attempted,
    hint: 'Check the address; a login page or a proxy may be in front of the server.',
  });
