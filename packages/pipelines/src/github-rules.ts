import { writingCommand } from './our-commands.ts';
import type { Report } from './report.ts';
import { listOf, mappingOf, textOf, type Mapping } from './shape.ts';

/** ours is a reference to one of our actions or called workflows, with what stands behind the @. */
const ours = /(?:^|\/)sluice(?:\/(?:actions\/([\w-]+)|\.github\/workflows\/([\w-]+)\.yml))?@(.+)$/;

/** writing are the actions that change what users get; the root action is a release. */
const writing = new Set(['', 'deploy', 'publish-version', 'canary', 'rollback', 'release']);

const nameOf = (uses: string): string | undefined => {
  const [, action = '', workflow = ''] = ours.exec(uses) ?? [];
  return ours.test(uses) ? action + workflow : undefined;
};

const writes = (step: Mapping): boolean => {
  const name = nameOf(textOf(step['uses']));
  return (name !== undefined && writing.has(name)) || writingCommand.test(textOf(step['run']));
};

const checkReference = (uses: string, path: readonly (string | number)[], report: Report): void => {
  const [, , , reference = ''] = ours.exec(uses) ?? [];
  if (!/^(?:main|master|latest|develop|HEAD)$/.test(reference)) return;
  report('pipeline/sluice-unpinned', 'warning', `Sluice is taken from ${reference}, which changes under a running release.`, [...path, 'uses'], 'Name a tag such as v1, or a commit.');
};

const checkStep = (step: Mapping, path: readonly (string | number)[], report: Report): void => {
  const uses = textOf(step['uses']);
  checkReference(uses, path, report);
  const isOurs = nameOf(uses) !== undefined || writes(step);
  if (isOurs && step['continue-on-error'] === true && textOf(step['id']) === '') {
    report('pipeline/gate-ignored', 'warning', 'The job goes on whatever this step of Sluice finds.', [...path, 'continue-on-error'], 'Take continue-on-error away, or give the step an id and look at its outcome.');
  }
};

const checkConcurrency = (workflow: Mapping, job: Mapping, path: readonly (string | number)[], report: Report): void => {
  const concurrency = job['concurrency'] ?? workflow['concurrency'];
  if (concurrency === undefined) {
    report('pipeline/no-concurrency', 'warning', 'Two pushes release at once: this job has no concurrency group.', path, 'Write concurrency: with a group for each environment, and cancel-in-progress: false.');
  } else if (mappingOf(concurrency)['cancel-in-progress'] === true) {
    const where = job['concurrency'] === undefined ? ['concurrency'] : [...path, 'concurrency'];
    report('pipeline/release-cancelled', 'warning', 'A newer push ends this release in the middle of its canary.', [...where, 'cancel-in-progress'], 'Write cancel-in-progress: false; the newer release then waits.');
  }
};

/** checkGithub reports what a workflow does to the gates in it. */
export const checkGithub = (workflow: Mapping, report: Report): void => {
  for (const [name, value] of Object.entries(mappingOf(workflow['jobs']))) {
    const job = mappingOf(value);
    const path = ['jobs', name];
    const steps = listOf(job['steps']).map(mappingOf);
    checkReference(textOf(job['uses']), path, report);
    steps.forEach((step, index) => checkStep(step, [...path, 'steps', index], report));
    // A called workflow has the group in its own jobs.
    if (!steps.some(writes)) continue;
    checkConcurrency(workflow, job, path, report);
    if (job['continue-on-error'] === true) {
      report('pipeline/gate-ignored', 'warning', 'The pipeline goes on whatever this release finds.', [...path, 'continue-on-error'], 'Take continue-on-error away.');
    }
  }
};
