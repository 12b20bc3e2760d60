import { isOnlyCalled, localsIn, type Local } from './github-calls.ts';
import { writingCommand } from './our-commands.ts';
import type { Neighbour } from './pipeline-files.ts';
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

type Locals = (uses: string) => Local | undefined;

/** writes says whether a step changes what users get, itself or by an action of the same repository; `seen` are those looked at. */
const writes = (step: Mapping, locals: Locals, seen = new Set<string>()): boolean => {
  const uses = textOf(step['uses']);
  const name = nameOf(uses);
  if ((name !== undefined && writing.has(name)) || writingCommand.test(textOf(step['run']))) return true;
  if (seen.has(uses)) return false;
  seen.add(uses);
  return (locals(uses)?.steps ?? []).some((inner) => writes(inner, locals, seen));
};

const stepsOf = (job: Mapping): readonly Mapping[] => listOf(job['steps']).map(mappingOf);

/** leavesOpen says whether a called workflow releases in a job for which neither it nor that job has a group; `seen` are the calls looked at. */
const leavesOpen = ({ file }: Local, locals: Locals, seen = new Set<string>()): boolean =>
  file['concurrency'] === undefined &&
  Object.values(mappingOf(file['jobs'])).map(mappingOf).some((job) => {
    const uses = textOf(job['uses']);
    if (job['concurrency'] !== undefined || seen.has(uses)) return false;
    if (uses !== '') seen.add(uses);
    const called = locals(uses);
    return called === undefined ? stepsOf(job).some((step) => writes(step, locals)) : leavesOpen(called, locals, seen);
  });

const checkReference = (uses: string, path: readonly (string | number)[], report: Report): void => {
  const [, , , reference = ''] = ours.exec(uses) ?? [];
  if (!/^(?:main|master|latest|develop|HEAD)$/.test(reference)) return;
  report('pipeline/sluice-unpinned', 'warning', `Sluice is taken from ${reference}, which changes under a running release.`, [...path, 'uses'], 'Name a tag such as v1, or a commit.');
};

const checkStep = (step: Mapping, path: readonly (string | number)[], locals: Locals, report: Report): void => {
  const uses = textOf(step['uses']);
  checkReference(uses, path, report);
  const isOurs = nameOf(uses) !== undefined || writes(step, locals);
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

/** checkCall is about a job that calls a workflow of the same repository, which leaves it to its callers to keep releases apart. */
const checkCall = (workflow: Mapping, job: Mapping, path: readonly (string | number)[], locals: Locals, report: Report): void => {
  const called = locals(textOf(job['uses']));
  // One that others start too, or only call, is told of in the file that starts it.
  if (called !== undefined && isOnlyCalled(called.file) && !isOnlyCalled(workflow) && leavesOpen(called, locals)) checkConcurrency(workflow, job, path, report);
};

/** checkGithub reports what a workflow, or an action made of steps, does to the gates in it. */
export const checkGithub = (file: Mapping, neighbours: readonly Neighbour[], report: Report): void => {
  const locals = localsIn(neighbours);
  listOf(mappingOf(file['runs'])['steps']).map(mappingOf).forEach((step, index) => checkStep(step, ['runs', 'steps', index], locals, report));
  for (const [name, value] of Object.entries(mappingOf(file['jobs']))) {
    const job = mappingOf(value);
    const path = ['jobs', name];
    checkReference(textOf(job['uses']), path, report);
    checkCall(file, job, path, locals, report);
    const steps = stepsOf(job);
    steps.forEach((step, index) => checkStep(step, [...path, 'steps', index], locals, report));
    if (!steps.some((step) => writes(step, locals))) continue;
    // The group of a called workflow may be that of its callers.
    if (!isOnlyCalled(file) || (job['concurrency'] ?? file['concurrency']) !== undefined) checkConcurrency(file, job, path, report);
    if (job['continue-on-error'] === true) {
      report('pipeline/gate-ignored', 'warning', 'The pipeline goes on whatever this release finds.', [...path, 'continue-on-error'], 'Take continue-on-error away.');
    }
  }
};
