import { createDecipheriv, createHash } from 'node:crypto';
import { done, failed, type Outcome, type Problem } from '@sluice/core';
import { isMapping, listOf, mapMappings, mappingOf, textOf } from '../source/shape.ts';
import type { DifySource } from '../source/source.ts';
import { isUuid } from './address.ts';
import type { Application } from './application.ts';

/**
 * plainDatasetId gives a dataset's id, decrypted where an export of this workspace has encrypted it: AES-256-CBC with
 * the SHA-256 of the workspace's id as key and its first half as vector (Dify 1.12.1, api/services/app_dsl_service.py).
 * Undefined when the id comes from another workspace; the server would drop it without a word.
 */
export const plainDatasetId = (id: string, workspace: string): string | undefined => {
  if (isUuid(id)) return id;
  const bytes = Buffer.from(id, 'base64');
  if (bytes.length === 0 || bytes.length % 16 !== 0) return undefined;
  const key = createHash('sha256').update(workspace, 'utf8').digest();
  const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
  const padded = Buffer.concat([decipher.update(bytes), decipher.final()]);
  const padding = padded.at(-1) ?? 0;
  const text = padded.subarray(0, padded.length - padding).toString('utf8');
  return isUuid(text) ? text : undefined;
};

/** datasetIdsOf lists the dataset ids that the app's knowledge nodes use. */
const datasetIdsOf = (source: DifySource): readonly string[] => {
  const found = new Set<string>();
  mapMappings(source.root, (mapping) => {
    for (const id of listOf(mapping['dataset_ids'])) found.add(textOf(id));
    const dataset = mapping['dataset'];
    if (isMapping(dataset)) found.add(textOf(dataset['id']));
    return mapping;
  });
  found.delete('');
  return [...found];
};

const byName = async (application: Application, name: string): Promise<Outcome<string>> => {
  const ids = await application.console.datasetIds(name);
  if (!ids.ok) return ids;
  const [only, ...others] = ids.value;
  if (only !== undefined && others.length === 0) return done(only);
  return failed({
    category: 'input',
    reason: only === undefined ? `this workspace has no dataset "${name}"` : `this workspace has ${ids.value.length} datasets "${name}"`,
    hint: only === undefined ? 'Create it, or correct datasets in sluice.yml.' : `Name one by its id in sluice.yml: ${ids.value.join(', ')}.`,
  });
};

const foreign = (source: DifySource, id: string): Problem => ({
  category: 'input',
  reason: `the dataset ${id} belongs to another workspace; the server would drop it without saying so`,
  where: source.path,
  hint: `Add to the environment in sluice.yml: datasets: { "${id}": <name or id of the dataset in this workspace> }.`,
});

/** withDatasets gives the source with plain dataset ids: names from the overlay are looked up, foreign ids are a problem. */
export const withDatasets = async (application: Application, source: DifySource): Promise<Outcome<DifySource>> => {
  const ids = datasetIdsOf(source);
  if (ids.length === 0) return done(source);
  const workspace = await application.session.workspace();
  if (!workspace.ok) return workspace;
  const named = new Set(Object.values(application.connection.environment.datasets ?? {}));
  const plain = new Map<string, string>();
  for (const id of ids) {
    const known = plainDatasetId(id, workspace.value);
    const found = known !== undefined ? done(known) : named.has(id) ? await byName(application, id) : failed(foreign(source, id));
    if (!found.ok) return found;
    plain.set(id, found.value);
  }
  const swap = (id: unknown): unknown => plain.get(textOf(id)) ?? id;
  const root = mapMappings(source.root, (mapping) => {
    const dataset = mapping['dataset'];
    return {
      ...mapping,
      ...(Array.isArray(mapping['dataset_ids']) ? { dataset_ids: mapping['dataset_ids'].map(swap) } : {}),
      ...(isMapping(dataset) ? { dataset: { ...dataset, id: swap(dataset['id']) } } : {}),
    };
  });
  return done(source.with(mappingOf(root)));
};
