import type { StepContext } from '@sluice/core';

/** environmentName is the name of the selected environment; empty when there is none. */
export const environmentName = ({ selected }: StepContext): string => (selected.ok ? selected.value.name : '');
