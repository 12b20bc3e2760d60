import type { EnvironmentConfig, SettingFinding, Source } from '@sluice/core';
import { isDifySource } from '../source.ts';
import { datasetUses, usesIn } from '../workspace-names.ts';

const isPlainId = (id: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);

/**
 * datasetFindings are knowledge bases that an environment's `datasets` does not name. An import drops an id that was
 * encrypted in another workspace without a word, and the node then finds nothing (Dify 1.12.1, AppDslService.decrypt_dataset_id).
 */
export const datasetFindings = (environment: EnvironmentConfig, source?: Source): readonly SettingFinding[] => {
  if (environment.dify === undefined || source === undefined || !isDifySource(source)) return [];
  const missing = [...new Set(usesIn(source.root, datasetUses))].filter((id) => !Object.hasOwn(environment.datasets ?? {}, id));
  return missing.map((id) => ({
    rule: 'dify/dataset-unmapped',
    severity: 'warning',
    message: `The knowledge base ${id} of the source has no partner here; ${isPlainId(id) ? 'in a workspace that does not have it, its node finds nothing' : 'in another workspace than that of the export, Dify drops it without a word'}.`,
    path: ['datasets'],
    hint: `Add to the environment: datasets: { ${JSON.stringify(id)}: <name or id in this workspace> }.`,
  }));
};
