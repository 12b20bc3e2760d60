import type { AnyStep } from '@sluice/core';

/** loaders bring one step each, so that a command pays for no other step's code. The order is that of the documentation. */
const loaders = {
  validate: async () => (await import('./validate.ts')).validate,
  diff: async () => (await import('./diff.ts')).diff,
  snapshot: async () => (await import('./snapshot.ts')).snapshot,
  deploy: async () => (await import('./deploy.ts')).deploy,
  'health-check': async () => (await import('./health-check.ts')).healthCheck,
  'publish-version': async () => (await import('./publish-version.ts')).publishVersion,
  plan: async () => (await import('./plan.ts')).plan,
  canary: async () => (await import('./canary.ts')).canary,
  rollback: async () => (await import('./rollback.ts')).rollback,
  preview: async () => (await import('./preview.ts')).preview,
  sweep: async () => (await import('./sweep.ts')).sweep,
  notify: async () => (await import('./notify.ts')).notify,
  release: async () => (await import('./release.ts')).release,
  versions: async () => (await import('./published.ts')).published,
  info: async () => (await import('./info.ts')).info,
  logs: async () => (await import('./logs.ts')).logs,
} satisfies Readonly<Record<string, () => Promise<AnyStep>>>;

/** StepName is the name of a step. */
export type StepName = keyof typeof loaders;

/** stepNames are the names of all steps, in the order in which documentation lists them. */
export const stepNames = Object.keys(loaders) as readonly StepName[];

/** isStepName tells a step's name from other words. */
export const isStepName = (word: string): word is StepName => Object.hasOwn(loaders, word);

/** loadStep brings one step. */
export const loadStep = (name: StepName): Promise<AnyStep> => loaders[name]();

/** loadSteps brings all steps. */
export const loadSteps = (): Promise<readonly AnyStep[]> => Promise.all(stepNames.map(loadStep));
