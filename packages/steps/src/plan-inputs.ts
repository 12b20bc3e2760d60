import * as z from 'zod/mini';
import { done, failed, perCent, type Outcome } from '@sluice/core';
import { commonInputs, text } from './inputs.ts';

/** planInputs are what a forecast is asked with. */
export const planInputs = z.strictObject({
  ...commonInputs,
  traffic: text('Requests a second, or several with commas. Default: `0.02, 2, 20, 200`.'),
  base: text('Share of the stable version\'s answers that fail, such as `1%`. Default: `1%`.'),
  change: text('Share of the answers of the worse version that fail. Default: `3%`.'),
  session: text('Requests of one session, which fail together. Default: `1`.'),
});

/** Asked is what a forecast is about. */
export interface Asked {
  readonly traffic: readonly number[];
  /** base and change are shares from 0 to 1. */
  readonly base: number;
  readonly change: number;
  readonly session: number;
}

const mostTraffic = 10_000;

const wrong = (input: string, must: string, given: string, hint: string): Outcome<never> =>
  failed({ category: 'input', reason: `the input ${input} must be ${must}, got "${given}"`, tried: 'read what to forecast', hint });

const whole = (given: string, least: number, most: number): number | undefined => {
  const value = /^\d+$/.test(given.trim()) ? Number(given) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
};

/** askedOf reads the inputs; what is no number, or no share between 0 and 100 %, is an `input` problem. */
export const askedOf = (values: z.output<typeof planInputs>): Outcome<Asked> => {
  const { traffic: rates = '0.02, 2, 20, 200', base: good = '1%', change: bad = '3%', session: requests = '1' } = values;
  const traffic = rates.split(',').map((one) => (/^\s*\d+(\.\d+)?\s*$/.test(one) ? Number(one) : Number.NaN));
  if (!traffic.every((one) => one > 0 && one <= mostTraffic)) return wrong('traffic', `requests a second, above 0 and up to ${mostTraffic}`, rates, 'Write such as 0.02 or 2, 20. 1000 requests a day are 0.012 a second.');
  const [base, change] = [perCent(good), perCent(bad)];
  if (base === undefined || base <= 0 || base >= 100) return wrong('base', 'a share above 0% and below 100%', good, 'Write the share of answers that fail today, such as 1%.');
  if (change === undefined || change <= base || change >= 100) return wrong('change', `a share above the base of ${base}% and below 100%`, bad, 'Write the share of failing answers that the canary should catch, such as 3%.');
  const session = whole(requests, 1, 1000);
  if (session === undefined) return wrong('session', 'a whole number from 1 to 1000', requests, 'Write how many requests one session makes.');
  return done({ traffic, base: base / 100, change: change / 100, session });
};
