import * as z from 'zod/mini';
import { defineStep, done, durationMs, durationText, endedBy, failed, oneLine, type Entries, type LogEntry, type Outcome, type StepContext, type StepEnding } from '@sluice/core';
import { commonInputs, flag, text } from './inputs.ts';
import { mostOf } from './published.ts';

const inputs = z.strictObject({
  ...commonInputs,
  since: text('Since when: a duration before now such as `15m`, or a time such as `2026-01-02T03:04:05Z`. Default: `15m`.'),
  version: text('Only what this version logged. Default: all versions.'),
  failed: flag('Only the runs that failed. Default: `false`.'),
  most: text('How many entries to show, the newest: a whole number from 1 to 1000. Default: `100`.'),
});

const usualSince = '15m';
const usualMost = 100;
const largest = 1000;
/** longestExcerpt is how many characters of what an app says are shown. */
const longestExcerpt = 300;
const longestWindowMs = 31 * 24 * 3_600_000;

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * momentOf reads a duration before now, or a time with its zone, in milliseconds since 1970; undefined when it is
 * neither. A time without a zone would mean another moment on another machine.
 */
export const momentOf = (given: string, nowMs: number): number | undefined => {
  const ago = /[a-z]$/i.test(given) ? durationMs(given) : undefined;
  if (ago !== undefined) return nowMs - ago;
  const at = time.test(given) ? Date.parse(given) : Number.NaN;
  // Date.parse takes the 31st of February for the 3rd of March.
  const real = Number(given.slice(8, 10)) <= new Date(Date.UTC(Number(given.slice(0, 4)), Number(given.slice(5, 7)), 0)).getUTCDate();
  return Number.isNaN(at) || !real ? undefined : at;
};

/** Window is when to look, milliseconds since 1970. */
interface Window {
  readonly from: number;
  readonly to: number;
}

const wrong = (reason: string): Outcome<never> =>
  failed({ category: 'input', reason, tried: 'read when to look', hint: 'Give a duration such as 15m or 2h, or a time with its zone, such as 2026-01-02T03:04:05Z or 2026-01-02T11:04:05+08:00.' });

/** windowOf is the window from a moment to now. */
export const windowOf = (since: string | undefined, nowMs: number): Outcome<Window> => {
  const from = momentOf(since ?? usualSince, nowMs);
  if (from === undefined) return wrong(`since is neither a duration nor a time with its zone: ${oneLine(since ?? '', 40)}`);
  if (from >= nowMs) return wrong('since is not before now');
  if (nowMs - from > longestWindowMs) return wrong('the window is longer than 31 days');
  return done({ from, to: nowMs });
};

/** shownEntry is one entry for a log: when, which version, whether it failed, and an excerpt. */
const shownEntry = (context: StepContext, { at, version, failed: failing, text: said }: LogEntry): string =>
  // Redacted before it is cut: half a secret is found by no mask.
  `${new Date(at).toISOString()} ${version === '' ? '-' : version}${failing ? ' failed' : ''}  ${oneLine(context.host.redact(said), longestExcerpt)}`;

const ending = (context: StepContext, { from, to }: Window, found: Entries, failedOnly: boolean): StepEnding => {
  const { entries, more, source } = found;
  const kind = failedOnly ? (entries.length === 1 ? 'failed run' : 'failed runs') : entries.length === 1 ? 'entry' : 'entries';
  const reason = `${entries.length} ${kind} in ${durationText(to - from)}${more ? ', and older ones that are not shown' : ''} (${source})`;
  return {
    category: 'passed',
    reason,
    ...(more ? { hint: 'Give --most a larger number to see the others.' } : {}),
    outputs: { entries: String(entries.length), failed: String(entries.filter((one) => one.failed).length), more: String(more) },
    evidence: {
      source,
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
      more,
      entries: entries.map(({ at, version, failed: failing, text: said }) => ({ at: new Date(at).toISOString(), version, failed: failing, text: oneLine(context.host.redact(said), longestExcerpt) })),
    },
  };
};

/** logs shows what the application has logged. */
export const logs = defineStep({
  name: 'logs',
  summary: 'Show the last lines that the application logged, or the runs that failed, since a time.',
  inputs,
  outputs: {
    entries: { description: 'Number of entries shown.', initial: '' },
    failed: { description: 'Number of failed runs among them.', initial: '' },
    more: { description: '`true` when there are older ones that are not shown.', initial: '' },
  },
  offline: false,
  readOnly: true,
  deadlineMs: 60_000,
  run: async (context, values) => {
    const window = windowOf(values.since, context.clock.now());
    if (!window.ok) return endedBy(window.problem);
    const most = mostOf(values.most, usualMost, largest);
    if (most === undefined) return { category: 'input', reason: 'most is not a whole number from 1 to 1000', hint: 'Give --most a number such as 100.' };
    const target = await context.target();
    if (!target.ok) return endedBy(target.problem);
    if (target.value.entries === undefined) {
      return { category: 'skipped', reason: `there are no logs to show: ${target.value.lacking.entries ?? 'the target has none'}` };
    }
    const failedOnly = values.failed === true;
    const found = await target.value.entries({ ...window.value, failed: failedOnly, most, ...(values.version === undefined ? {} : { version: values.version }) });
    if (!found.ok) return endedBy(found.problem);
    for (const entry of found.value.entries) context.host.log(shownEntry(context, entry));
    return ending(context, window.value, found.value, failedOnly);
  },
});
