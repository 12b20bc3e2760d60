import { done, failed, type DeployOptions, type Outcome, type Problem } from '@sluice/core';
import { digestOf } from '../source/content.ts';
import { hasGraph } from '../source/dsl.ts';
import type { Application } from './application.ts';
import { newestVersions } from './catalogue.ts';
import type { Workflow } from './shapes.ts';
import { contentOf } from './versions.ts';

/** isMarked says whether a version's comment was written by a release: see markedComment. A comment is untrusted text. */
const isMarked = (comment: string): boolean => /^(?:commit|verdict|run)=/.test(comment);

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

/** Released is the published version, and whether Sluice has published this app before. */
interface Released {
  readonly published: Workflow | undefined;
  readonly before: boolean;
}

/** released reads what is published. Where no release is remembered, the marks of the newest versions say whether there was one. */
const released = async (application: Application, options: DeployOptions): Promise<Outcome<Released>> => {
  if (options.lastDigest !== undefined) {
    const published = await application.console.published(application.id());
    return published.ok ? done({ published: published.value, before: true }) : published;
  }
  const newest = await newestVersions(application);
  return newest.ok ? done({ published: newest.value[0], before: newest.value.some((one) => isMarked(one.marked_comment)) }) : newest;
};

/**
 * unknownDraft judges a draft that is neither the file's nor the last release's. Equal to the published version, it is no
 * loss when Sluice published that, or never published this app; else somebody has published by hand. A draft that is
 * published nowhere is somebody's work.
 */
export const unknownDraft = async (application: Application, current: Workflow, options: DeployOptions): Promise<Outcome<void>> => {
  if (options.overwrite) return done(undefined);
  const found = await released(application, options);
  if (!found.ok) return found;
  const { published, before } = found.value;
  const digest = (workflow: Workflow): string => digestOf(contentOf(application, workflow));
  if (published === undefined || digest(published) !== digest(current)) return failed(edited(application, before || published !== undefined));
  return isMarked(published.marked_comment) || !before ? done(undefined) : failed(publishedByHand(application, published));
};
