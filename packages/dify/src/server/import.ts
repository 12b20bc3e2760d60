import { done, failed, oneLine, type Outcome, type Problem } from '@sluice/core';
import { renderDsl } from '../source/render.ts';
import type { Mapping } from '../source/shape.ts';
import { unknownApplication, type Application } from './application.ts';
import { sealedDatasets } from './datasets.ts';
import type { Import } from './shapes.ts';

/** Imported is an import that the server has completed. */
export interface Imported {
  readonly app: string;
  readonly notes: readonly string[];
  /** confirmed imports are those that the server asked about first; it forgets their dependencies. */
  readonly confirmed: boolean;
}

/** expired is what Dify says of a confirmation that it does not wait for (Dify 1.12.1, AppDslService.confirm_import). */
const expired = /expired or does not exist/i;

const refusedImport = (application: Application, answer: Import): Problem => {
  const message = oneLine(answer.error, 300);
  if (/^App not found/i.test(message)) return unknownApplication(application);
  const lost = expired.test(message);
  return {
    category: 'platform',
    reason: lost ? 'the server no longer waits for the confirmation of the import' : `the server refused the file: ${message || 'no reason given'}`,
    tried: lost ? 'confirm the import' : 'import the DSL',
    where: `${application.address.console}/apps/imports`,
    answer: { status: 400, message },
    hint: lost
      ? 'Nothing was written. It waits ten minutes, in Redis and for this account only. Check that Redis keeps its data, and run the release again.'
      : 'Nothing was published. Correct the file, or export it from a Studio of the same release as this server.',
  };
};

const versionsOf = ({ imported_dsl_version: file, current_dsl_version: server }: Import): string =>
  `the file has DSL version ${file || 'unknown'}, the server ${server || 'another'}`;

const notesOf = (first: Import): readonly string[] => {
  if (first.status === 'pending') return [`The file is newer than the server, or older by a major version, so the import had to be confirmed: ${versionsOf(first)}.`];
  return first.status === 'completed-with-warnings' ? [`Imported with a warning: ${versionsOf(first)}.`] : [];
};

/** runImport imports a DSL, over an app or as a new one, and confirms when the server asks because of the file's version. */
export const runImport = async (application: Application, root: Mapping, app?: string): Promise<Outcome<Imported>> => {
  const sealed = await sealedDatasets(application, root);
  if (!sealed.ok) return sealed;
  const first = await application.console.importDsl(renderDsl(sealed.value), app);
  if (!first.ok) return first;
  const last = first.value.status === 'pending' ? await application.console.confirmImport(first.value.id) : first;
  if (!last.ok) return last;
  const { status, app_id: id } = last.value;
  if (status === 'failed') return failed(refusedImport(application, last.value));
  if (status === 'pending' || id === '') {
    return failed({ category: 'platform', reason: `the import ended as ${status} without an app`, where: `${application.address.console}/apps/imports`, hint: 'Look at the app in Studio, then run the release again.' });
  }
  return done({ app: id, notes: notesOf(first.value), confirmed: first.value.status === 'pending' });
};
