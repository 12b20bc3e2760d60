import { done, failed, type Outcome } from '@sluice/core';
import { isUuid, readAddress, type Address } from './address.ts';

const consoleOf = (address: Address): string => address.console.replace(/\/console\/api$/, '');

const appOf = (given: string, main: Address): Outcome<string> => {
  if (isUuid(given)) return done(given.toLowerCase());
  const read = readAddress({ dify: given, 'live-at-once': false, 'insecure-http': false });
  if (!read.ok) return read;
  if (read.value.console === main.console) return done(read.value.app.toLowerCase());
  return failed({
    category: 'input',
    reason: `the twin is at ${consoleOf(read.value)}, and the app at ${consoleOf(main)}`,
    hint: 'Make the twin in the workspace of the app: one console writes both.',
  });
};

/** twinAddress is where the twin of an app is: the same console and service API, another app. */
export const twinAddress = (given: string, main: Address): Outcome<Address> => {
  const app = appOf(given, main);
  if (!app.ok) return failed({ ...app.problem, tried: 'read gateway.twin' });
  if (app.value !== main.app.toLowerCase()) return done({ ...main, app: app.value, studio: `${consoleOf(main)}/app/${app.value}` });
  return failed({
    category: 'input',
    reason: 'gateway.twin is the app itself',
    tried: 'read gateway.twin',
    where: main.studio,
    hint: 'Duplicate the app in Studio and name the copy: only Sluice writes it.',
  });
};
