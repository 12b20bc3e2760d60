import { done, failed, previewNameFault, type Outcome, type StepContext } from '@sluice/core';

const tried = 'name the preview';

const refused = (reason: string, hint: string): Outcome<never> => failed({ category: 'input', reason, tried, hint });

/** ownName is what a pull request's preview is called; undefined on runs of their own. */
const ownName = ({ host }: StepContext): Outcome<string | undefined> => {
  const { pullRequest } = host.context;
  if (pullRequest === undefined) return done(undefined);
  if (pullRequest.number > 0) return done(`pr-${pullRequest.number}`);
  return refused('this CI does not tell the number of the pull request', 'Run preview where the number is known: on GitHub on the event pull_request, on GitLab in a pipeline of a merge request.');
};

/**
 * previewName is the name of the preview that a run is about: a pull request's own `pr-<number>`, or one that begins with
 * it, so that no pull request reaches another's; elsewhere the one that is given, undefined when none is.
 */
export const previewName = (context: StepContext, given: string | undefined): Outcome<string | undefined> => {
  const own = ownName(context);
  if (!own.ok) return own;
  if (given === undefined) return own;
  const fault = previewNameFault(given);
  if (fault !== undefined) return refused(`the name of a preview ${fault}`, 'Leave name out on a pull request: its preview is called pr-<number>.');
  if (own.value === undefined || given === own.value || given.startsWith(`${own.value}-`)) return done(given);
  return refused(`a pull request has previews of its own alone: ${own.value}, or names that begin with ${own.value}-`, 'Correct the input name, or leave it out.');
};
