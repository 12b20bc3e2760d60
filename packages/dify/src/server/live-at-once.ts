import type { Problem } from '@sluice/core';
import { hasGraph } from '../source/dsl.ts';
import type { Application } from './application.ts';

/** liveAtOnce is the refusal of deployments that every user meets at once, unless the environment allows it. */
export const liveAtOnce = (application: Application): Problem | undefined =>
  hasGraph(application.mode) || application.connection.environment['live-at-once']
    ? undefined
    : {
        category: 'input',
        reason: `${application.mode} apps of Dify have no draft: this deployment would be live for everybody at once, unjudged`,
        hint: 'Set live-at-once: true in the environment to allow it, or convert the app to a chatflow or workflow in Studio.',
      };
