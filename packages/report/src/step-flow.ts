import { mermaidText, oneLine, type Status, type StepResult } from '@sluice/core';

/** colours are fill and border of a status; the text is dark on all of them, on light pages and dark ones. */
const colours: Readonly<Record<Status, readonly [string, string]>> = {
  passed: ['#9be9a8', '#216e39'],
  failed: ['#ffb3b3', '#a40e26'],
  error: ['#ffb3b3', '#a40e26'],
  inconclusive: ['#ffe08a', '#7a5a00'],
  skipped: ['#d8dee4', '#57606a'],
  cancelled: ['#d8dee4', '#57606a'],
};

/** stepFlow is a Mermaid flow of steps in their order, coloured by status. */
export const stepFlow = (results: readonly StepResult[]): string => {
  const nodes = results.map(({ step, status }, index) => `  s${index}["${mermaidText(oneLine(step, 40))}<br/>${status}"]:::${status}`);
  const arrows = results.slice(1).map((_, index) => `  s${index} --> s${index + 1}`);
  const used = [...new Set(results.map(({ status }) => status))];
  const classes = used.map((status) => {
    const [fill, border] = colours[status];
    return `  classDef ${status} fill:${fill},stroke:${border},color:#1f2328`;
  });
  return ['```mermaid', 'flowchart LR', ...nodes, ...arrows, ...classes, '```'].join('\n');
};
