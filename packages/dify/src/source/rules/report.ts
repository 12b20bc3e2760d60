import type { Severity } from '@sluice/core';
import type { RuleName } from './names.ts';

/** Path leads from the root of the file to a value. */
export type Path = readonly (string | number)[];

/** Report adds a finding at a key path of the file. */
export type Report = (rule: RuleName, severity: Severity, message: string, path: Path, hint?: string) => void;
