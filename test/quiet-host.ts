import { join } from 'node:path';
import type { Host, HostContext } from '@sluice/core';

/** inCi is a push to main that CI runs. */
export const inCi: HostContext = { commit: '', branch: 'main', tag: '', repository: '', actor: 'somebody', runUrl: 'https://ci.example.com/runs/1', runId: '1', event: 'push', onCi: true };

/** atTerminal is the same for 小李, who sits at a terminal. */
export const atTerminal: HostContext = { ...inCi, commit: 'c'.repeat(40), actor: '小李', onCi: false };

/** quietHost says nothing and keeps its results in `results` below the folder; a test replaces what it wants to see. */
export const quietHost = (folder: string, more: Partial<Host>): Host => ({
  name: 'terminal',
  context: inCi,
  environment: {},
  folder,
  resultsFolder: join(folder, 'results'),
  log: () => undefined,
  annotate: () => undefined,
  warn: () => undefined,
  group: (_title, work) => work(),
  mask: () => undefined,
  redact: (text) => text,
  progress: () => undefined,
  stepStarted: () => undefined,
  stepEnded: () => undefined,
  outputs: () => Promise.resolve(),
  summary: () => Promise.resolve(),
  print: () => undefined,
  close: () => Promise.resolve(),
  ...more,
});
