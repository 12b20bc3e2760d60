import { notAsked, readYaml, type ConnectionCheck, type EnvironmentCheck, type SourceFile } from '@sluice/core';
import { needNames, needsOf } from '../source/needs.ts';
import type { Application } from './application.ts';
import { askStrategies, askTriggers } from './environment/agents.ts';
import type { Answer, Asking } from './environment/asking.ts';
import { askDatasets } from './environment/datasets.ts';
import { askVersion } from './environment/dsl-version.ts';
import { askModels } from './environment/models.ts';
import { askPlugins } from './environment/plugins.ts';
import { askTools } from './environment/tools.ts';

const questions: Readonly<Record<string, (asking: Asking) => Answer | Promise<Answer>>> = {
  'DSL version': askVersion,
  plugins: askPlugins,
  models: askModels,
  tools: askTools,
  'agent strategies': askStrategies,
  datasets: askDatasets,
  triggers: askTriggers,
};

/**
 * checkNeeds asks whether the workspace has what the app needs, after the environment's values have been put in: all lists at the same
 * time, and only those of things that the app names. Places are those of the file, whose objects an overlay leaves where they are.
 */
export const checkNeeds = async (application: Application, { path, text }: SourceFile, way: readonly ConnectionCheck[]): Promise<readonly EnvironmentCheck[]> => {
  const names = needNames(application.source);
  const broken = way.find(({ outcome }) => outcome?.ok === false);
  if (broken !== undefined) return notAsked(names, `not asked, since the check of ${broken.name} failed`);
  const release = await application.session.release();
  const document = readYaml(path, text);
  if (!release.ok || !document.ok) return notAsked(names, `not asked: ${release.ok ? 'the file cannot be read' : release.problem.reason}`);
  const asking: Asking = { application, needs: needsOf(application.source), release: release.value, placeOf: document.value.placeOf };
  return Promise.all(names.map(async (name): Promise<EnvironmentCheck> => ({ name, ...(await questions[name]?.(asking) ?? { skipped: 'not asked', findings: [] }) })));
};
