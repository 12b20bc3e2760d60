import { durationText } from '@sluice/core';
import { canaryChart } from './canary-chart.ts';
import type { CanaryEvidence, CanaryReading } from './canary-evidence.ts';
import { cell, markdownTable } from './markdown-table.ts';

const counted: Readonly<Record<CanaryReading['unit'], string>> = { request: 'answers', user: 'users', session: 'sessions' };

const measured = (reading: CanaryReading, mean: number | null, count: number): string => {
  if (mean === null) return 'nothing counted';
  const of = `${count} ${counted[reading.unit]}`;
  if (reading.guard === 'errors') return `${Math.round(mean * count)} of ${of} (${Number((mean * 100).toFixed(2))} %)`;
  return reading.guard === 'latency' ? `${durationText(mean)} on average, ${of}` : `${Math.round(mean)} on average, ${of}`;
};

const ratio = (value: number): string => `${Number(value.toPrecision(3)).toLocaleString('en')} to 1`;

/** guardHead names the columns of guardRow. */
export const guardHead = ['guard', 'source', 'stable', 'candidate', 'evidence against the candidate'] as const;

/** guardRow says in words what one source says about one guard, and how far that was from an abort; `escape` makes the source's name safe. */
export const guardRow = (reading: CanaryReading, escape: (text: string) => string): readonly string[] => [
  reading.guard,
  escape(reading.source),
  measured(reading, reading.stable, reading.stableCount),
  measured(reading, reading.candidate, reading.candidateCount),
  `${ratio(reading.evidence)}, aborts at ${ratio(reading.needed)}`,
];

/** movedText says in one sentence which weights were set. */
export const movedText = (weights: readonly number[]): string =>
  weights.length === 0 ? 'No traffic was moved.' : `Weights: ${weights.map((weight) => `${weight} %`).join(', ')}.`;

const perCent = (fraction: number): string => `${Number((fraction * 100).toPrecision(3))} %`;

/** certaintyLines say which error rates were in force, what could have been seen, and what was missing; `escape` makes texts safe. */
export const certaintyLines = ({ readings, falseAbort, miss, lack = '', moreAnswers, smallestChange }: CanaryEvidence, escape: (text: string) => string): readonly string[] => [
  // A rate is claimed only where every source counts in a way that keeps it.
  ...new Set(readings.flatMap(({ claimText = '' }) => (claimText === '' ? [] : [`${escape(claimText)}.`]))),
  ...(falseAbort === undefined || miss === undefined || readings.some(({ claimText = '' }) => claimText !== '') ? [] : [`A version that is no worse is aborted in at most ${perCent(falseAbort)} of rollouts; early promotion, where it is on, lets a version through that is worse in at most ${perCent(miss)}.`]),
  ...(smallestChange === undefined ? [] : [`The smallest change that these counts could have shown: ${Number((smallestChange * 100).toPrecision(3))} percentage points more errors, seen in 9 of 10 rollouts.`]),
  ...(lack === '' ? [] : [`Missing at the end: ${escape(lack)}.`]),
  ...(moreAnswers === undefined || moreAnswers.stable + moreAnswers.candidate === 0 ? [] : [`Needed besides: ${moreAnswers.candidate} more answers of the candidate and ${moreAnswers.stable} of stable.`]),
];

/** canarySection says in Markdown what a canary saw, as a picture and in numbers, and how far each guard was from an abort. */
export const canarySection = (evidence: CanaryEvidence): string => {
  const { stable, candidate, weights, readings, silent } = evidence;
  const chart = canaryChart(evidence);
  return [
    `${movedText(weights)} Stable is ${cell(stable)}, the candidate ${cell(candidate)}.`,
    ...(chart === '' ? [] : [chart]),
    markdownTable(guardHead, readings.map((reading) => guardRow(reading, cell))),
    ...certaintyLines(evidence, cell),
    ...(silent.length === 0 ? [] : [['No evidence at the end came from:', ...silent.map((line) => `- ${cell(line)}`)].join('\n')]),
  ].join('\n\n');
};
