import { listOf, mappingOf, textOf, writingCommand, type Mapping, type Report } from './shape.ts';

/** noJobs are the top-level keys of GitLab's own. */
const noJobs = new Set(['default', 'include', 'stages', 'variables', 'workflow', 'image', 'services', 'before_script', 'after_script', 'cache', 'spec']);

/** component is one of ours, with what stands behind the @. */
const component = /\/sluice\/[\w-]+@(.+)$/;

const linesOf = (script: unknown): readonly string[] => (typeof script === 'string' ? [script] : listOf(script).flat(3).map(textOf));

const checkJob = (name: string, job: Mapping, report: Report): void => {
  if (!linesOf(job['script']).some((line) => writingCommand.test(line))) return;
  // What a job extends may have the group.
  if (job['resource_group'] === undefined && job['extends'] === undefined) {
    report('pipeline/no-concurrency', 'warning', 'Two pipelines release at once: this job has no resource_group.', [name], 'Write resource_group: with a name for each environment.');
  }
  if (job['allow_failure'] === true) {
    report('pipeline/gate-ignored', 'warning', 'The pipeline goes on whatever this release finds.', [name, 'allow_failure'], 'Take allow_failure away, or write allow_failure: { exit_codes: [6] } for too little evidence.');
  }
  if (job['interruptible'] === true) {
    report('pipeline/release-cancelled', 'warning', 'A newer pipeline ends this release in the middle of its canary.', [name, 'interruptible'], 'Write interruptible: false.');
  }
};

/** checkGitlab reports what a pipeline does to the gates in it. */
export const checkGitlab = (pipeline: Mapping, report: Report): void => {
  const includes = Array.isArray(pipeline['include']) ? pipeline['include'] : [pipeline['include']];
  includes.forEach((include: unknown, index) => {
    const [, reference = ''] = component.exec(textOf(mappingOf(include)['component'])) ?? [];
    if (!/^(?:~latest|main|master)$/.test(reference)) return;
    const path = Array.isArray(pipeline['include']) ? ['include', index] : ['include'];
    report('pipeline/sluice-unpinned', 'warning', `Sluice is taken from ${reference}, which changes under a running release.`, [...path, 'component'], 'Name a version such as 1 or 1.0.0, or a commit.');
  });
  for (const [name, job] of Object.entries(pipeline)) if (!noJobs.has(name)) checkJob(name, mappingOf(job), report);
};
