import type { LabRequest } from '../server.ts';
import type { Dialect } from './dialect.ts';
import { missingPage, refuse, type Answer, type Refused } from './answer.ts';
import { isUuid } from './reading.ts';

/** Route is one method on one path; `:name` stands for one segment, `:app`, `:key` and `:dataset` for a UUID. */
export interface Route<Call> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** when says which releases have the route; all have it when absent. */
  readonly when?: (dialect: Dialect) => boolean;
  /** role is the least that may ask, where that is not an editor. */
  readonly role?: 'everyone' | 'admin' | ((dialect: Dialect) => 'everyone' | 'editor');
  readonly handle: (call: Call, parameters: Readonly<Record<string, string>>) => Answer | Refused | Promise<Answer | Refused>;
}

const uuidNames = new Set(['app', 'key', 'dataset']);

const parametersOf = (pattern: string, path: string): Record<string, string> | undefined => {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const actual = given[index] ?? '';
    if (!part.startsWith(':')) {
      if (part !== actual) return undefined;
      continue;
    }
    const name = part.slice(1);
    if (actual === '' || (uuidNames.has(name) && !isUuid(actual))) return undefined;
    parameters[name] = actual;
  }
  return parameters;
};

/** Matched is a route that fits a request, with the values of its path. */
export interface Matched<Call> {
  readonly route: Route<Call>;
  readonly parameters: Readonly<Record<string, string>>;
}

/** match finds the route of a request, first match first, and answers 404 or 405 as Flask does when there is none. */
export const match = <Call>(routes: readonly Route<Call>[], request: LabRequest, path: string, dialect: Dialect): Matched<Call> | Answer | Refused => {
  let otherMethod = false;
  for (const route of routes) {
    if (route.when?.(dialect) === false) continue;
    const parameters = parametersOf(route.path, path);
    if (parameters === undefined) continue;
    if (route.method === request.method) return { route, parameters };
    otherMethod = true;
  }
  return otherMethod
    ? refuse(405, 'method_not_allowed', 'The method is not allowed for the requested URL.')
    : missingPage;
};
