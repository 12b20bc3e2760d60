import { done, failed, readJson, type Connection, type Outcome } from '@sluice/core';
import { mappingOf, textOf } from '../source/shape.ts';
import type { Address } from './address.ts';
import { jsonAt } from './answer.ts';

/**
 * serverRelease finds the server's version before anything else is said to it: from the header X-Version that every
 * answer of the API carries (Dify >= 0.15, api/extensions/ext_app_metrics.py), else from the root of the service API.
 */
export const serverRelease = async (connection: Connection, address: Address): Promise<Outcome<string>> => {
  const tried = 'find out which release of Dify answers';
  const get = (url: string) => connection.http.send({ method: 'GET', url, tried, signal: connection.signal });
  const setup = await get(`${address.console}/setup`);
  if (!setup.ok) return setup;
  // A wrong address leads to the web app, which answers every path with a page and status 200.
  const json = jsonAt(setup.value, tried, `${address.console}/setup`);
  if (!json.ok) return json;
  const fromHeader = setup.value.headers['x-version']?.trim() ?? '';
  if (fromHeader !== '') return done(fromHeader);
  const root = await get(`${address.api}/`);
  if (!root.ok) return root;
  const body = readJson(root.value, tried);
  const fromBody = body.ok ? textOf(mappingOf(body.value)['server_version']) : '';
  if (fromBody !== '') return done(fromBody);
  return failed({
    category: 'platform',
    reason: 'the server did not say which release of Dify it is, so Sluice does not know how to log in',
    tried,
    where: `${address.console}/setup`,
    answer: { status: setup.value.status },
    hint: 'Check the address. If a proxy strips the header X-Version, let it through, or let GET /v1/ answer.',
  });
};
