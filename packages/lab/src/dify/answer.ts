import type { ServerResponse } from 'node:http';
import { answerJson, type LabRequest } from '../server.ts';
import { fields, isFields, type Fields } from './reading.ts';
import type { Dialect } from './dialect.ts';
import { repr, typeName } from './python.ts';

/** Answer is what a route gives back: JSON, a page, nothing (204), or something that writes by itself. */
export type Answer =
  | { readonly status: number; readonly body: unknown; readonly headers?: Readonly<Record<string, string | readonly string[]>> }
  | { readonly status: number; readonly page: string }
  | { readonly write: (response: ServerResponse) => Promise<void> };

/** Refused carries the answer that ends a request early. */
export class Refused {
  readonly answer: Answer;

  constructor(answer: Answer) {
    this.answer = answer;
  }
}

/** json answers 200, or another status, with a value. */
export const json = (body: unknown, status = 200): Answer => ({ status, body });

/** refuse makes Dify's error answer, `{code, message, status}` (1.12.1, api/libs/external_api.py). */
export const refuse = (status: number, code: string, message: string): Refused =>
  new Refused({
    status,
    body: { code, message, status },
    ...(status === 401 ? { headers: { 'www-authenticate': 'Bearer realm="api"' } } : {}),
  });

/** invalid is Dify's answer to a ValueError. */
export const invalid = (message: string): Refused => refuse(400, 'invalid_param', message);

/** internal is Dify's answer to an exception it did not foresee. */
export const internal = (): Refused =>
  refuse(
    500,
    'internal_server_error',
    'The server encountered an internal error and was unable to complete your request. Either the server is overloaded or there is an error in the application.',
  );

/** missingPage is Flask's own 404, an HTML page: Dify has no JSON answer for a path that it does not route. */
export const missingPage: Answer = {
  status: 404,
  page: '<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>\n',
};

/** Misfit is one field that does not fit its model. */
export interface Misfit {
  readonly field: string;
  readonly message: string;
  readonly type: string;
  readonly input: unknown;
  /** before is what releases without pydantic say instead; a missing field has their usual words. */
  readonly before?: string;
  /** help is what flask-restx puts before those words. */
  readonly help?: string;
}

/** Unfit refuses a request for its fields; how it is worded depends on the release. */
export class Unfit extends Refused {
  readonly first: Misfit | undefined;

  constructor(answer: Answer, first: Misfit | undefined) {
    super(answer);
    this.first = first;
  }
}

const shortened = (value: string): string => (value.length > 50 ? `${value.slice(0, 25)}...${value.slice(-24)}` : value);

/** misfits refuses as pydantic 2.11 words it; Dify passes the text on as `invalid_param`. */
export const misfits = (model: string, found: readonly Misfit[]): Refused => {
  const { answer } = invalid(
    [
      `${found.length} validation error${found.length === 1 ? '' : 's'} for ${model}`,
      ...found.map(
        ({ field, message, type, input }) =>
          `${field}\n  ${message} [type=${type}, input_value=${shortened(repr(input))}, input_type=${typeName(input)}]\n    For further information visit https://errors.pydantic.dev/2.11/v/${type}`,
      ),
    ].join('\n'),
  );
  return new Unfit(answer, found[0]);
};

/** worded gives a refusal in the words of a release: before pydantic, the first field alone is told (libs/external_api.py). */
const worded = (refused: Refused, dialect: Dialect): Answer => {
  if (!(refused instanceof Unfit) || refused.first === undefined || dialect.fieldErrors === 'pydantic') return refused.answer;
  const { field, before = 'Missing required parameter in the JSON body', help } = refused.first;
  return dialect.fieldErrors === 'flask-restx'
    ? json({ errors: { [field]: help === undefined ? before : `${help} ${before}` }, message: 'Input payload validation failed' }, 400)
    : json({ code: 'invalid_param', message: before, params: field }, 400);
};

/** jsonBody reads the body as Flask does: another content type is 415, broken JSON is 400. */
export const jsonBody = (request: LabRequest): Fields | Refused => {
  if (!/^application\/(json|[^;]*\+json)\b/.test(request.headers['content-type'] ?? '')) {
    return refuse(
      415,
      'unsupported_media_type',
      "Did not attempt to load JSON data because the request Content-Type was not 'application/json'.",
    );
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(request.body.toString('utf8'));
  } catch {
    return refuse(400, 'bad_request', 'The browser (or proxy) sent a request that this server could not understand.');
  }
  return parsed === null || isFields(parsed) ? fields(parsed) : internal();
};

/** queryNumber reads a whole number between 1 and max from the query. */
export const queryNumber = (
  query: URLSearchParams,
  model: string,
  field: string,
  absent: number,
  max: number,
): number | Refused => {
  const given = query.get(field);
  if (given === null) return absent;
  const number = Number(given);
  if (!/^[+-]?\d+$/.test(given)) {
    return misfits(model, [
      { field, message: 'Input should be a valid integer, unable to parse string as an integer', type: 'int_parsing', input: given },
    ]);
  }
  const before = `Invalid argument: ${given}. argument must be within the range 1 - ${max}`;
  if (number < 1) return misfits(model, [{ field, message: 'Input should be greater than or equal to 1', type: 'greater_than_equal', input: given, before }]);
  if (number > max) return misfits(model, [{ field, message: `Input should be less than or equal to ${max}`, type: 'less_than_equal', input: given, before }]);
  return number;
};

/** send writes an answer with the headers that every answer of Dify's API carries. */
export const send = async (answer: Answer | Refused, response: ServerResponse, dialect: Dialect): Promise<void> => {
  response.setHeader('x-version', dialect.version);
  response.setHeader('x-env', 'PRODUCTION');
  const given = answer instanceof Refused ? worded(answer, dialect) : answer;
  if ('write' in given) return given.write(response);
  if ('page' in given) {
    response.writeHead(given.status, { 'content-type': 'text/html; charset=utf-8' });
    response.end(given.page);
    return;
  }
  if (given.status === 204) {
    response.writeHead(204);
    response.end();
    return;
  }
  answerJson(response, given.status, given.body, given.headers);
};
