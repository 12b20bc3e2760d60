import { done, failed, type Connection, type Outcome } from '@sluice/core';
import type { Console } from './console.ts';

const fromConsole = async (console: Console, app: string): Promise<Outcome<string>> => {
  if (app === '') return failed({ category: 'input', reason: 'there is no app yet, so it has no key', hint: 'Deploy first.' });
  const keys = await console.keys(app);
  if (!keys.ok) return failed({ ...keys.problem, hint: 'Set DIFY_APP_KEY to a key of the app, from its page API Access.' });
  const [key] = keys.value;
  return key === undefined ? console.createKey(app) : done(key);
};

/** appKey gives the key of the service API: DIFY_APP_KEY, else the app's first key, else a new one. It asks the console once. */
export const appKey = (connection: Connection, console: Console, app: () => string): (() => Promise<Outcome<string>>) => {
  let known: string | undefined;
  return async () => {
    const given = known ?? connection.secrets.find('DIFY_APP_KEY');
    const key = given === undefined ? await fromConsole(console, app()) : done(given);
    if (key.ok) known = key.value;
    return key;
  };
};
