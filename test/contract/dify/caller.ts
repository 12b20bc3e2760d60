import { atLeast } from './expectation.ts';

/** Answer is what a server said: the body is JSON where it can be read as that, else text. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Asking is what one request carries besides its path. */
export interface Asking {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Session is who speaks to the console: the headers that every request carries. */
export interface Session {
  readonly headers: Readonly<Record<string, string>>;
  /** refreshToken is what renews the session. */
  readonly refreshToken: string;
}

const deadlineMs = 60_000;

/** alone keeps a request from the connection of another: a server may close that just then, and nothing is sent twice. */
const alone = { connection: 'close' };

/** fieldsOf reads an answer's fields; there are none when it is no object. */
export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};

/** textAt reads a text out of an answer; an answer without it ends the test with what came instead. */
export const textAt = (answer: Answer, ...path: readonly string[]): string => {
  let value = answer.body;
  for (const name of path) value = fieldsOf(value)[name];
  if (typeof value === 'string') return value;
  throw new Error(`no text at ${path.join('.')} in ${answer.status} ${JSON.stringify(answer.body).slice(0, 400)}`);
};

const jsonOrText = (text: string): unknown => {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    // A page or a stream of events is compared as text.
    return text;
  }
};

/** send sends one request. Nothing is repeated and no redirect is followed. */
export const send = async (origin: string, method: string, path: string, { body, headers = {} }: Asking = {}): Promise<Answer> => {
  const response = await fetch(`${origin}${path}`, {
    method,
    headers: { ...alone, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    redirect: 'manual',
    signal: AbortSignal.timeout(deadlineMs),
  });
  return { status: response.status, headers: response.headers, body: jsonOrText(await response.text()) };
};

/** encoded writes a password as a release wants it: plain, from 1.11.2 on in base64. */
export const encoded = (release: string, password: string): string =>
  atLeast(release, '1.11.2') ? Buffer.from(password, 'utf8').toString('base64') : password;

const cookiesOf = (answer: Answer): ReadonlyMap<string, string> =>
  new Map(
    answer.headers.getSetCookie().map((line) => {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      return [pair.slice(0, at).replace(/^__Host-/, ''), pair.slice(at + 1)];
    }),
  );

/** cookieNames are the names of the cookies that an answer sets, in order. */
export const cookieNames = (answer: Answer): readonly string[] => [...cookiesOf(answer).keys()];

/** sessionOf makes the session that a login or a renewal opened; an answer that opened none ends the test. */
export const sessionOf = (release: string, answer: Answer): Session => {
  if (!atLeast(release, '1.9.2')) {
    return { headers: { authorization: `Bearer ${textAt(answer, 'data', 'access_token')}` }, refreshToken: textAt(answer, 'data', 'refresh_token') };
  }
  const cookies = cookiesOf(answer);
  const csrf = cookies.get('csrf_token');
  if (csrf === undefined) throw new Error(`the login set no csrf cookie: ${answer.status} ${JSON.stringify(answer.body)}`);
  const prefix = answer.headers.getSetCookie().some((line) => line.startsWith('__Host-')) ? '__Host-' : '';
  const cookie = [...cookies].map(([name, value]) => `${prefix}${name}=${value}`).join('; ');
  return { headers: { cookie, 'x-csrf-token': csrf }, refreshToken: cookies.get('refresh_token') ?? '' };
};

/** opening reads what a stream says in its first moments and hangs up then; an answer that is no stream is read whole. */
export const opening = async (origin: string, path: string, body: unknown, headers: Readonly<Record<string, string>>, forMs: number): Promise<Answer> => {
  const response = await fetch(`${origin}${path}`, { method: 'POST', headers: { ...alone, 'content-type': 'application/json', ...headers }, body: JSON.stringify(body), signal: AbortSignal.timeout(deadlineMs) });
  const isStream = (response.headers.get('content-type') ?? '').startsWith('text/event-stream');
  if (!isStream || response.body === null) return { status: response.status, headers: response.headers, body: jsonOrText(await response.text()) };
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const timer = setTimeout(() => void reader.cancel(), forMs);
  let text = '';
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) text += piece.value;
  clearTimeout(timer);
  return { status: response.status, headers: response.headers, body: text };
};
