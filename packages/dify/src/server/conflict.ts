import type { DeployOptions, Problem } from '@sluice/core';
import { digestOf } from '../source/content.ts';
import { hasGraph } from '../source/dsl.ts';
import type { Application } from './application.ts';
import type { Present } from './present.ts';
import type { Workflow } from './shapes.ts';
import { contentOf } from './versions.ts';

/** isMarked says whether a version's comment was written by a release: see markedComment. A comment is untrusted text. */
const isMarked = (version: Workflow): boolean => /^(?:commit|verdict|run)=/.test(version.marked_comment);

const keepTheirs = 'Export the app from Studio and commit what is worth keeping, then deploy with overwrite.';

/** edited is the conflict with somebody's unpublished work. */
export const edited = (application: Application, known: boolean): Problem => {
  const what = hasGraph(application.mode) ? 'draft' : 'configuration';
  return {
    category: 'conflict',
    reason: known
      ? `the ${what} of app ${application.id()} was edited since the last release; deploying would lose that work`
      : `the ${what} of app ${application.id()} was never published, and no release of it is known; deploying would lose that work`,
    where: application.address.studio,
    hint: keepTheirs,
  };
};

const publishedByHand = (application: Application, version: Workflow): Problem => ({
  category: 'conflict',
  reason: `version ${version.id} (${version.marked_name || version.version}) was published by hand since the last release; deploying would undo it`,
  where: application.address.studio,
  hint: keepTheirs,
});

/** versionsThatTell is how many versions say whether a release is known: where one is remembered, only the published one matters. */
export const versionsThatTell = ({ ours }: DeployOptions): number => (ours.length > 0 ? 1 : 5);

/**
 * conflictWith is what a deployment would lose: undefined when the draft is the content that is to be deployed, or one
 * that Sluice put there. Equal to the published version, a draft is no loss when Sluice published that, or never published
 * this app; else somebody has published by hand. A draft that is published nowhere is somebody's work.
 */
export const conflictWith = (application: Application, { draft, newest }: Present, wanted: string, options: DeployOptions): Problem | undefined => {
  if (draft === undefined || options.overwrite) return undefined;
  const digest = digestOf(contentOf(application, draft));
  if (digest === wanted || options.ours.includes(digest)) return undefined;
  const [published] = newest;
  const before = options.ours.length > 0 || newest.some(isMarked);
  if (published === undefined || digestOf(contentOf(application, published)) !== digest) return edited(application, before || published !== undefined);
  return isMarked(published) || !before ? undefined : publishedByHand(application, published);
};
