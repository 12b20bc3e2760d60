import { done, failed, type Connection, type Outcome } from '@sluice/core';
import type { Console } from './console.ts';

const handOver = 'Set DIFY_APP_KEY to a key of the app, from its page API Access.';

/** atLimit is Dify's own word for the eleventh key of an app (api/controllers/console/apikey.py, max_keys). */
const atLimit = 'max_keys_exceeded';

const created = async (console: Console, app: string): Promise<Outcome<string>> => {
  const key = await console.createKey(app);
  if (key.ok || key.problem.answer?.code !== atLimit) return key;
  return failed({ ...key.problem, category: 'input', reason: 'the app has ten API keys already, and Dify allows no more', hint: `Delete one that nobody uses, or: ${handOver}` });
};

const fromConsole = async (console: Console, app: string): Promise<Outcome<string>> => {
  if (app === '') return failed({ category: 'input', reason: 'there is no app yet, so it has no key', hint: 'Deploy first.' });
  const keys = await console.keys(app);
  if (!keys.ok) return failed({ ...keys.problem, hint: handOver });
  const [key] = keys.value;
  return key === undefined ? created(console, app) : done(key);
};

/** appKey gives the key of the service API: DIFY_APP_KEY, else the app's first key, else a new one. Questions asked at once share one key. */
export const appKey = (connection: Connection, console: Console, app: () => string): (() => Promise<Outcome<string>>) => {
  let found: Promise<Outcome<string>> | undefined;
  return async () => {
    const given = connection.secrets.find('DIFY_APP_KEY');
    if (given !== undefined) return done(given);
    found ??= fromConsole(console, app());
    const key = await found;
    if (!key.ok) found = undefined;
    return key;
  };
};
