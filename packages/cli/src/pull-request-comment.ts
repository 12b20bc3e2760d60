import { extname, join, posix, relative, resolve, sep } from 'node:path';
import { clause, type AnyStep, type Host, type StepResult } from '@sluice/core';
import { commentOf } from '@sluice/steps';
import { showable } from './quotable.ts';

/** markerOf names a project by where its sluice.yml lies in the repository: that is known also where it cannot be read. */
const markerOf = (host: Host, config: string): string => {
  const absolute = resolve(host.folder, config);
  const file = extname(absolute) === '' ? join(absolute, 'sluice.yml') : absolute;
  return posix.join(host.context.subfolder ?? '', relative(host.folder, file).replaceAll(sep, '/'));
};

/**
 * commentOn writes a step's section of the comment on the pull request, where the CI has comments and the step is one that
 * pull requests run. A comment that cannot be written is said, and changes nothing about how the step ended.
 */
export const commentOn = async (host: Host, step: AnyStep, inputs: Readonly<Record<string, unknown>>, result: StepResult): Promise<void> => {
  const { comment, context } = host;
  const isForRequests = step.offline || step.previews === 'only';
  const isNews = result.category !== 'skipped' && result.category !== 'cancelled' && inputs['dry-run'] !== true;
  if (comment === undefined || context.pullRequest === undefined || !isForRequests || !isNews) return;
  const { config = 'sluice.yml', environment } = inputs;
  // A pull request maps to no environment; the one that was named tells the sections of a step apart.
  const named = typeof environment === 'string' ? { environment } : {};
  const section = [step.name, ...Object.values(named)].join(' ');
  const markdown = await commentOf(showable(host, { ...result, ...named }), context);
  const written = await comment({ marker: markerOf(host, String(config)), section, markdown });
  if (!written.ok) host.warn(`the comment on the pull request was not written: ${clause(written.problem.reason)}${written.problem.hint === undefined ? '' : `. ${written.problem.hint}`}`);
};
