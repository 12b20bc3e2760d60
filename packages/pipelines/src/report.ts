import type { Severity } from '@sluice/core';

/** Report adds a finding at a key path of a YAML file. */
export type Report = (rule: string, severity: Severity, message: string, path: readonly (string | number)[], hint: string) => void;
