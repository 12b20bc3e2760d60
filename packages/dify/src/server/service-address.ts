import { failed, oneLine, type HttpResponse, type Outcome, type Problem } from '@sluice/core';
import { jsonAt, jsonOf } from './answer.ts';

/** elsewhere says how to name the service API's address where it is not at the console's origin. */
const elsewhere = (base: string): string => `Sluice asked for the service API at ${base}. If it is elsewhere, name it: dify: { console: …, app: …, api: … }.`;

const atApi = (base: string, problem: Problem): Problem => ({ ...problem, reason: `${problem.reason} (service API at ${base})`, hint: elsewhere(base) });

/** serviceJson gives the JSON of a successful answer of the service API; a page in its place is told with the API's address. */
export const serviceJson = (response: HttpResponse, tried: string, base: string, where: string): Outcome<unknown> => {
  const body = jsonAt(response, tried, where);
  if (!body.ok) return failed(atApi(base, body.problem));
  return jsonOf(response, tried, where);
};

/** withConsoleWord adds what the console itself calls its service API, which may be an inner name. */
export const withConsoleWord = (problem: Problem, base: string, said: string): Problem =>
  said === '' || said === base ? problem : { ...problem, hint: `${problem.hint ?? ''} The console calls its service API ${oneLine(said, 200)}.`.trim() };
