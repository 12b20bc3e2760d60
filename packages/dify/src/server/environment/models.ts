import type { Finding, Outcome } from '@sluice/core';
import type { Use } from '../../source/needs.ts';
import { splitModel, type ModelKind, type ModelUse } from '../../source/workspace-names.ts';
import { defaultModel, modelStates, modelsOf, type ModelState, type Named } from '../catalogue.ts';
import { grouped, instead, joinedAnswers, lacking, listed, refused, usersOf, type Answer, type Asking } from './asking.ts';
import { modelProvider } from './provider-id.ts';

type Group = readonly [what: ModelUse, uses: readonly Use<ModelUse>[]];

/** states say in words why a model cannot be used (Dify 1.12.1, api/core/entities/model_entities.py ModelStatus). */
const states: ReadonlyMap<string, readonly [why: string, todo: string]> = new Map(Object.entries<readonly [why: string, todo: string]>({
  'no-configure': ['its provider has no credentials', 'Give the provider its credentials in the settings of the workspace.'],
  'quota-exceeded': ['its quota is used up', 'Give the provider credentials of your own, or raise its quota.'],
  'no-permission': ["the server's own credentials do not cover it", 'Give the provider credentials of your own.'],
  disabled: ['it is switched off', 'Switch it on in the settings of the workspace.'],
  'credential-removed': ['its credentials were removed', 'Choose other credentials for it in the settings of the workspace.'],
}));

const label = ({ provider, name, kind }: ModelUse): string => `${kind} model ${provider}/${name}`;

/** lacks judges a model that is not among the usable ones, by what its provider says of it. */
const lacks = (asking: Asking, [what, uses]: Group, usable: readonly Named[], state: ModelState | undefined): readonly Finding[] => {
  const who = usersOf(uses);
  const fitting = usable.map(({ name }) => name);
  if (state === undefined) {
    const hint = `${instead(what.name, fitting)} Install and configure the model in the workspace, or map it in the environment: models: { ${JSON.stringify(what.name)}: <model> }.`;
    return [lacking(asking, 'model-missing', uses, `This workspace has no usable ${label(what)}, which ${who} needs.`, hint)];
  }
  if (state.status === 'active') {
    // Dify leaves deprecated models out of its list of usable ones, and runs them all the same.
    return state.deprecated ? [lacking(asking, 'model-unusable', uses, `The ${label(what)} of ${who} is deprecated by its provider.`, `${instead(what.name, fitting)} It still runs.`, 'warning')] : [];
  }
  const [why, todo] = states.get(state.status) ?? [`its state is "${state.status}"`, 'Look at it in the settings of the workspace.'];
  return [lacking(asking, 'model-unusable', uses, `The ${label(what)} of ${who} cannot be used in this workspace: ${why}.`, todo)];
};

const ambiguous = (asking: Asking, [what, uses]: Group, matches: readonly Named[]): Finding =>
  lacking(asking, 'name-ambiguous', uses, `This workspace has ${matches.length} ${what.kind} models "${what.name}", and ${usersOf(uses)} needs one.`, `Name it with its provider under models in sluice.yml: ${matches.map(({ id }) => id).join(', ')}.`);

/** absent are the models that are not among the usable ones, and findings on names that fit several. */
const absent = (asking: Asking, groups: readonly Group[], usable: readonly Named[]): { readonly missing: readonly Group[]; readonly findings: readonly Finding[] } => {
  const names = new Set(Object.values(asking.application.connection.environment.models ?? {}).filter((text) => splitModel(text).provider === undefined));
  const judged = groups.map((group) => {
    const [{ provider, name }] = group;
    const matches = usable.filter((one) => one.name === name);
    const own = matches.some(({ note }) => modelProvider(note) === modelProvider(provider));
    // A name that sluice.yml gives without a provider is looked for at all of them.
    return { group, there: own || (names.has(name) && matches.length === 1), several: !own && names.has(name) && matches.length > 1, matches };
  });
  return {
    missing: judged.filter(({ there, several }) => !there && !several).map(({ group }) => group),
    findings: judged.filter(({ several }) => several).map(({ group, matches }) => ambiguous(asking, group, matches)),
  };
};

/** askKind asks for the usable models of one kind, and only for providers of which one is not there for all that they have. */
const askKind = (asking: Asking, kind: ModelKind): Promise<Answer> => {
  const groups = grouped(asking.needs.models.filter(({ what }) => what.kind === kind), ({ provider, name }) => `${modelProvider(provider)}/${name}`);
  return listed(asking, `${kind} models`, modelsOf(asking.application, kind), async (usable) => {
    const { missing, findings } = absent(asking, groups, usable);
    const providers = [...new Set(missing.map(([{ provider }]) => modelProvider(provider)))];
    const known = new Map(await Promise.all(providers.map(async (provider) => [provider, await statesAt(asking, provider)] as const)));
    const lacked = missing.flatMap((group) => {
      const [{ provider, name }] = group;
      return lacks(asking, group, usable, known.get(modelProvider(provider))?.find((one) => one.name === name && one.kind === kind));
    });
    return { seen: `${groups.length} of kind ${kind} looked for`, findings: [...findings, ...lacked] };
  });
};

/** statesAt gives all models of a provider; none when they cannot be read, since the list of usable ones has the say. */
const statesAt = async ({ application }: Asking, provider: string): Promise<readonly ModelState[]> => {
  const all = await modelStates(application, provider);
  return all.ok ? all.value : [];
};

const spoken = { tts: 'text to speech', speech2text: 'speech to text' } as const;

/** askDefault asks for the model that the workspace has chosen for speech. */
const askDefault = async (asking: Asking, use: Asking['needs']['defaults'][number]): Promise<Answer> => {
  const chosen: Outcome<string | undefined> = await defaultModel(asking.application, use.what);
  if (!chosen.ok) return { skipped: refused(asking, 'default models', chosen.problem), findings: [] };
  const seen = `the default for ${spoken[use.what]} looked for`;
  if (chosen.value !== undefined) return { seen, findings: [] };
  const message = `The app has ${spoken[use.what]} switched on, and this workspace has chosen no model for it.`;
  return { seen, findings: [lacking(asking, 'model-missing', [use], message, 'Choose one in the settings of the workspace, under the system models.')] };
};

/** askModels looks for every model of an app: one request a kind, and one more for each provider of a model that is not usable. */
export const askModels = async (asking: Asking): Promise<Answer> => {
  const kinds = [...new Set(asking.needs.models.map(({ what }) => what.kind))];
  const defaults = grouped(asking.needs.defaults, (what) => what).flatMap(([, [use]]) => (use === undefined ? [] : [use]));
  return joinedAnswers(await Promise.all([...kinds.map((kind) => askKind(asking, kind)), ...defaults.map((use) => askDefault(asking, use))]));
};
