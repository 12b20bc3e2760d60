import type { HostContext } from '../host.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import { placeText } from '../problem.ts';
import type { Project, SelectedEnvironment } from '../project.ts';
import { nearest } from '../text/nearest.ts';
import { oneLine } from '../text/one-line.ts';
import { isPattern, matchesPattern } from './branch-pattern.ts';

/** NoEnvironment says why this run works on no environment, and that this is as it should be. */
export interface NoEnvironment {
  readonly skipped: string;
}

/** Selection is the environment of a run, or the reason to skip what needs one. */
export type Selection = SelectedEnvironment | NoEnvironment;

interface SelectOptions {
  /** input is the environment's name as the user gave it, if any. */
  readonly input?: string;
  readonly context: HostContext;
}

const refused = (project: Project, reason: string, hint: string): Outcome<never> =>
  failed({
    category: 'input',
    reason,
    tried: 'choose the environment',
    where: placeText(project.placeOf(['environments'])),
    hint,
  });

const namesOf = (project: Project): readonly string[] => Object.keys(project.config.environments);

/** selectNamed finds the environment of a name; one that is not there is an `input` problem with the nearest name. */
export const selectNamed = (project: Project, name: string): Outcome<SelectedEnvironment> => {
  // A name such as "constructor" must not find what every object has.
  const config = Object.hasOwn(project.config.environments, name) ? project.config.environments[name] : undefined;
  if (config !== undefined) return done({ name, config });
  const near = nearest(name, namesOf(project));
  const known = `Environments of ${project.file}: ${namesOf(project).join(', ')}.`;
  return refused(
    project,
    `there is no environment "${oneLine(name, 60)}"${near === undefined ? '' : `; did you mean "${near}"?`}`,
    known,
  );
};

const mappedTo = (project: Project, fits: (pattern: string) => boolean): readonly string[] =>
  Object.entries(project.config.environments)
    .filter(([, config]) => config.branches?.some(fits) === true)
    .map(([name]) => name);

const byBranch = (project: Project, branch: string): Outcome<SelectedEnvironment | undefined> => {
  const exact = mappedTo(project, (pattern) => pattern === branch);
  const fitting = exact.length > 0 ? exact : mappedTo(project, (pattern) => isPattern(pattern) && matchesPattern(pattern, branch));
  const [only, second] = fitting;
  if (only === undefined) return done(undefined);
  if (second === undefined) return selectNamed(project, only);
  return refused(
    project,
    `the branch ${oneLine(branch, 100)} belongs to several environments: ${fitting.join(', ')}`,
    'Let each branch fit the `branches` of one environment, or name the environment with the input `environment`.',
  );
};

const unmapped = (project: Project, context: HostContext): Outcome<Selection> => {
  const names = namesOf(project);
  const [only, second] = names.filter((name) => project.config.environments[name]?.preview === undefined);
  if (!context.onCi && second === undefined && only !== undefined) return selectNamed(project, only);
  const mapsBranches = Object.values(project.config.environments).some((config) => config.branches !== undefined);
  if (context.onCi && mapsBranches && context.branch !== '') {
    return done({ skipped: `the branch ${oneLine(context.branch, 100)} belongs to no environment of ${project.file}` });
  }
  const ref = context.branch === '' ? 'This run has no branch' : 'Its branch belongs to none of them';
  return refused(
    project,
    `it is not said which environment is meant: ${names.join(', ')}`,
    `${context.onCi ? `${ref}. ` : ''}Name one with the input \`environment\`${context.onCi ? ', or list the branch under `branches` of one' : ''}.`,
  );
};

/**
 * selectEnvironment finds the environment of a run: none for pull requests, whatever is named and whatever the branch is
 * called; else the one that was named; else the one whose `branches` fit, a plain name before a pattern; else, on a
 * terminal, the only one that is not for previews. A branch that belongs to no environment is a reason to skip, everything else an `input` problem.
 */
export const selectEnvironment = (project: Project, { input, context }: SelectOptions): Outcome<Selection> => {
  if (context.pullRequest !== undefined) {
    const named = input === undefined || input === '' ? done(undefined) : selectNamed(project, input);
    return named.ok ? done({ skipped: 'pull requests belong to no environment' }) : named;
  }
  if (input !== undefined && input !== '') return selectNamed(project, input);
  const mapped = context.branch === '' ? done(undefined) : byBranch(project, context.branch);
  if (!mapped.ok) return mapped;
  return mapped.value === undefined ? unmapped(project, context) : done(mapped.value);
};
