import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { done, failed, type Outcome } from '@sluice/core';
import { graphNodes } from '../source/dsl.ts';
import { inputProblem, joined } from '../source/overlay-names.ts';
import { mappingOf, type Mapping } from '../source/shape.ts';
import type { DifySource } from '../source/source.ts';
import { datasetUses, rewritten, usesIn, withDatasetIds } from '../source/workspace-names.ts';
import { isUuid } from './address.ts';
import type { Application } from './application.ts';
import { datasetsNamed, datasetsThere, onlyOne } from './catalogue.ts';
import { atLeast } from './release.ts';

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

/**
 * sealedDatasets encrypts the dataset ids of a graph for servers that read them in no other way: from 1.2.0 to 1.8.1 an import
 * drops a plain id without a word (Dify 1.4.0, api/services/app_dsl_service.py).
 */
export const sealedDatasets = async (application: Application, root: Mapping): Promise<Outcome<Mapping>> => {
  const workflow = mappingOf(root['workflow']);
  if (usesIn(workflow, datasetUses).length === 0) return done(root);
  const release = await application.session.release();
  if (!release.ok) return release;
  if (!atLeast(release.value, '1.2.0') || atLeast(release.value, '1.9.0')) return done(root);
  const workspace = await application.session.workspace();
  if (!workspace.ok) return workspace;
  const key = createHash('sha256').update(workspace.value.id, 'utf8').digest();
  const sealed = (id: string): string => {
    const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16));
    return Buffer.concat([cipher.update(id, 'utf8'), cipher.final()]).toString('base64');
  };
  return done({ ...root, workflow: rewritten(workflow, (mapping) => (mapping['type'] === 'knowledge-retrieval' ? withDatasetIds(mapping, sealed) : mapping)) });
};

const datasetIdsOf = (source: DifySource): readonly string[] => [...new Set(usesIn(source.root, datasetUses))];

/** usersOf names the nodes that use a dataset, as `node "Search"`; a chat app has none. */
const usersOf = (source: DifySource, id: string): string => {
  const nodes = graphNodes(mappingOf(source.root['workflow'])['graph']).filter((node) => datasetUses(node.data).includes(id));
  return nodes.length === 0 ? 'the app' : nodes.map((node) => `node "${node.title}"`).join(', ');
};

const lineFor = (id: string): string => `Add to the environment in sluice.yml: datasets: { "${id}": <name or id of the dataset in this workspace> }.`;

const foreign = (source: DifySource, id: string) =>
  failed(inputProblem(`the dataset ${id} of ${usersOf(source, id)} belongs to another workspace; the server would drop it without saying so`, source, lineFor(id)));

/** isNamed tells the name of a dataset: only what the environment has put there is one; anything else that is no id was encrypted by an export. */
const isNamed = ({ connection }: Application, id: string): boolean => !isUuid(id) && Object.values(connection.environment.datasets ?? {}).includes(id);

const found = async (application: Application, source: DifySource, id: string, workspace: () => Promise<Outcome<string>>): Promise<Outcome<string>> => {
  if (isUuid(id)) return done(id);
  if (isNamed(application, id)) {
    const named = await datasetsNamed(application, id);
    return named.ok ? onlyOne('dataset', id, 'datasets', named.value) : failed({ ...named.problem, hint: 'The list asks the plugin daemon. Name the dataset by its id under datasets in sluice.yml to do without it.' });
  }
  const own = await workspace();
  if (!own.ok) return own;
  const plain = plainDatasetId(id, own.value);
  return plain === undefined ? foreign(source, id) : done(plain);
};

/** Mapped is a source with plain dataset ids. */
export interface Mapped {
  readonly source: DifySource;
  /** found are the ids that the workspace was seen to have. */
  readonly found: ReadonlySet<string>;
}

/** withDatasets gives the source with plain dataset ids: names from the overlay are looked up, foreign ids are a problem. */
export const withDatasets = async (application: Application, source: DifySource): Promise<Outcome<Mapped>> => {
  const workspace = async (): Promise<Outcome<string>> => {
    const one = await application.session.workspace();
    return one.ok ? done(one.value.id) : one;
  };
  const plain = new Map<string, string>();
  for (const id of datasetIdsOf(source)) {
    const known = await found(application, source, id, workspace);
    if (!known.ok) return known;
    plain.set(id, known.value);
  }
  if (plain.size === 0) return done({ source, found: new Set() });
  const mapped = source.with(rewritten(source.root, (mapping) => withDatasetIds(mapping, (id) => plain.get(id) ?? id)));
  return done({ source: mapped, found: new Set([...plain].filter(([id]) => isNamed(application, id)).map(([, id]) => id)) });
};

/**
 * missingDatasets is the problem of dataset ids that the workspace does not have. The server takes any UUID, and a
 * knowledge node then finds nothing without an error. The list asks the plugin daemon, which a deployment can do without:
 * when it cannot be read, the value is a note that says so. Those of `found` are not asked about again.
 */
export const missingDatasets = async (application: Application, source: DifySource, found: ReadonlySet<string>): Promise<Outcome<readonly string[]>> => {
  const ids = datasetIdsOf(source).filter((id) => !found.has(id));
  if (ids.length === 0) return done([]);
  const there = await datasetsThere(application, ids);
  if (!there.ok && there.problem.category === 'cancelled') return there;
  if (!there.ok) return done([`Whether the workspace has the datasets of the app is not known: ${there.problem.reason}.`]);
  const problem = joined(
    ids.filter((id) => !there.value.has(id)).map((id) => inputProblem(`this workspace has no dataset ${id}, which ${usersOf(source, id)} uses`, source, lineFor(id))),
  );
  return problem === undefined ? done([]) : failed(problem);
};
