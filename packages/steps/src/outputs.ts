import type { OutputDefinition } from '@sluice/core';

/** addressOutput is the output `address` of every step that has it: the target's own address, never a guess. */
export const addressOutput: OutputDefinition = {
  description: 'Address that people open: the endpoint that users call, or the app in Studio. Empty while there is none.',
  initial: '',
};
