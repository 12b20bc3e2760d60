import { done, type Finding, type Outcome } from '@sluice/core';
import type { Use } from '../../source/needs.ts';
import { isUuid } from '../address.ts';
import { datasetsNamed, datasetsThere, someDatasets } from '../catalogue.ts';
import { plainDatasetId } from '../datasets.ts';
import { grouped, instead, lacking, refused, usersOf, type Answer, type Asking } from './asking.ts';

type Group = readonly [what: string, uses: readonly Use<string>[]];

const lineFor = (id: string): string => `Add to the environment in sluice.yml: datasets: { ${JSON.stringify(id)}: <name or id of the knowledge base in this workspace> }.`;

/** askNamed looks for the knowledge bases that sluice.yml names: one request each, and one for what there is when one is not. */
const askNamed = async (asking: Asking, [name, uses]: Group): Promise<Outcome<readonly Finding[]>> => {
  const found = await datasetsNamed(asking.application, name);
  if (!found.ok) return found;
  if (found.value.length === 1) return done([]);
  if (found.value.length > 1) {
    const ids = found.value.map(({ id }) => id).join(', ');
    return done([lacking(asking, 'name-ambiguous', uses, `This workspace has ${found.value.length} knowledge bases "${name}", and ${usersOf(uses)} needs one.`, `Name it by its id under datasets in sluice.yml: ${ids}.`)]);
  }
  const some = await someDatasets(asking.application);
  const hint = some.ok ? `${instead(name, some.value)} Make it, or correct datasets in sluice.yml.` : 'Make it, or correct datasets in sluice.yml.';
  return done([lacking(asking, 'dataset-missing', uses, `This workspace has no knowledge base "${name}", which ${usersOf(uses)} needs.`, hint)]);
};

/** askIds looks for all knowledge bases that are named by ids: one request for a hundred of them. */
const askIds = async (asking: Asking, groups: readonly Group[], plain: ReadonlyMap<string, string>): Promise<Outcome<readonly Finding[]>> => {
  const ids = [...plain.values()];
  const there = ids.length === 0 ? done(new Set<string>()) : await datasetsThere(asking.application, ids);
  if (!there.ok) return there;
  return done(
    groups.flatMap(([id, uses]) => {
      const known = plain.get(id);
      if (known !== undefined && there.value.has(known.toLowerCase())) return [];
      const message = known === undefined ? `The knowledge base ${id} of ${usersOf(uses)} belongs to another workspace; Dify would drop it without a word.` : `This workspace has no knowledge base ${id}, which ${usersOf(uses)} needs.`;
      return [lacking(asking, 'dataset-missing', uses, message, lineFor(id))];
    }),
  );
};

/** askDatasets looks for every knowledge base of an app, by the ids and names that the environment gives. */
export const askDatasets = async (asking: Asking): Promise<Answer> => {
  const { application, needs } = asking;
  const groups = grouped(needs.datasets, (id) => id);
  const names = new Set(Object.values(application.connection.environment.datasets ?? {}).filter((name) => !isUuid(name)));
  const [named, others] = [groups.filter(([id]) => names.has(id)), groups.filter(([id]) => !names.has(id))];
  const workspace = others.every(([id]) => isUuid(id)) ? done({ id: '' }) : await application.session.workspace();
  if (!workspace.ok) return { skipped: refused(asking, 'workspaces', workspace.problem), findings: [] };
  const plain = new Map(others.flatMap(([id]): [string, string][] => {
    const known = plainDatasetId(id, workspace.value.id);
    return known === undefined ? [] : [[id, known]];
  }));
  const answers = await Promise.all([askIds(asking, others, plain), ...named.map((group) => askNamed(asking, group))]);
  const findings = answers.flatMap((answer) => (answer.ok ? answer.value : []));
  const failure = answers.find((answer) => !answer.ok);
  return { seen: `${groups.length} looked for`, ...(failure === undefined || failure.ok ? {} : { skipped: refused(asking, 'knowledge bases', failure.problem) }), findings };
};
