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

/** userQuestion is what a user of the application asks: the first question of the health check. */
export const userQuestion = async (context: StepContext): Promise<Outcome<Pick<Probe, 'query' | 'inputs'>>> => {
  const source = await context.overlaid();
  if (!source.ok) return source;
  const probes = probesOf(context, source.value);
  if (!probes.ok) return probes;
  const [first] = probes.value;
  return { ok: true, value: { inputs: first?.inputs ?? {}, ...(first?.query === undefined ? {} : { query: first.query }) } };
};
