import { inputTypes } from '@sluice/core';

/** These are the inputs that steps take; all may be left out. */
export const { text, boolean: flag, duration, choice } = inputTypes;

/** commonInputs are understood by every step; the entrypoint reads them before the step runs. */
export const commonInputs = {
  config: text('Path of sluice.yml, of a folder that holds one, or of a bare Dify DSL file. Default: `sluice.yml`.'),
  environment: text('Environment of sluice.yml to work on. Default: the one whose `branches` match.'),
  'dry-run': flag('Read and check everything, change nothing. Default: `false`.'),
  deadline: duration('Longest time for the step, such as `90s` or `20m`.'),
};
