import { createHash } from 'node:crypto';
import { durationText, htmlText, oneLine, type StepResult } from '@sluice/core';
import { canaryEvidenceOf, type CanaryEvidence } from './canary-evidence.ts';
import { certaintyLines, guardHead, guardRow, movedText } from './canary-section.ts';
import { canaryPicture } from './canary-svg.ts';
import { blamedIn, knownLines } from './failures-section.ts';
import { leavesOf } from './leaves.ts';

const longest = 2000;

const style = `:root{color-scheme:light dark;font:15px/1.5 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
div{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{border-bottom:1px solid #80889055;padding:.35rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
td:first-child,.steps td:not(:last-child){white-space:nowrap}
b{padding:.1rem .5rem;border-radius:.6rem;color:#1f2328;background:#d8dee4;font-weight:600}
.passed{background:#9be9a8}.failed,.error{background:#ffb3b3}.inconclusive{background:#ffe08a}
svg{max-width:100%;height:auto}`;

/** policy lets the page show itself and load nothing: no script, no image, no form, no style but its own. */
const policy = (): string => {
  const hash = createHash('sha256').update(style, 'utf8').digest('base64');
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
};

const text = (value: string): string => htmlText(oneLine(value, longest));

const status = (result: StepResult): string => `<b class="${result.status}">${result.status}</b>`;

/** table makes a table; cells are HTML that has been escaped already. */
const table = (head: readonly string[], rows: readonly (readonly string[])[], name = ''): string => {
  const line = (cells: readonly string[], tag: string): string => `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<div><table class="${name}">${[line(head, 'th'), ...rows.map((row) => line(row, 'td'))].join('\n')}</table></div>`;
};

const list = (lines: readonly string[]): string => `<ul>${lines.map((line) => `<li>${line}</li>`).join('')}</ul>`;

const failures = (blamed: readonly StepResult[]): string =>
  list(blamed.map((result) => `<strong>${text(result.step)}</strong>: ${text(result.reason)}${list(knownLines(result).map(text))}`));

const canary = (result: StepResult, evidence: CanaryEvidence): readonly string[] => [
  '<h2>Canary</h2>',
  `<p>${movedText(evidence.weights)} Stable is ${text(evidence.stable)}, the candidate ${text(evidence.candidate)}.</p>`,
  canaryPicture(result, evidence),
  table(guardHead, evidence.readings.map((reading) => guardRow(reading, text))),
  ...certaintyLines(evidence, text).map((line) => `<p>${line}</p>`),
  ...(evidence.silent.length === 0 ? [] : [`<p>No evidence at the end came from:</p>${list(evidence.silent.map(text))}`]),
];

/** htmlReport is a result as one page that needs nothing else: the outcome, what failed, the steps, the canary's picture, the outputs. */
export const htmlReport = (result: StepResult): string => {
  const leaves = leavesOf(result);
  const blamed = blamedIn(result);
  const outputs = Object.entries(result.outputs).filter(([, value]) => value !== '');
  return [
    '<!doctype html>',
    `<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy()}">`,
    '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">',
    `<title>${text(`${result.step}: ${result.status}`)}</title><style>${style}</style></head><body>`,
    `<h1>${text(result.step)} ${status(result)}</h1>`,
    `<p>${text(result.reason)}</p>`,
    ...(blamed.length === 0 ? [] : ['<h2>What failed and what to do</h2>', failures(blamed)]),
    '<h2>Steps</h2>',
    table(
      ['step', 'status', 'time', 'reason'],
      leaves.map((leaf) => [text(leaf.step), status(leaf), durationText(leaf.durationMs), text(leaf.reason)]),
      'steps',
    ),
    `<p>${durationText(result.durationMs)} in all, from ${text(result.startedAt)}.</p>`,
    ...leaves.flatMap((leaf) => {
      const evidence = canaryEvidenceOf(leaf);
      return evidence === undefined ? [] : canary(leaf, evidence);
    }),
    ...(outputs.length === 0 ? [] : ['<h2>Outputs</h2>', table(['output', 'value'], outputs.map(([name, value]) => [text(name), text(value)]))]),
    '</body></html>\n',
  ].join('\n');
};
