import type { Outcome, Reply } from '@sluice/core';
import { hasGraph } from '../source/dsl.ts';
import type { Application } from './application.ts';
import { atLeast } from './release.ts';

const noWorker = 'no Celery worker takes its runs (queue workflow_based_app_execution)';

const wholeAnswer = (reply: Outcome<Reply>): string => {
  if (!reply.ok) return `asked for one whole answer: ${reply.problem.reason}`;
  if (reply.value.failed !== undefined) return `asked for one whole answer, ${reply.value.failed}`;
  return `asked for one whole answer, the app gives it: ${noWorker}, or it is far behind`;
};

/**
 * silenceExplained says what it may mean that a stream brought nothing but pings. From Dify 1.13.0 on a Celery worker runs
 * what is streamed, and what it refuses never reaches the stream (1.13.3, api/services/app_generate_service.py): a missing
 * input, an unknown conversation, or no worker at all. Asked for one whole answer, the API itself checks and runs the
 * question, and says which; so the first silent stream of an opened version is followed by the same question once more.
 * It is not asked twice, and never where there is no such answer, as for a draft.
 */
export const silenceExplained = (application: Application): ((seen: string, ask?: () => Promise<Outcome<Reply>>) => Promise<string>) => {
  let asked = false;
  return async (seen, ask) => {
    if (!hasGraph(application.mode)) return seen;
    const release = await application.session.release();
    if (!release.ok || !atLeast(release.value, '1.13.0')) return seen;
    const pings = `${seen} but for pings`;
    if (ask === undefined || asked) return `${pings}: ${noWorker}, or it refused this one, as for a missing input`;
    asked = true;
    return `${pings}; ${wholeAnswer(await ask())}`;
  };
};
