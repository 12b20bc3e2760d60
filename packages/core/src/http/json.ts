import { errorField } from '../error-fields.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { oneLine } from '../text/one-line.ts';
import type { HttpResponse } from './client.ts';

const shownCharacters = 120;

const looksLikeHtml = (response: HttpResponse): boolean =>
  /^text\/html\b/i.test(response.headers['content-type'] ?? '') || /^\s*<(?:!doctype|html|head|body|\?xml)/i.test(response.text);

const reasonFor = (response: HttpResponse): string => {
  if (response.text.trim() === '') return 'the server answered nothing where JSON was expected';
  if (looksLikeHtml(response)) return 'the server answered HTML, not JSON: is the address right?';
  return /^\s*[[{"]/.test(response.text) ? 'the server answered JSON that breaks off or is damaged' : 'the server answered text that is not JSON';
};

/** readJson parses an answer's text; what is not JSON is a `platform` problem with the first 120 characters. */
export const readJson = (response: HttpResponse, tried: string): Outcome<unknown> => {
  try {
    const value: unknown = JSON.parse(response.text);
    return done(value);
  } catch (error) {
    if (errorField(error, 'name') !== 'SyntaxError') throw error;
    const shown = oneLine(response.text.slice(0, 4000), shownCharacters);
    return failed({
      category: 'platform',
      reason: reasonFor(response),
      tried,
      answer: { status: response.status, ...(shown === '' ? {} : { message: shown }) },
      hint: 'Check the address in sluice.yml, and what stands between this machine and the server.',
    });
  }
};
