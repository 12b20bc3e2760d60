import { writingCommand } from './our-commands.ts';
import type { Report } from './report.ts';
import { listOf, mappingOf, textOf, type Mapping } from './shape.ts';

/** noJobs are the top-level keys of GitLab's own. */
const noJobs = new Set(['default', 'include', 'stages', 'variables', 'workflow', 'image', 'services', 'before_script', 'after_script', 'cache', 'spec']);

/** component is one of ours, with what stands behind the @. */
const component = /\/sluice\/[\w-]+@(.+)$/;

const linesOf = (script: unknown): readonly string[] => (typeof script === 'string' ? [script] : listOf(script).flat(3).map(textOf));

interface Whole {
  readonly job: Mapping;
  /** known is false where a part comes from a file that is not here. */
  readonly known: boolean;
}

/** wholeJobs gives jobs with what they extend; what stands nearer wins, and each is put together once, also where they extend each other. */
const wholeJobs = (pipeline: Mapping): ((name: string) => Whole) => {
  const made = new Map<string, Whole>();
  const whole = (name: string): Whole => {
    const before = made.get(name);
    if (before !== undefined) return before;
    const own = mappingOf(pipeline[name]);
    made.set(name, { job: own, known: pipeline[name] !== undefined });
    const parents = [own['extends'] ?? []].flat().map(textOf).map(whole);
    const one = { job: Object.assign({}, ...parents.map(({ job }) => job), own), known: pipeline[name] !== undefined && parents.every(({ known }) => known) };
    made.set(name, one);
    return one;
  };
  return whole;
};

const checkJob = (name: string, { job, known }: Whole, report: Report): void => {
  if (!linesOf(job['script']).some((line) => writingCommand.test(line))) return;
  if (job['resource_group'] === undefined && known) {
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
  const whole = wholeJobs(pipeline);
  for (const name of Object.keys(pipeline)) if (!noJobs.has(name) && !name.startsWith('.')) checkJob(name, whole(name), report);
};
