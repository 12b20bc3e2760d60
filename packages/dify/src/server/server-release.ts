import { done, failed, readJson, type Connection, type HttpResponse, type Outcome } from '@sluice/core';
import { mappingOf, textOf } from '../source/shape.ts';
import type { Address } from './address.ts';
import { jsonAt, refusal } from './answer.ts';

/** releaseOf is what an answer says of the server's release: the header X-Version (Dify, api/extensions/ext_app_metrics.py). */
export const releaseOf = (response: HttpResponse): string => response.headers['x-version']?.trim() ?? '';

/** releaseInBody reads what the root of the service API says on servers that have that page; on most it is a page of status 404. */
const releaseInBody = (response: HttpResponse, tried: string): string => {
  const body = readJson(response, tried);
  return body.ok ? textOf(mappingOf(body.value)['server_version']) : '';
};

/**
 * serverRelease finds the server's version before anything else is said to it: from the header X-Version that every
 * answer of the API carries, whatever its status, first at the console and then at the service API.
 */
export const serverRelease = async (connection: Connection, address: Address): Promise<Outcome<string>> => {
  const tried = 'find out which release of Dify answers';
  const where = `${address.console}/setup`;
  const get = (url: string) => connection.http.send({ method: 'GET', url, tried, signal: connection.signal });
  const setup = await get(where);
  if (!setup.ok) return setup;
  // A wrong address leads to the web app, which answers every path with a page and status 200.
  const json = jsonAt(setup.value, tried, where);
  if (!json.ok) return json;
  if (setup.value.status >= 500) {
    const problem = refusal(setup.value, tried, where, "Look at the server's own log; its database or cache may be down.");
    const message = problem.answer?.message;
    return failed({ ...problem, reason: `the server answers with an error of its own${message === undefined ? '' : `: ${message}`}` });
  }
  const atConsole = releaseOf(setup.value);
  if (atConsole !== '') return done(atConsole);
  const root = await get(`${address.api}/`);
  if (!root.ok) return root;
  const atApi = releaseOf(root.value) || releaseInBody(root.value, tried);
  if (atApi !== '') return done(atApi);
  return failed({
    category: 'platform',
    reason: 'the server did not say which release of Dify it is, so Sluice does not know how to log in',
    tried,
    where,
    answer: { status: setup.value.status },
    hint: 'Check the address. Every answer of Dify carries the header X-Version: let it through the proxy that strips it.',
  });
};
