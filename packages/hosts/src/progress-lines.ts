import type { Clock, Progress } from '@sluice/core';

const repeatMs = 30_000;

/** progressText writes progress as one line, without a bar and without the share that the bar would show. */
export const progressText = ({ label, text }: Progress): string => [label, text].filter((part) => part !== '').join(': ');

/**
 * progressLines decides which progress becomes a line in a log: what has a new label (a label names what may change, such
 * as a weight or a verdict), and the same label every 30 s.
 */
export const progressLines = (clock: Clock): ((progress: Progress) => string | undefined) => {
  const written = new Map<string, number>();
  return (progress) => {
    const last = written.get(progress.label);
    const now = clock.elapsed();
    if (last !== undefined && now - last < repeatMs) return undefined;
    written.set(progress.label, now);
    return progressText(progress);
  };
};
