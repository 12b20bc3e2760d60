import { errorField } from '../error-fields.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { oneLine } from '../text/one-line.ts';
import type { HttpResponse } from './client.ts';

const shownCharacters = 120;

const looksLikeHtml = (response: HttpResponse): boolean =>
  /^text\/html\b/i.test(response.headers['content-type'] ?? '') || /^\s*<(?:!doctype|html|head|body|\?xml)/i.test(response.text);

const looksLikeJson = (response: HttpResponse): boolean => /^\s*[[{"]/.test(response.text);

const reasonFor = (response: HttpResponse): string => {
  if (response.status >= 300 && response.status < 400) return 'the server answered with a redirect, not JSON: is the address right?';
  if (response.status >= 500) return `the server, or a proxy in front of it, answered with HTTP ${response.status} and no JSON`;
  if (response.text.trim() === '') return 'the server answered nothing where JSON was expected';
  if (looksLikeHtml(response)) return 'the server answered HTML, not JSON: is the address right?';
  return looksLikeJson(response) ? 'the server answered JSON that breaks off or is damaged' : 'the server answered text that is not JSON';
};

/**
 * readJson parses an answer's text; what is not JSON is a `platform` problem with the first 120 characters. Those of
 * damaged JSON are left out: it may hold the keys and sessions that it was asked for.
 */
export const readJson = (response: HttpResponse, tried: string): Outcome<unknown> => {
  try {
    const value: unknown = JSON.parse(response.text);
    return done(value);
  } catch (error) {
    if (errorField(error, 'name') !== 'SyntaxError') throw error;
    const shown = looksLikeJson(response) ? `${response.text.length} characters` : oneLine(response.text.slice(0, 4000), shownCharacters);
    return failed({
      category: 'platform',
      reason: reasonFor(response),
      tried,
      answer: { status: response.status, ...(shown === '' ? {} : { message: shown }) },
      hint: 'Check the address in sluice.yml, and what stands between this machine and the server.',
    });
  }
};
