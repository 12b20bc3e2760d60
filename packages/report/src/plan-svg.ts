import { displayWidth, durationText, oneLine, svgText } from '@sluice/core';
import type { PlanEvidence } from './plan-evidence.ts';

const width = 680;
const panel = 190;
const left = 56;
const right = 150;
const plotWidth = width - left - right;
const plotHeight = 110;
const below = 48;
const grey = '#808890';
/** colours tell the rates of requests apart, on light pages and dark ones. */
const colours = ['#d97a2b', '#3b82d6', '#3a9a5b', '#a35fc0', '#c0504d', '#7a8a2a'];
const lineHeight = 15;
const titleColumns = 80;

const fixed = (value: number): string => String(Number(value.toFixed(1)));

const text = (x: number, y: number, content: string, more = ''): string => `<text x="${fixed(x)}" y="${fixed(y)}"${more}>${svgText(content)}</text>`;

const fitted = (name: string, columns: number): string => {
  let length = columns;
  while (length > 1 && displayWidth(oneLine(name, length)) > columns) length -= 1;
  return oneLine(name, length);
};

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
    `<path d="M${left} ${top}V${top + plotHeight}H${left + plotWidth}" fill="none" stroke="${grey}"/>`,
    text(left - 8, top + 4, '100 %', ' text-anchor="end"'),
    text(left - 8, top + plotHeight + 4, '0 %', ' text-anchor="end"'),
    curves(rows, top, endMs),
    text(left, top + plotHeight + 18, '0'),
    text(left + plotWidth, top + plotHeight + 18, durationText(endMs), ' text-anchor="end"'),
  ].join('');
};

/** planSvg draws, for each environment, the chance that the worse version has been aborted, over time and for each rate of requests. */
export const planSvg = ({ base, change, forecasts }: PlanEvidence): string => {
  const height = below + forecasts.length * panel;
  const title = `Chance that ${fixed(base * 100)} -> ${fixed(change * 100)} % errors have been caught`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${svgText(title)}"`,
    ` font-family="system-ui, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif" font-size="12" fill="${grey}">`,
    text(left, 20, title, ' font-size="14" font-weight="600"'),
    ...forecasts.map((forecast, index) => panelOf(forecast, below + 20 + index * panel)),
    '</svg>\n',
  ].join('');
};
