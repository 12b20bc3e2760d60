import { describe, expect, test } from '@jest/globals';
import { createRedactor, done, type EventStream, type HttpClient, type HttpRequest, type HttpResponse, type Outcome } from '@sluice/core';
import { maskingClient } from '../src/masking-client.ts';

const answer = (text: string, change: Partial<HttpResponse> = {}): HttpResponse => ({ status: 200, headers: {}, text, durationMs: 1, ...change });
const request: HttpRequest = { method: 'POST', url: 'https://dify.example.com/console/api/login', tried: 'log in' };

/** masked is a masking client over a client that always answers the same, and what it hid. */
const masked = (response: HttpResponse, stream?: EventStream): { http: HttpClient; hidden: string[] } => {
  const redactor = createRedactor();
  const hidden: string[] = [];
  const over: HttpClient = {
    send: () => Promise.resolve(done(response)),
    stream: (): Promise<Outcome<EventStream>> => Promise.resolve(done(stream ?? { kind: 'whole', response })),
    close: () => Promise.resolve(),
  };
  const host = {
    mask: (secret: string): void => {
      hidden.push(secret);
      redactor.add(secret);
    },
    redact: redactor.redact,
  };
  return { http: maskingClient(over, host), hidden };
};

describe('what is hidden', () => {
  test.each<[string, Partial<HttpRequest>, HttpResponse, readonly string[]]>([
    ['a bearer that is sent', { headers: { Authorization: 'Bearer app-0123456789' } }, answer('{}'), ['app-0123456789']],
    ['cookies and the CSRF token that are sent', { headers: { cookie: 'a=session-one; b=session-two', 'x-csrf-token': 'csrf-value' } }, answer('{}'), ['session-one', 'session-two', 'csrf-value']],
    ['cookies that arrive', {}, answer('{}', { headers: { 'set-cookie': 'access_token=session-one; HttpOnly\ncsrf_token=session-two' } }), ['session-one', 'session-two']],
    ['tokens that a login hands out', { credentials: 'exchanged' }, answer('{"result":"success","data":{"access_token":"access-123","refresh_token":"refresh-123"}}'), ['access-123', 'refresh-123']],
    ['values that are declared secrets', { credentials: 'exchanged' }, answer('{"items":[{"name":"CRM","value":"stored-value","value_type":"secret"},{"name":"URL","value":"https://example.com","value_type":"string"}]}'), ['stored-value']],
    ['nothing of a refused login', { credentials: 'exchanged' }, answer('{"code":"invalid","token":"not-a-token"}', { status: 401 }), []],
    ['nothing of a login that is no JSON', { credentials: 'exchanged' }, answer('<html>'), []],
    ['nothing of an ordinary answer', { credentials: 'sent' }, answer('{"graph":{"key":"sys.query.text"}}'), []],
    ['no short value', { headers: { cookie: 'locale=en-US' } }, answer('{}'), []],
  ])('%s', async (_name, change, response, expected) => {
    const { http, hidden } = masked(response);
    await http.send({ ...request, ...change });
    expect(hidden).toEqual(expected);
    await http.stream({ ...request, ...change });
    expect(hidden).toEqual(expected);
  });
});

test.each([
  ['a refusal', answer(JSON.stringify({ message: JSON.stringify({ detail: 'token "app-0123456789" is unknown' }) }), { status: 400, headers: { 'x-request-id': 'app-0123456789' } })],
  ['a page', answer('<html>who is app-0123456789?</html>')],
  ['damaged JSON', answer('{"who":"app-0123456789"')],
])('%s may be quoted: what it repeats is hidden while it is whole', async (_name, response) => {
  const { http } = masked(response);
  const sent = await http.send({ ...request, headers: { authorization: 'Bearer app-0123456789' } });
  expect(JSON.stringify(sent)).not.toContain('app-0123456789');
  expect(JSON.stringify(sent)).toContain('***');
});

test('data is given as it came, since it is compared and sent back', async () => {
  const { http } = masked(answer('{"value":"app-0123456789"}'));
  expect(await http.send({ ...request, headers: { authorization: 'Bearer app-0123456789' } })).toMatchObject({ value: { text: '{"value":"app-0123456789"}' } });
});

test('an error inside a stream is hidden, too', async () => {
  async function* events() {
    yield done({ event: 'error', data: 'key app-0123456789', atMs: 1 });
  }
  const { http } = masked(answer(''), { kind: 'events', status: 200, events: events() });
  const stream = await http.stream({ ...request, headers: { authorization: 'Bearer app-0123456789' } });
  if (!stream.ok || stream.value.kind !== 'events') throw new Error('expected events');
  for await (const event of stream.value.events) expect(event.ok && event.value.data).toBe('key ***');
});
