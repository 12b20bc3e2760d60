import { done, failed, oneLine, type Change, type Deployment, type Outcome, type Problem } from '@sluice/core';
import { lostBindings } from '../source/bindings.ts';
import { diffContent } from '../source/diff.ts';
import { environmentVariables, hiddenSecret } from '../source/dsl.ts';
import { mappingOf } from '../source/shape.ts';
import type { Application } from './application.ts';
import { atLeast } from './release.ts';
import { blankSecrets, type Kept } from './secrets.ts';
import type { Workflow } from './shapes.ts';
import { contentOf, versionOf } from './versions.ts';

const longestList = 8;
const longestValue = 60;

/** isPrivate says whether a value may not be shown: an app's variables often hold what an environment keeps to itself. */
const isPrivate = (change: Change): boolean => change.about === 'variable';

/** lossText says what was sent and what the server has, as in `knowledge of node "Search": sent a, the server has none`. */
export const lossText = (change: Change): string => {
  if (isPrivate(change) || (change.before === undefined && change.after === undefined)) return `${change.subject} ${change.kind}`;
  const value = (text: string | undefined): string => (text === undefined ? 'nothing' : oneLine(text, longestValue) || 'nothing');
  return `${change.subject}: sent ${value(change.before)}, the server has ${value(change.after)}`;
};

/** notKept is the problem of a server that has dropped or changed what was deployed. */
export const notKept = (application: Application, losses: readonly string[]): Problem => {
  const more = losses.length - longestList;
  return {
    category: 'platform',
    reason: `the server did not keep everything that was deployed: ${losses.slice(0, longestList).join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
    tried: `deploy app ${application.id()}`,
    where: application.address.studio,
    hint: 'Nothing was published. Compare the draft in Studio with the file: what this workspace does not have may have been dropped. Then deploy with overwrite.',
  };
};

/** Secrets is how the secret variables of a deployment stand on the server, by name. */
export interface Secrets {
  /** known is false on a server that does not show them (Dify < 1.5.0). */
  readonly known: boolean;
  /** blank ones have no value on the server, although it was told to keep the one it has. */
  readonly blank: readonly string[];
  readonly lost: readonly string[];
}

/** readSecrets compares the secrets that the server has stored with those of a deployment. */
export const readSecrets = async (application: Application, { source, given }: Kept): Promise<Outcome<Secrets>> => {
  const secrets = environmentVariables(source.root['workflow']).filter((one) => one.secret);
  if (secrets.length === 0) return done({ known: true, blank: [], lost: [] });
  const release = await application.session.release();
  if (!release.ok) return release;
  if (!atLeast(release.value, '1.5.0')) {
    application.connection.log(`Dify ${release.value} does not show whether secrets are kept; that came with 1.5.0.`);
    return done({ known: false, blank: [], lost: [] });
  }
  const stored = await application.console.draftSecrets(application.id());
  if (!stored.ok) return stored;
  const isBlank = (id: string): boolean => ['', hiddenSecret].includes(stored.value.get(id) ?? '');
  return done({
    known: true,
    blank: secrets.filter(({ id }) => !given.has(id) && isBlank(id)).map(({ name }) => name),
    lost: secrets.filter(({ id }) => given.has(id) && stored.value.get(id) !== given.get(id)).map(({ name }) => `secret ${name}: the server has not the value that was given`),
  });
};

const unread = (problem: Problem): Problem => ({
  ...problem,
  reason: `the draft was written, but could not be read back: ${problem.reason}`,
  hint: `Nothing was published. ${problem.hint ?? 'Run the release again.'} A draft that already has this content is not written twice.`,
});

/** verified compares a draft with what was deployed: graph, features, variables, bindings and secrets. */
export const verified = async (application: Application, kept: Kept, after: Workflow): Promise<Outcome<void>> => {
  const { source } = kept;
  const graph = mappingOf(mappingOf(source.root['workflow'])['graph']);
  const secrets = await readSecrets(application, kept);
  if (!secrets.ok) return failed(unread(secrets.problem));
  if (secrets.value.blank.length > 0) return failed(blankSecrets(source, secrets.value.blank));
  const losses = [
    ...diffContent(source.content, contentOf(application, after)).map(lossText),
    ...lostBindings(graph, after.graph).map((one) => `${one}: not kept`),
    ...secrets.value.lost,
  ];
  return losses.length === 0 ? done(undefined) : failed(notKept(application, losses));
};

/** readBack reads the draft that was written and verifies it, so that nothing is lost silently. It needs no plugin daemon. */
export const readBack = async (application: Application, kept: Kept, notes: readonly string[]): Promise<Outcome<Deployment>> => {
  const after = await application.console.draft(application.id());
  if (!after.ok) return failed(unread(after.problem));
  if (after.value === undefined) {
    return failed({ category: 'platform', reason: `app ${application.id()} has no draft after the import`, where: application.address.studio, hint: 'Look at the app in Studio, then run the release again.' });
  }
  const judged = await verified(application, kept, after.value);
  return judged.ok ? done({ changed: true, version: versionOf(application, after.value), notes }) : judged;
};
