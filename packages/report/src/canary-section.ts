import { durationText } from '@sluice/core';
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

const rowOf = (reading: CanaryReading): readonly string[] => [
  reading.guard,
  cell(reading.source),
  measured(reading, reading.stable, reading.stableCount),
  measured(reading, reading.candidate, reading.candidateCount),
  `${ratio(reading.evidence)}, aborts at ${ratio(reading.needed)}`,
];

/** canarySection says in Markdown what a canary saw, and how far each guard was from an abort. */
export const canarySection = (evidence: CanaryEvidence): string => {
  const { stable, candidate, weights, readings, silent } = evidence;
  const moved = weights.length === 0 ? 'No traffic was moved' : `Weights: ${weights.map((weight) => `${weight} %`).join(', ')}`;
  return [
    `${moved}. Stable is ${cell(stable)}, the candidate ${cell(candidate)}.`,
    markdownTable(['guard', 'source', 'stable', 'candidate', 'evidence against the candidate'], readings.map(rowOf)),
    ...(silent.length === 0 ? [] : [['No evidence at the end came from:', ...silent.map((line) => `- ${cell(line)}`)].join('\n')]),
  ].join('\n\n');
};
