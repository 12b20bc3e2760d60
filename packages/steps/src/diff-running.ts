import { done, failed, type Outcome, type StepContext } from '@sluice/core';
import type { Compared } from './diff-compare.ts';
import type { Both } from './diff-overlay.ts';

/** againstRunning puts what the environment runs on one side, and on the other the source as a release would send it. */
export const againstRunning = async (context: StepContext, { platform, before, after }: Compared, side: 'before' | 'after'): Promise<Outcome<Both>> => {
  const given = before ?? after;
  if (given === undefined || !context.selected.ok) return failed({ category: 'defect', reason: 'there is nothing to compare with what runs' });
  const source = platform.overlay(given, context.selected.value.config, context.secrets);
  if (!source.ok) return source;
  const target = await context.target();
  if (!target.ok) return target;
  if (target.value.against === undefined) {
    return failed({ category: 'input', reason: target.value.lacking.against ?? `what runs on ${platform.name} cannot be compared with a source`, tried: 'read what runs', hint: 'Compare two commits.' });
  }
  const against = await target.value.against(source.value);
  if (!against.ok) return against;
  const { running, source: sent } = against.value;
  return done(side === 'before' ? { before: running, after: sent } : { before: sent, after: running });
};
