import { done, failed, oneLine, type Outcome } from '@sluice/core';
import type { Application } from './application.ts';
import type { Import } from './shapes.ts';

/** Imported is an import that the server has completed. */
export interface Imported {
  readonly app: string;
  readonly notes: readonly string[];
}

const refusedImport = (application: Application, answer: Import) =>
  failed({
    category: 'platform',
    reason: `the server refused the file: ${oneLine(answer.error, 300) || 'no reason given'}`,
    tried: 'import the DSL',
    where: `${application.address.console}/apps/imports`,
    answer: { status: 400, message: oneLine(answer.error, 300) },
  });

/** runImport imports a DSL, over an app or as a new one, and confirms when the server asks because of the file's version. */
export const runImport = async (application: Application, yaml: string, app?: string): Promise<Outcome<Imported>> => {
  const first = await application.console.importDsl(yaml, app);
  if (!first.ok) return first;
  const pending = first.value.status === 'pending';
  const last = pending ? await application.console.confirmImport(first.value.id) : first;
  if (!last.ok) return last;
  const { status, app_id: id } = last.value;
  if (status === 'failed') return refusedImport(application, last.value);
  if (status === 'pending' || id === '') {
    return failed({ category: 'platform', reason: `the import ended as ${status} without an app`, where: `${application.address.console}/apps/imports` });
  }
  const versions = `the file has DSL version ${first.value.imported_dsl_version || 'unknown'}, the server ${first.value.current_dsl_version || 'another'}`;
  const notes = pending
    ? [`The import had to be confirmed: ${versions}.`]
    : status === 'completed-with-warnings'
      ? [`Imported with a warning: ${versions}.`]
      : [];
  return done({ app: id, notes });
};
