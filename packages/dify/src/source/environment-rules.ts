import type { Rule } from '@sluice/core';

/** environmentTexts are what an environment may lack, by name; an id is `environment/<name>` and never changes its meaning. */
export const environmentTexts = {
  'dsl-too-new': 'The file is newer than what the server reads.',
  'plugin-missing': 'The workspace does not have a plugin that the file declares.',
  'plugin-version': 'The workspace has another version of a plugin than the file declares.',
  'model-missing': 'The workspace does not have a model.',
  'model-unusable': 'The workspace has a model that cannot be used.',
  'tool-missing': 'The workspace does not have a tool, or its provider.',
  'tool-unauthorized': 'The workspace has a tool, and no credentials for it.',
  'strategy-missing': 'The workspace does not have the strategy of an agent.',
  'dataset-missing': 'The workspace does not have a knowledge base.',
  'trigger-missing': 'The workspace does not have a trigger, or its subscription.',
  'name-ambiguous': 'A name in sluice.yml fits several things of the workspace.',
} as const satisfies Readonly<Record<string, string>>;

/** EnvironmentRuleName is the name of a rule on what an environment has. */
export type EnvironmentRuleName = keyof typeof environmentTexts;

/** environmentRules are the rules on what an environment has, as people name them. */
export const environmentRules: readonly Rule[] = Object.entries(environmentTexts).map(([name, summary]) => ({ id: `environment/${name}`, summary, scope: 'free' }));
