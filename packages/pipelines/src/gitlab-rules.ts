import { jobsOf, type Taken } from './gitlab-pipeline.ts';
import { writingCommand } from './our-commands.ts';
import type { Report } from './report.ts';
import { mappingOf, textOf, type Mapping } from './shape.ts';

/** noJobs are the top-level keys of GitLab's own. */
const noJobs = new Set(['default', 'include', 'stages', 'variables', 'workflow', 'image', 'services', 'before_script', 'after_script', 'cache', 'spec']);

/** component is one of ours, with what stands behind the @. */
const component = /\/sluice\/[\w-]+@(.+)$/;

/** releasing says whether a script has a line that changes what users get; a list that several scripts share is read once. */
const releasing = (): ((script: unknown) => boolean) => {
  const judged = new Map<unknown, boolean>();
  const releases = (script: unknown): boolean => {
    if (!Array.isArray(script)) return writingCommand.test(textOf(script));
    const before = judged.get(script) ?? script.some(releases);
    judged.set(script, before);
    return before;
  };
  return releases;
};

const checkJob = (name: string, get: (key: string) => Taken, report: Report): void => {
  const group = get('resource_group');
  if (group.value === undefined && group.known) {
    report('pipeline/no-concurrency', 'warning', 'Two pipelines release at once: this job has no resource_group.', [name], 'Write resource_group: with a name for each environment.');
  }
  if (get('allow_failure').value === true) {
    report('pipeline/gate-ignored', 'warning', 'The pipeline goes on whatever this release finds.', [name, 'allow_failure'], 'Take allow_failure away, or write allow_failure: { exit_codes: [6] } for too little evidence.');
  }
  if (get('interruptible').value === true) {
    report('pipeline/release-cancelled', 'warning', 'A newer pipeline ends this release in the middle of its canary.', [name, 'interruptible'], 'Write interruptible: false.');
  }
};

const checkIncludes = (pipeline: Mapping, report: Report): void => {
  const includes = Array.isArray(pipeline['include']) ? pipeline['include'] : [pipeline['include']];
  includes.forEach((include: unknown, index) => {
    const [, reference = ''] = component.exec(textOf(mappingOf(include)['component'])) ?? [];
    if (!/^(?:~latest|main|master)$/.test(reference)) return;
    const path = Array.isArray(pipeline['include']) ? ['include', index] : ['include'];
    report('pipeline/sluice-unpinned', 'warning', `Sluice is taken from ${reference}, which changes under a running release.`, [...path, 'component'], 'Name a version such as 1 or 1.0.0, or a commit.');
  });
};

/** checkGitlab reports what a file does to the gates in it; `pipeline` is that file with those that belong to it. */
export const checkGitlab = (own: Mapping, pipeline: Mapping, report: Report): void => {
  checkIncludes(own, report);
  const get = jobsOf(pipeline);
  const releases = releasing();
  for (const name of Object.keys(own)) {
    if (noJobs.has(name) || name.startsWith('.') || !releases(get(name, 'script').value)) continue;
    checkJob(name, (key) => get(name, key), report);
  }
};
