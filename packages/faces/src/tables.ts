import { categories, type AnyStep, type Exposure } from '@sluice/core';
import { inputFaces } from './inputs.ts';
import { endingFaces, ownOutputFaces } from './outputs.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

/** stepsTable is the README's table of steps. */
export const stepsTable = (steps: readonly AnyStep[]): string =>
  table(
    ['step', 'what it does'],
    steps.map((step) => [`[\`${step.name}\`](docs/steps.md#${step.name})`, step.summary]),
  );

/** described is a table of inputs or outputs. */
const described = (head: string, rows: readonly { readonly name: string; readonly description: string }[]): string =>
  table(
    [head, 'description'],
    rows.map(({ name, description }) => [`\`${name}\``, description]),
  );

/** stepReference is one step's section of docs/steps.md. */
export const stepReference = (step: AnyStep): string =>
  [`## ${step.name}`, '', step.summary, '', described('input', inputFaces(step)), '', described('output', ownOutputFaces(step))].join('\n');

/** endingTable is the table of the outputs that every step has. */
export const endingTable = (): string => described('output of every step', endingFaces);

/** exitCodesTable is the table of exit codes. */
export const exitCodesTable = (): string =>
  table(
    ['exit code', 'category', 'meaning'],
    Object.entries(categories).map(([category, { exitCode, meaning }]) => [String(exitCode), `\`${category}\``, meaning]),
  );

/** exposureTable says, for each kind of target, who meets the new version after each step, in the order of the steps. */
export const exposureTable = (exposures: readonly Exposure[]): string => {
  const sections = exposures.map((exposure) =>
    [
      `**${exposure.title}**`,
      '',
      table(
        ['after', 'the new version is served to', ''],
        exposure.rows.map((row) => [row.step, row.served, row.note]),
      ),
      ...(exposure.bypasses.length === 0 ? [] : ['', `Not governed by the split: ${exposure.bypasses.join(', ')}.`]),
    ].join('\n'),
  );
  return sections.join('\n\n');
};
