import { durationText } from '@sluice/core';
import type { PlanEvidence } from './plan-evidence.ts';
import { axes, blue, fitted, fixed, grey, left, orange, picture, plotWidth, text } from './svg-parts.ts';

const panel = 190;
const plotHeight = 110;
const below = 48;
/** colours tell the rates of requests apart, on light pages and dark ones. */
const colours = [orange, blue, '#3a9a5b', '#a35fc0', '#c0504d', '#7a8a2a'];
const lineHeight = 15;
const titleColumns = 80;

type Rows = PlanEvidence['forecasts'][number]['rows'];

/** curves are the chance of having aborted the worse version, over time, in steps. */
const curves = (rows: Rows, top: number, endMs: number): string =>
  rows
    .slice(0, colours.length)
    .map(({ traffic, worse }, index) => {
      const x = (atMs: number): number => left + (Math.min(atMs, endMs) / endMs) * plotWidth;
      const y = (share: number): number => top + plotHeight * (1 - share);
      const steps = worse.abortedBy.map(({ atMs, share }) => `H${fixed(x(atMs))}V${fixed(y(share))}`).join('');
      const colour = ` fill="${colours[index] ?? grey}"`;
      return (
        `<path d="M${left} ${top + plotHeight}${steps}H${left + plotWidth}" fill="none" stroke="${colours[index] ?? grey}" stroke-width="2"/>` +
        text(left + plotWidth + 8, top + 8 + index * lineHeight, `${traffic}/s: ${fixed(worse.abort * 100)} %`, colour)
      );
    })
    .join('');

const panelOf = ({ environment, plan, rows }: PlanEvidence['forecasts'][number], top: number): string => {
  const endMs = Math.max(1, ...rows.flatMap(({ worse }) => worse.abortedBy.map(({ atMs }) => atMs)));
  return [
    text(left, top - 12, fitted(`${environment}: ${plan}`, titleColumns)),
    axes(top, plotHeight, '100 %', '0 %'),
    curves(rows, top, endMs),
    text(left, top + plotHeight + 18, '0'),
    text(left + plotWidth, top + plotHeight + 18, durationText(endMs), ' text-anchor="end"'),
  ].join('');
};

/** planSvg draws, for each environment, the chance that the worse version has been aborted, over time and for each rate of requests. */
export const planSvg = ({ base, change, forecasts }: PlanEvidence): string => {
  const title = `Chance that ${fixed(base * 100)} -> ${fixed(change * 100)} % errors have been caught`;
  return picture(below + forecasts.length * panel, title, forecasts.map((forecast, index) => panelOf(forecast, below + 20 + index * panel)));
};
