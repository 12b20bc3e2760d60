import type { DeployOptions, Question } from '@sluice/core';
import { openApplication } from '../src/server/target.ts';
import { chatflow, sourceOf, textOf, type Dsl } from './dsl.ts';
import { connectionTo, value, type House } from './harness.ts';

export const careful: DeployOptions = { create: false, overwrite: false, dryRun: false, ours: [], writing: () => Promise.resolve({ ok: true, value: undefined }) };
export const hello: Question = { query: 'hello', inputs: { city: '杭州' }, user: 'tester', streaming: true };
export const never = new AbortController().signal;
export const unknownId = '5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f';

/** some is a capability that the target of a test must have. */
export const some = <T>(capability: T | undefined): T => {
  if (capability === undefined) throw new Error('the target lacks it');
  return capability;
};

/** greeting is the chatflow with another opening, and with what a test changes further. */
export const greeting = (text: string, change: (dsl: ReturnType<typeof chatflow>) => void = () => undefined): Dsl => {
  const dsl = chatflow();
  dsl.workflow.features['opening_statement'] = text;
  change(dsl);
  return dsl;
};

/** withSecret is a file whose secret has a value, as the overlay puts it there. */
export const withSecret = (dsl: Dsl, secret = 'sk-first'): Dsl => {
  Object.assign(dsl.workflow?.environment_variables[0] ?? {}, { value: secret });
  return dsl;
};

/** madeIn is an app that people have made in the lab before. */
export const madeIn = (house: House, dsl: Dsl = withSecret(chatflow()), publish = true) => house.lab.createApp(textOf(dsl), { publish });

/** storedSecret is the secret that the server has in the draft of an app; every release exports it when asked to. */
export const storedSecret = async (house: House, app: string): Promise<string | undefined> => {
  const { session } = value(await openApplication(connectionTo(house, app, sourceOf(chatflow()))));
  const body = value(await session.json({ method: 'GET', path: `/apps/${app}/export?include_secret=true`, tried: 'look' }));
  return /value: (sk-[a-z]+)/.exec(JSON.stringify(body))?.[1];
};
