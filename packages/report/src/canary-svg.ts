import { durationText, type StepResult } from '@sluice/core';
import type { CanaryEvidence, CanaryPoint } from './canary-evidence.ts';
import { axes, blue, fitted, fixed, left, orange, picture, plotWidth, text } from './svg-parts.ts';

/** CanaryLabels are the names in a canary's picture. */
export interface CanaryLabels {
  readonly title: string;
  readonly stable: string;
  readonly candidate: string;
}

interface Box {
  readonly top: number;
  readonly height: number;
}

/** titleColumns of bold text fit beside the left edge. */
const titleColumns = 64;
const weightBox: Box = { top: 48, height: 84 };
const answersBox: Box = { top: 168, height: 92 };
const evidenceBox: Box = { top: 296, height: 84 };
/** below is what stands under the last plot, and nothingHeight a picture without one. */
const below = 40;
const nothingHeight = 88;

const red = '#d1495b';

/** niceTop is the smallest 1, 2 or 5 times a power of ten that is not below the value. */
export const niceTop = (value: number): number => {
  if (!(value > 1)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((top) => top >= value) ?? value;
};

const axis = ({ top, height: tall }: Box, upper: string, lower: string): string => axes(top, tall, upper, lower);

interface Scale {
  x(point: CanaryPoint): number;
  y(box: Box, value: number, top: number): number;
}

const scaleOf = (history: readonly CanaryPoint[]): Scale => {
  const end = Math.max(1, ...history.map((point) => point.atMs));
  return {
    x: (point) => left + (point.atMs / end) * plotWidth,
    y: (box, value, top) => box.top + box.height * (1 - value / top),
  };
};

/** weightPath begins at the start with the first weight, and changes in steps, because a weight holds until the next. */
const weightPath = (history: readonly CanaryPoint[], scale: Scale): string => {
  const bottom = weightBox.top + weightBox.height;
  const steps = history.map((point, index) => {
    const before = scale.x(history[index - 1] ?? { ...point, atMs: 0 });
    return `L${fixed(before)} ${fixed(scale.y(weightBox, point.weight, 100))}H${fixed(scale.x(point))}`;
  });
  return `<path d="M${left} ${bottom}${steps.join('')}V${bottom}" fill="${orange}" fill-opacity="0.25" stroke="${orange}" stroke-width="1.5"/>`;
};

const answersPath = (history: readonly CanaryPoint[], scale: Scale, arm: 'stable' | 'candidate', top: number, colour: string): string => {
  const points = history.map((point) => `${fixed(scale.x(point))} ${fixed(scale.y(answersBox, point[arm], top))}`);
  return `<path d="M${left} ${answersBox.top + answersBox.height}L${points.join('L')}" fill="none" stroke="${colour}" stroke-width="2"/>`;
};

type Measured = CanaryPoint & { readonly evidence: number; readonly needed: number };

const isMeasured = (point: CanaryPoint): point is Measured => point.evidence !== undefined && point.needed !== undefined && point.needed > 1;

/** towards is how far evidence is on the way to its boundary, 0 to 1 and somewhat above, as evidence multiplies. */
const towards = ({ evidence, needed }: Measured): number => Math.min(1.2, Math.max(0, Math.log(Math.max(1, evidence)) / Math.log(needed)));

/** evidenceDrawing draws the guard that was nearest to its boundary at each look, and the boundary. */
const evidenceDrawing = (history: readonly CanaryPoint[], scale: Scale): string => {
  const points = history.filter(isMeasured);
  const last = points.at(-1);
  if (last === undefined) return '';
  const boundary = scale.y(evidenceBox, 1, 1.2);
  const line = points.map((point) => `${fixed(scale.x(point))} ${fixed(scale.y(evidenceBox, towards(point), 1.2))}`);
  const name = (value: number): string => `${Number(value.toPrecision(3))} to 1`;
  return [
    text(left, evidenceBox.top - 10, 'evidence against the candidate, the guard nearest to an abort'),
    axis(evidenceBox, '', '1'),
    `<path d="M${left} ${fixed(boundary)}H${left + plotWidth}" fill="none" stroke="${red}" stroke-dasharray="4 3"/>`,
    text(left + plotWidth + 8, boundary + 4, `aborts: ${name(last.needed)}`, ` fill="${red}"`),
    `<path d="M${left} ${evidenceBox.top + evidenceBox.height}L${line.join('L')}" fill="none" stroke="${orange}" stroke-width="2"/>`,
    text(left + plotWidth + 8, Math.max(boundary + 19, scale.y(evidenceBox, towards(last), 1.2) + 4), name(last.evidence), ` fill="${orange}"`),
  ].join('');
};

/** endLabels name both lines at their ends, at least one line apart. */
const endLabels = (last: CanaryPoint, labels: CanaryLabels, scale: Scale, top: number): string => {
  const wanted = [
    { name: labels.stable, count: last.stable, colour: blue, y: scale.y(answersBox, last.stable, top) },
    { name: labels.candidate, count: last.candidate, colour: orange, y: scale.y(answersBox, last.candidate, top) },
  ].sort((one, other) => one.y - other.y);
  const [upper, lower] = wanted;
  if (upper === undefined || lower === undefined) return '';
  const lowerY = Math.min(answersBox.top + answersBox.height, Math.max(lower.y, upper.y + 15));
  const upperY = Math.min(upper.y, lowerY - 15);
  const label = (entry: typeof upper, y: number): string =>
    text(left + plotWidth + 8, y + 4, `${fitted(entry.name, 14)} ${entry.count}`, ` fill="${entry.colour}"`);
  return label(upper, upperY) + label(lower, lowerY);
};

/** heightOf leaves no room for a plot that has no points. */
const heightOf = (points: readonly CanaryPoint[]): number => {
  if (points.length === 0) return nothingHeight;
  const { top, height } = points.some(isMeasured) ? evidenceBox : answersBox;
  return top + height + below;
};

const drawing = (history: readonly CanaryPoint[], last: CanaryPoint, labels: CanaryLabels, tall: number): string => {
  const scale = scaleOf(history);
  const top = niceTop(Math.max(...history.map((point) => Math.max(point.stable, point.candidate))));
  return [
    text(left, weightBox.top - 10, 'candidate, % of users'),
    axis(weightBox, '100 %', '0 %'),
    weightPath(history, scale),
    text(left + plotWidth + 8, scale.y(weightBox, last.weight, 100) + 4, `${fixed(last.weight)} %`, ` fill="${orange}"`),
    text(left, answersBox.top - 10, 'answers so far'),
    axis(answersBox, String(top), '0'),
    answersPath(history, scale, 'stable', top, blue),
    answersPath(history, scale, 'candidate', top, orange),
    endLabels(last, labels, scale, top),
    evidenceDrawing(history, scale),
    text(left, tall - below + 18, '0'),
    text(left + plotWidth, tall - below + 18, durationText(Math.max(...history.map((point) => point.atMs))), ' text-anchor="end"'),
  ].join('');
};

const isDrawable = (point: CanaryPoint): boolean =>
  [point.atMs, point.weight, point.stable, point.candidate].every((value) => value >= 0 && value <= Number.MAX_SAFE_INTEGER) && point.weight <= 100;

/**
 * canarySvg draws a canary: the candidate's weight over time, the answers of each arm, and the evidence against the
 * boundary of an abort. Points that are no counts are left out.
 */
export const canarySvg = (history: readonly CanaryPoint[], labels: CanaryLabels): string => {
  const points = history.filter(isDrawable).toSorted((one, other) => one.atMs - other.atMs);
  const last = points.at(-1);
  const title = fitted(labels.title, titleColumns);
  const tall = heightOf(points);
  return picture(tall, title, [last === undefined ? text(left, weightBox.top + 20, 'Nothing was observed.') : drawing(points, last, labels, tall)]);
};

/** canaryPicture is the picture of a canary step, with its outcome as the title. */
export const canaryPicture = (result: StepResult, { history, stable, candidate }: CanaryEvidence): string =>
  canarySvg(history, { title: `${result.step} ${result.status}: ${result.reason}`, stable: `stable ${stable}`, candidate: `candidate ${candidate}` });
