import { failed, type Outcome } from '@sluice/core';
import { keepBindings, unboundTriggers } from '../source/bindings.ts';
import { environmentVariables } from '../source/dsl.ts';
import { inputProblem, joined } from '../source/overlay-names.ts';
import { mappingOf } from '../source/shape.ts';
import type { DifySource } from '../source/source.ts';
import { keepSecrets, type Kept } from './secrets.ts';
import type { Workflow } from './shapes.ts';

const withKept = (source: DifySource, stored: Workflow | undefined): DifySource => {
  const workflow = mappingOf(source.root['workflow']);
  return source.with({ ...source.root, workflow: { ...workflow, graph: keepBindings(mappingOf(workflow['graph']), stored?.graph) } });
};

/**
 * complete gives a graph everything that an export leaves out and an import would reset: secrets, credentials, schedules
 * and subscriptions of the app's draft. What is there neither in the environment nor on the server is an `input` problem.
 */
export const complete = (source: DifySource, draft: Workflow | undefined): Outcome<Kept> => {
  const kept = withKept(source, draft);
  const graph = mappingOf(mappingOf(kept.root['workflow'])['graph']);
  const problem = joined(
    unboundTriggers(graph).map(({ title, what }) =>
      inputProblem(
        `the trigger "${title}" would never fire: neither the file nor the app on the server has its ${what}`,
        source,
        `Add to the environment in sluice.yml: triggers: { "${title}": ${what === 'schedule' ? '"0 9 * * 1-5 UTC"' : '<name or id of a subscription>'} }.`,
      ),
    ),
  );
  return problem === undefined ? keepSecrets(kept, environmentVariables(draft)) : failed(problem);
};
