import { done, failed, type Outcome, type Rung } from '@sluice/core';
import { isMapping, mappingOf, textOf } from '../source/shape.ts';
import { jsonAt, refusal } from './answer.ts';
import type { Application } from './application.ts';
import { usersAddress } from './open.ts';
import { serviceJson } from './service-address.ts';
import { publishedWorkflow } from './versions.ts';

/** setupFinished asks what touches the server's database; the web app's page at `/` says nothing. */
const setupFinished = (application: Application): Rung => ({
  name: 'console',
  run: async (signal) => {
    const tried = 'ask whether the server is set up';
    const where = `${application.address.console}/setup`;
    const response = await application.connection.http.send({ method: 'GET', url: where, tried, signal });
    if (!response.ok) return response;
    if (response.value.status >= 400) return failed(refusal(response.value, tried, where));
    const body = jsonAt(response.value, tried, where);
    if (!body.ok) return body;
    const step = textOf(mappingOf(body.value)['step']);
    if (step === 'finished') return done(`Dify ${response.value.headers['x-version'] ?? ''} is set up`.replace('  ', ' '));
    return failed({ category: 'platform', reason: `the server is not set up (step "${step}")`, where, hint: 'Open the console and finish the installation.' });
  },
});

/** askParameters reads an app's parameters with its key: the cheapest call that passes the whole way of a user's. */
export const askParameters = async (application: Application, base: string, key: string, signal: AbortSignal): Promise<Outcome<string>> => {
  const tried = 'read the parameters of the app with its key';
  const where = `${base}/parameters`;
  const response = await application.connection.http.send({ method: 'GET', url: where, headers: { authorization: `Bearer ${key}` }, tried, signal });
  if (!response.ok) return response;
  const body = serviceJson(response.value, tried, base, where);
  if (body.ok) return isMapping(body.value) ? done('the service API answers for this app') : failed({ category: 'platform', reason: 'the service API answered no parameters', where });
  if (body.problem.answer?.code !== 'app_unavailable') {
    return response.value.status === 401 || response.value.status === 403 ? failed({ ...body.problem, hint: 'Check DIFY_APP_KEY, and that the API of the app is switched on.' }) : body;
  }
  const published = await publishedWorkflow(application);
  if (!published.ok) return published;
  return published.value === undefined ? done('the service API answers; the app has no published version yet') : body;
};

const parameters = (application: Application): Rung => ({
  name: 'service API',
  run: async (signal) => {
    const key = await application.key();
    return key.ok ? askParameters(application, usersAddress(application), key.value, signal) : key;
  },
});

/** checksOf are the rungs that need no question: the console with its database, and the app's door. */
export const checksOf = (application: Application): readonly Rung[] => [setupFinished(application), parameters(application)];
