import { failed, type Outcome } from '../outcome.ts';
import { placeText } from '../problem.ts';
import type { Project, SelectedEnvironment } from '../project.ts';
import type { HostContext } from '../host.ts';
import { selectNamed, type Selection } from './select.ts';

const tried = 'choose the environment for previews';

const refused = (project: Project, path: readonly string[], reason: string, hint: string): Outcome<never> =>
  failed({ category: 'input', reason, tried, where: placeText(project.placeOf(path)), hint });

/** wrongEvent says why a run for a pull request is none that a preview may be made in; undefined when it may. */
const wrongEvent = (host: string, { event, pullRequest }: HostContext): Outcome<never> | undefined => {
  if (pullRequest === undefined || host !== 'github' || event === 'pull_request') return undefined;
  return failed({
    category: 'input',
    reason: `a preview is made on the event pull_request, not on ${event === '' ? 'one without a name' : event}`,
    tried,
    hint: 'Such a run has the secrets of the repository beside what a stranger may have written. Write `on: pull_request` in the workflow.',
  });
};

const only = (project: Project): Outcome<SelectedEnvironment> => {
  const found = Object.entries(project.config.environments).filter(([, config]) => config.preview !== undefined);
  const [first, second] = found;
  if (first === undefined) {
    return refused(project, ['environments'], 'no environment of sluice.yml is for previews', 'Add one with `preview: true`, in a workspace or an account of its own. docs/preview.md shows it.');
  }
  if (second !== undefined) {
    return refused(project, ['environments'], `several environments are for previews: ${found.map(([name]) => name).join(', ')}`, 'Name one with the input `environment`.');
  }
  const [name, config] = first;
  return { ok: true, value: { name, config } };
};

interface PreviewOptions {
  /** input is the environment's name as the user gave it, if any. */
  readonly input?: string;
  readonly context: HostContext;
  /** host is the name of the CI system. */
  readonly host: string;
}

/**
 * selectPreview finds the environment that previews are made in: the one that was named, else the only one with the key
 * `preview`. A pull request from a fork, or from nobody knows where, is a reason to skip, before anything else is looked
 * at; an environment that is not for previews is an `input` problem.
 */
export const selectPreview = (project: Project, { input, context, host }: PreviewOptions): Outcome<Selection> => {
  if (context.pullRequest?.fork === true) return { ok: true, value: { skipped: 'pull requests from forks get no preview: they would run with the credentials of this repository' } };
  const event = wrongEvent(host, context);
  if (event !== undefined) return event;
  const selected = input === undefined || input === '' ? only(project) : selectNamed(project, input);
  if (!selected.ok || selected.value.config.preview !== undefined) return selected;
  return refused(project, ['environments', selected.value.name], `the environment ${selected.value.name} is not for previews`, 'Name one that has the key `preview`. Nothing else is ever touched by a preview.');
};
