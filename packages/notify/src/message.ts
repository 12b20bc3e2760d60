import type { Status } from '@sluice/core';

/** severities are in order, the gravest first. */
export const severities = ['P0', 'P1', 'P2'] as const;

/** MessageSeverity says how soon a person should look: P0 now, P1 today, P2 when there is time. */
export type MessageSeverity = (typeof severities)[number];

/** Message is one thing to tell people, before any channel's markup. */
export interface Message {
  readonly severity: MessageSeverity;
  /** title is one line. */
  readonly title: string;
  /** lines are plain text, one fact each; they may hold text from servers. */
  readonly lines: readonly string[];
  /** runUrl is where the run can be seen; empty when there is no page. */
  readonly runUrl: string;
  readonly status: Status;
}

/** reaches is true when a channel that wants `atLeast` is to get a message of this severity. */
export const reaches = (severity: MessageSeverity, atLeast: MessageSeverity): boolean =>
  severities.indexOf(severity) <= severities.indexOf(atLeast);
