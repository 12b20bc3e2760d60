import { categories, endingOutputs, type AnyStep } from '@sluice/core';
import * as z from 'zod/mini';

const other = [
  ['rehearse [FILE]', 'Run a whole release of FILE (sluice.yml or a Dify DSL file) against an embedded lab on this machine.'],
  ['lab', 'Start the lab and print how to reach it.'],
  ['help [COMMAND]', 'Show this, or the inputs and outputs of a command.'],
  ['version', "Print Sluice's version; --version and -v do the same."],
] as const;

const rehearseFlags = [
  ['--environment NAME', 'Environment of sluice.yml to rehearse. Default: the production one.'],
  ['--candidate KNOBS', 'Make the new version misbehave: errors=0.2, wrong=0.3, latency=2 or latency=300ms, tokens=2; commas between.'],
] as const;

const columns = (rows: readonly (readonly [string, string])[]): readonly string[] => {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, description]) => `  ${name.padEnd(width)}  ${description}`);
};

const labFlags = [['--json', 'Print the same as one line of JSON.']] as const;

/** overview is the text of `help`. */
export const overview = (steps: readonly AnyStep[]): string =>
  [
    'Usage: node dist/index.js COMMAND [--input value] [--json]',
    '',
    'Steps:',
    ...columns(steps.map((step) => [step.name, step.summary])),
    '',
    'Other commands:',
    ...columns(other),
    '',
    'Exit codes:',
    ...columns(Object.values(categories).map(({ exitCode, meaning }) => [String(exitCode), meaning])),
    '',
    '--json prints the result document alone on standard output. Secrets come from environment variables only.',
    '',
  ].join('\n');

interface Property {
  readonly description?: string;
  readonly enum?: readonly string[];
}

const described = ({ description = '', enum: choices }: Property): string =>
  choices === undefined ? description : `${description} One of: ${choices.map((choice) => `\`${choice}\``).join(', ')}.`;

/** stepHelp is the text of `help STEP`. */
export const stepHelp = (step: AnyStep): string => {
  const properties = (z.toJSONSchema(step.inputs, { io: 'input' }).properties ?? {}) as Record<string, Property>;
  return [
    `${step.name}: ${step.summary}`,
    '',
    'Inputs:',
    ...columns(Object.entries(properties).map(([name, property]) => [`--${name}`, described(property)])),
    '',
    'Outputs:',
    ...columns([...Object.entries(step.outputs).map(([name, { description }]) => [name, description] as const), ...Object.entries(endingOutputs)]),
    '',
  ].join('\n');
};

/** rehearseHelp is the text of `help rehearse`. */
export const rehearseHelp = (): string =>
  ['rehearse [FILE]: a whole release against the embedded lab; no account, no network.', '', ...columns(rehearseFlags), ''].join('\n');

/** labHelp is the text of `help lab`. */
export const labHelp = (): string =>
  [
    'lab: Dify, AgentRun, a gateway and chat services, embedded, on this machine alone, until it is interrupted.',
    '',
    'It prints lines for a POSIX shell that export its addresses and its throw-away credentials, and then stays.',
    '',
    ...columns(labFlags),
    '',
  ].join('\n');
