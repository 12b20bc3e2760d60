import { done, looksLikeSecretName, readJson, type Host, type HttpClient, type HttpRequest, type HttpResponse, type Outcome, type ServerEvent } from '@sluice/core';

/** shortestMasked keeps words such as "none" readable; no session or key is so short. */
const shortestMasked = 8;

const cookieValues = (pairs: readonly string[]): readonly string[] => pairs.map((pair) => /^[^=]*=([^;]*)/.exec(pair)?.[1]?.trim() ?? '');

/** sentSecrets are the credentials that a request carries. Signatures are not among them: they are good for one request. */
const sentSecrets = ({ headers = {} }: HttpRequest): readonly string[] =>
  Object.entries(headers).flatMap(([name, value]) => {
    switch (name.toLowerCase()) {
      case 'authorization':
        return [/^(?:bearer|basic)\s+(.*)$/i.exec(value)?.[1] ?? ''];
      case 'cookie':
        return cookieValues(value.split(';'));
      case 'x-api-key':
      case 'x-csrf-token':
        return [value];
      default:
        return [];
    }
  });

/** declaredSecret is the value of a variable that is declared a secret, whatever its name (Dify's `value_type`). */
const declaredSecret = (value: object): readonly string[] =>
  'value_type' in value && value.value_type === 'secret' && 'value' in value && typeof value.value === 'string' ? [value.value] : [];

/** namedSecrets are the texts in a JSON value whose names promise a secret, such as `access_token`, and declared ones. */
const namedSecrets = (value: unknown): readonly string[] =>
  typeof value !== 'object' || value === null
    ? []
    : [...declaredSecret(value), ...Object.entries(value).flatMap(([name, inner]: [string, unknown]) => (typeof inner === 'string' && looksLikeSecretName(name) ? [inner] : namedSecrets(inner)))];

const bodySecrets = ({ credentials, tried }: HttpRequest, response: HttpResponse): readonly string[] => {
  if (credentials !== 'exchanged' || response.status >= 400) return [];
  const body = readJson(response, tried);
  return body.ok ? namedSecrets(body.value) : [];
};

/** givenSecrets are the credentials that an answer hands out: its cookies and, where the request says so, those in its body. */
const givenSecrets = (request: HttpRequest, response: HttpResponse): readonly string[] => [
  ...cookieValues((response.headers['set-cookie'] ?? '').split('\n')),
  ...bodySecrets(request, response),
];

/** Masking is the part of a host that hides secrets. */
type Masking = Pick<Host, 'mask' | 'redact'>;

/**
 * quotable is a refusal, or what is no JSON, as it may be quoted: redacted while it is whole, because a message cut to
 * its length can end in the first half of a secret, which nothing recognises any more.
 */
const quotable = (response: HttpResponse, { redact }: Masking): HttpResponse => {
  if (response.status < 400 && readJson(response, 'see what came').ok) return response;
  const headers = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, redact(value)]));
  return { ...response, headers, text: redact(response.text) };
};

/** quotableEvents are the events of a stream as they may be quoted: an app's error is one of them, and is cut to its length, too. */
async function* quotableEvents(events: AsyncIterable<Outcome<ServerEvent>>, { redact }: Masking): AsyncGenerator<Outcome<ServerEvent>> {
  for await (const event of events) yield event.ok ? done({ ...event.value, data: redact(event.value.data) }) : event;
}

/**
 * maskingClient hides the credentials that a server hands out: sessions when they arrive, and everything else (such as
 * app keys) before it is sent for the first time. Servers repeat them in their errors.
 */
export const maskingClient = (http: HttpClient, host: Masking): HttpClient => {
  const known = new Set<string>();
  const maskAll = (secrets: readonly string[]): void => {
    for (const secret of secrets) {
      if (secret.length < shortestMasked || known.has(secret)) continue;
      known.add(secret);
      host.mask(secret);
    }
  };
  const arrived = (request: HttpRequest, response: HttpResponse): HttpResponse => {
    maskAll(givenSecrets(request, response));
    return quotable(response, host);
  };
  return {
    send: async (request) => {
      maskAll(sentSecrets(request));
      const response = await http.send(request);
      return response.ok ? done(arrived(request, response.value)) : response;
    },
    stream: async (request) => {
      maskAll(sentSecrets(request));
      const stream = await http.stream(request);
      if (!stream.ok) return stream;
      if (stream.value.kind === 'events') return done({ ...stream.value, events: quotableEvents(stream.value.events, host) });
      return done({ kind: 'whole', response: arrived(request, stream.value.response) });
    },
    close: () => http.close(),
  };
};
