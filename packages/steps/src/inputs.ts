import { inputTypes } from '@sluice/core';

/** text is an input of any text that may be left out. */
export const text = (description: string) => inputTypes.text(description).optional();

/** flag is an input that is `true` or `false` and may be left out. */
export const flag = (description: string) => inputTypes.boolean(description).optional();

/** choice is an input with a fixed set of values that may be left out. */
export const choice = <const T extends readonly [string, ...string[]]>(values: T, description: string) => inputTypes.choice(values, description).optional();

/** commonInputs are understood by every step; the entrypoint reads them before the step runs. */
export const commonInputs = {
  config: text('Path of sluice.yml, of a folder that holds one, or of a bare Dify DSL file. Default: `sluice.yml`.'),
  environment: text('Environment of sluice.yml to work on. Default: the one whose `branches` match.'),
  'dry-run': flag('Read and check everything, change nothing. Default: `false`.'),
  deadline: text('Longest time for the step, such as `90s` or `20m`.'),
};
