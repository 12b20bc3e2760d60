import { listOf, mappingOf, textOf, type Mapping } from '../source/shape.ts';
import type { DifySource } from '../source/source.ts';
import type { Application } from './application.ts';
import { installedPlugins } from './catalogue.ts';

const identifierKeys = ['marketplace_plugin_unique_identifier', 'github_plugin_unique_identifier', 'plugin_unique_identifier'];

/** versionIn is the version of an identifier such as `langgenius/openai:0.2.7@…`. */
const versionIn = (identifier: string): string => /:([^@]+)(?:@|$)/.exec(identifier)?.[1] ?? '';

const pluginIn = (identifier: string): string => identifier.replace(/[:@].*$/, '');

const identifierIn = (value: Mapping): string => identifierKeys.map((key) => textOf(value[key])).find((text) => text !== '') ?? '';

/** wanted names a plugin and its version, as in `langgenius/openai 0.2.7`. */
const wanted = (value: Mapping): string => {
  const identifier = identifierIn(value);
  const plugin = pluginIn(identifier) || textOf(value['repo']) || 'one that the file does not name';
  return `${plugin} ${versionIn(identifier) || textOf(value['version'])}`.trim();
};

/** missingLine says what to install, and which other version is there. */
export const missingLine = (item: Mapping): string => {
  const source = textOf(item['type']) || 'unknown source';
  const there = textOf(item['current_identifier']);
  const other = there === '' ? '' : `; the workspace has ${versionIn(there) || there}`;
  return `The workspace lacks the plugin ${wanted(mappingOf(item['value']))} (${source})${other}. Install it before publishing: nodes that use it may fail.`;
};

const unknown = (reason: string): readonly string[] => [`Whether all plugins are installed is not known: ${reason}.`];

/**
 * missingPlugins lists the plugins that an imported file needs and the workspace lacks. A file that declares none is not
 * asked about. The server knows the answer for ten minutes after an import, not at all after one that was confirmed
 * (Dify 1.12.1, AppDslService.confirm_import), and asks its plugin daemon.
 */
export const missingPlugins = async (application: Application, source: DifySource, confirmed: boolean): Promise<readonly string[]> => {
  if (listOf(source.root['dependencies']).length === 0) return [];
  if (confirmed) return unknown('Dify forgets what an import needs that had to be confirmed');
  const missing = await application.console.missingPlugins(application.id());
  return missing.ok ? missing.value.map(missingLine) : unknown(missing.problem.reason);
};

/**
 * absentPlugins foretells missingPlugins, for a dry run: the server knows what a file lacks only after its import, so the
 * identifiers of the file are held against the list of what is installed.
 */
export const absentPlugins = async (application: Application, source: DifySource): Promise<readonly string[]> => {
  const needed = listOf(source.root['dependencies']).map(mappingOf);
  if (needed.length === 0) return [];
  const installed = await installedPlugins(application);
  if (!installed.ok) return unknown(installed.problem.reason);
  return needed
    .map((item) => ({ item, identifier: identifierIn(mappingOf(item['value'])) }))
    .filter(({ identifier }) => !installed.value.includes(identifier))
    .map(({ item, identifier }) => missingLine({ ...item, current_identifier: installed.value.find((one) => pluginIn(one) === pluginIn(identifier)) }));
};
