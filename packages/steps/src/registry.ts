import type { AnyStep } from '@sluice/core';
import { canary } from './canary.ts';
import { deploy } from './deploy.ts';
import { healthCheck } from './health-check.ts';
import { notify } from './notify.ts';
import { publishVersion } from './publish-version.ts';
import { release } from './release.ts';
import { rollback } from './rollback.ts';
import { snapshot } from './snapshot.ts';
import { validate } from './validate.ts';

/** steps are all steps, in the order in which documentation lists them. */
export const steps: readonly AnyStep[] = [
  validate,
  snapshot,
  deploy,
  healthCheck,
  publishVersion,
  canary,
  rollback,
  notify,
  release,
];
