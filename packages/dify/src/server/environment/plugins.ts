import type { Finding } from '@sluice/core';
import { pluginNeed, type Needs, type PluginNeed, type Use } from '../../source/needs.ts';
import { installedPlugins } from '../catalogue.ts';
import { instead, lacking, listed, type Answer, type Asking } from './asking.ts';
import { modelProvider, pluginOf, toolProvider } from './provider-id.ts';

/** pluginsUsed are the plugins whose models, tools, strategies and triggers a run needs. */
const pluginsUsed = ({ models, tools, strategies, triggers }: Needs): ReadonlySet<string> =>
  new Set([
    ...models.filter(({ reached }) => reached).map(({ what }) => pluginOf(modelProvider(what.provider))),
    ...tools.filter(({ reached }) => reached).map(({ what }) => pluginOf(toolProvider(what.id))),
    ...strategies.filter(({ reached }) => reached).map(({ what }) => pluginOf(what.provider)),
    ...triggers.filter(({ reached }) => reached).map(({ what }) => pluginOf(what.provider)),
  ]);

const judge = (asking: Asking, used: ReadonlySet<string>, use: Use<PluginNeed>, installed: readonly PluginNeed[]): readonly Finding[] => {
  const { plugin, version, identifier } = use.what;
  const there = installed.filter((one) => one.plugin === plugin);
  if (there.some((one) => one.identifier === identifier)) return [];
  const [other] = there;
  if (other === undefined) {
    const needed = used.has(plugin);
    const why = needed ? '' : ' Nothing that this environment leaves in the app is seen to need it.';
    return [lacking(asking, 'plugin-missing', [use], `This workspace lacks the plugin ${plugin} ${version}, which the file declares.${why}`, `${instead(plugin, installed.map((one) => one.plugin))} Install it in the workspace before the release.`, needed ? 'error' : 'warning')];
  }
  const told = other.version === version ? `other content of the plugin ${plugin} ${version}` : `the plugin ${plugin} ${other.version}, not ${version}`;
  return [lacking(asking, 'plugin-version', [use], `This workspace has ${told}, as the file declares it.`, 'Install the declared version, or export the app from a workspace that has this one.', 'warning')];
};

/** askPlugins holds the declared dependencies against what is installed: one request. */
export const askPlugins = (asking: Asking): Promise<Answer> =>
  listed(asking, 'plugins', installedPlugins(asking.application), (identifiers) => {
    const installed = identifiers.map(pluginNeed);
    const used = pluginsUsed(asking.needs);
    const { plugins } = asking.needs;
    return { seen: `${plugins.length} looked for`, findings: plugins.flatMap((use) => judge(asking, used, use, installed)) };
  });
