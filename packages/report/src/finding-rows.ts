import { posix } from 'node:path';
import { oneLine, type Place, type Problem, type Severity, type StepResult } from '@sluice/core';
import * as z from 'zod/mini';

const count = z.number().check(z.gte(1));

const row = z.object({
  rule: z.string(),
  severity: z.enum(['error', 'warning', 'notice']),
  message: z.string(),
  hint: z.optional(z.string()),
  place: z.optional(z.object({ file: z.string(), line: z.optional(count), column: z.optional(count) })),
  status: z.optional(z.enum(['passed', 'failed', 'skipped'])),
});

const rows = z.array(row);

/** FindingRow is one finding, its file named from the root of the repository, with slashes. */
export interface FindingRow {
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  readonly hint: string;
  readonly place: Place;
}

/** CheckRow is one thing that a step asked beside its findings, such as the way to an environment. */
export interface CheckRow {
  readonly name: string;
  readonly message: string;
  readonly status: 'passed' | 'failed' | 'skipped';
}

/** Looked is what a step left that looked at files. */
export interface Looked {
  readonly findings: readonly FindingRow[];
  readonly checks: readonly CheckRow[];
}

/** unreadable is the rule of a file that could not be read as what it should be. */
const unreadable = 'sluice/unreadable';

const longest = 1000;

/** fromRoot names a file from the root of the repository; one outside of it keeps its name. */
const fromRoot = (file: string, folder: string): string => {
  const path = oneLine(file, longest).replaceAll('\\', '/');
  return posix.isAbsolute(path) || /^[A-Za-z]:\//.test(path) ? path : posix.join(folder.replaceAll('\\', '/'), path);
};

/** placed are the problems that say where in a file they are, as findings; the others of a problem each are one. */
const placed = ({ others = [], ...first }: Problem, folder: string): readonly FindingRow[] =>
  [first, ...others].flatMap(({ place, reason, hint = '' }) =>
    place === undefined ? [] : [{ rule: unreadable, severity: 'error' as const, message: oneLine(reason, longest), hint: oneLine(hint, longest), place: { ...place, file: fromRoot(place.file, folder) } }],
  );

/**
 * lookedOf is what a step found in files, out of its result document: from its evidence, or from a problem that names the
 * place. Undefined for a step that looked at no files, or did not come to that.
 */
export const lookedOf = ({ outputs, evidence, problem, folder = '' }: StepResult): Looked | undefined => {
  // A step that counts findings is one that looks for them.
  if (!Object.hasOwn(outputs, 'findings')) return undefined;
  const read = rows.safeParse(evidence).data;
  const refused = problem === undefined ? [] : placed(problem, folder);
  if (read === undefined) return refused.length === 0 ? undefined : { findings: refused, checks: [] };
  return {
    findings: [
      ...read.flatMap(({ rule, severity, message, hint = '', place, status }) => {
        if (status !== undefined || place === undefined) return [];
        const { file, line, column } = place;
        const at = { file: fromRoot(file, folder), ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
        return [{ rule: oneLine(rule, longest), severity, message: oneLine(message, longest), hint: oneLine(hint, longest), place: at }];
      }),
      ...refused,
    ],
    checks: read.flatMap(({ rule, message, status }) => (status === undefined ? [] : [{ name: oneLine(rule, longest), message: oneLine(message, longest), status }])),
  };
};
