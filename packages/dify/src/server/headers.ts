import { done, type Connection, type HttpClient, type HttpRequest, type Outcome } from '@sluice/core';

/**
 * withHeaders adds `dify.headers` of sluice.yml to every request, for proxies in front of Dify. Their values are
 * secrets whatever the headers are called, so these requests count as carrying credentials.
 */
export const withHeaders = ({ environment, secrets, http }: Pick<Connection, 'environment' | 'secrets' | 'http'>): Outcome<HttpClient> => {
  const { dify } = environment;
  const configured = Object.entries(typeof dify === 'object' ? (dify.headers ?? {}) : {});
  if (configured.length === 0) return done(http);
  const headers: Record<string, string> = {};
  for (const [name, reference] of configured) {
    const value = secrets.read(reference.env, `the header ${name} of every request to Dify`);
    if (!value.ok) return value;
    headers[name.toLowerCase()] = value.value;
  }
  const added = (request: HttpRequest): HttpRequest => ({ credentials: 'sent', ...request, headers: { ...headers, ...request.headers } });
  return done({
    send: (request) => http.send(added(request)),
    stream: (request) => http.stream(added(request)),
    close: () => http.close(),
  });
};
