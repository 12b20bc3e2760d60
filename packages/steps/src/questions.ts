import { randomBytes } from 'node:crypto';
import type { HealthConfig, Outcome, Source, StepContext } from '@sluice/core';
import { fillRequiredInputs, freshUsers, questionsFor, type FreshUser, type Probe } from '@sluice/probe';

/** healthConfig is the environment's `health`, else the file's. */
export const healthConfig = (context: StepContext): HealthConfig | undefined =>
  (context.selected.ok ? context.selected.value.config.health : undefined) ?? context.project.config.health;

/** probesOf are the questions to ask; a rehearsal fills required inputs that have no value. */
export const probesOf = (context: StepContext, source: Source): Outcome<readonly Probe[]> =>
  questionsFor(source, healthConfig(context), context.rehearsal ? fillRequiredInputs(source) : {});

/** newUsers makes a user nobody has seen for each question. */
export const newUsers = (): FreshUser => freshUsers(randomBytes);
