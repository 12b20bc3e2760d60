import type { Severity } from '@sluice/core';

/** Report adds a finding at a key path of a YAML file. */
export type Report = (rule: string, severity: Severity, message: string, path: readonly (string | number)[], hint: string) => void;

export type Mapping = Readonly<Record<string, unknown>>;

export const mappingOf = (value: unknown): Mapping => (typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {});

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** writingCommand is a command line of ours that changes what users get. */
export const writingCommand = /dist\/index\.js["']?\s+(?:deploy|publish-version|canary|rollback|release)\b/;
