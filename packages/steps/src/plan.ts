import { defineStep, done, durationText, endedBy, percentText, type Outcome, type StepContext } from '@sluice/core';
import { forecastOf, withinMs, type ForecastRow, type PlanForecast } from './plan-forecast.ts';
import { askedOf, planInputs, type Asked } from './plan-inputs.ts';
import { tableLines } from './table.ts';

const forecasts = (context: StepContext, asked: Asked): Outcome<readonly PlanForecast[]> => {
  const all = context.selected.ok ? [[context.selected.value.name, context.selected.value.config] as const] : Object.entries(context.project.config.environments);
  const made: PlanForecast[] = [];
  for (const [name, config] of all) {
    const forecast = forecastOf(name, config, asked);
    if (forecast?.ok === false) return forecast;
    if (forecast === undefined) context.host.log(`${name}: sluice.yml asks for no canary there`);
    else made.push(forecast.value);
  }
  return done(made);
};

const cellsOf = ({ traffic, healthy, worse, smallest }: ForecastRow): readonly string[] => [
  String(traffic),
  percentText(worse.abort),
  percentText(worse.abortWithin),
  percentText(worse.promote),
  String(Math.round(worse.exposed)),
  percentText(healthy.abort),
  percentText(healthy.promote),
  durationText(healthy.medianMs),
  smallest === null ? 'none' : percentText(smallest),
  String(Math.round(healthy.pairs)),
];

const headings: readonly string[] = ['requests/s', 'caught', `in ${durationText(withinMs)}`, 'let through', 'exposed', 'good aborted', 'good promoted', 'takes', 'caught at 90 %', 'pairs'];

const linesOf = (forecast: PlanForecast, asked: Asked): readonly string[] => [
  `${forecast.environment}: ${forecast.plan}`,
  `At least ${durationText(forecast.leastMs)}. A good version is aborted in at most ${percentText(forecast.falseAbort)} of rollouts. Errors ${percentText(asked.base)} -> ${percentText(asked.change)}:`,
  ...tableLines(headings, forecast.rows.map(cellsOf)),
  ...forecast.rows.flatMap(({ traffic, improvements }) =>
    improvements.length === 0 ? [] : [`At ${traffic} requests a second more is caught with ${improvements.slice(0, 3).map(({ change, abort }) => `${change} (${percentText(abort)})`).join(', ')}.`],
  ),
];

const reasonOf = ({ environment }: PlanForecast, { traffic, worse }: ForecastRow, asked: Asked): string =>
  `${environment}, ${traffic} requests a second: ${percentText(asked.base)} -> ${percentText(asked.change)} errors are caught in ${percentText(worse.abort)} of rollouts, in ${percentText(worse.abortWithin)} within ${durationText(withinMs)}, after ${Math.round(worse.exposed)} exposed requests on average`;

/** plan tells what the canary will do, before the rollout. */
export const plan = defineStep({
  name: 'plan',
  summary: 'Tell before a rollout how often its canary catches a worse version, how soon, at what exposure, and what would improve it.',
  inputs: planInputs,
  outputs: {
    caught: { description: 'How often the worse version is aborted at the first rate of requests, in per cent.', initial: '' },
    'caught-within': { description: 'How often it is aborted within 15 minutes, in per cent.', initial: '' },
    'let-through': { description: 'How often it is promoted, in per cent.', initial: '' },
    exposed: { description: 'Requests that the worse version answers until the verdict, on average.', initial: '' },
    'good-aborted': { description: 'How often a version as good as stable is aborted, in per cent.', initial: '' },
    smallest: { description: 'The smallest share of failing answers that is caught in 90 of 100 rollouts, in per cent; empty when none is.', initial: '' },
  },
  offline: true,
  deadlineMs: 60_000,
  run: async (context, values) => {
    const asked = askedOf(values);
    if (!asked.ok) return endedBy(asked.problem);
    const made = forecasts(context, asked.value);
    if (!made.ok) return endedBy(made.problem);
    for (const forecast of made.value) for (const line of linesOf(forecast, asked.value)) context.host.log(line);
    const [first] = made.value;
    const row = first?.rows[0];
    if (first === undefined || row === undefined) return { category: 'skipped', reason: 'sluice.yml asks for no canary, so there is nothing to forecast' };
    const inPerCent = (share: number): string => String(Number((share * 100).toFixed(2)));
    const { base, change } = asked.value;
    return {
      category: 'passed',
      reason: reasonOf(first, row, asked.value),
      outputs: {
        caught: inPerCent(row.worse.abort),
        'caught-within': inPerCent(row.worse.abortWithin),
        'let-through': inPerCent(row.worse.promote),
        exposed: String(Math.round(row.worse.exposed)),
        'good-aborted': inPerCent(row.healthy.abort),
        smallest: row.smallest === null ? '' : inPerCent(row.smallest),
      },
      evidence: { base, change, withinMs, forecasts: [...made.value] },
    };
  },
});
