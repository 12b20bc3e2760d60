import { isMapping, listOf, mappingOf, textOf, type Mapping } from '../shape.ts';
import type { Path, Report } from './report.ts';

const identifierKeys = ['marketplace_plugin_unique_identifier', 'github_plugin_unique_identifier', 'plugin_unique_identifier'];

/** checkPlugins finds dependencies that name no content: the same version may be another file elsewhere. */
export const checkPlugins = (root: Mapping, report: Report): void => {
  listOf(root['dependencies']).forEach((item, index) => {
    const value = mappingOf(mappingOf(item)['value']);
    const identifier = identifierKeys.map((key) => textOf(value[key])).find((text) => text !== '');
    if (identifier === undefined || /@[0-9a-f]{64}$/.test(identifier)) return;
    report('plugin-unpinned', 'warning', `The plugin ${identifier} is not pinned to its content.`, ['dependencies', index], 'Export the app again: Studio writes author/name:version@sha256.');
  });
};

/** checkCredentials finds tools that name a credential of one workspace, which no export does. */
export const checkCredentials = (root: Mapping, report: Report): void => {
  const look = (value: unknown, path: Path): void => {
    if (Array.isArray(value)) return listOf(value).forEach((item, index) => look(item, [...path, index]));
    if (!isMapping(value)) return;
    if (textOf(value['credential_id']) !== '' && (typeof value['tool_name'] === 'string' || typeof value['provider_name'] === 'string')) {
      report('tool-credential', 'warning', `The tool ${textOf(value['tool_name']) || textOf(value['provider_name'])} names a credential of one workspace, which no other workspace has.`, [...path, 'credential_id'], 'Take credential_id out; each workspace uses its own default.');
    }
    for (const [key, item] of Object.entries(value)) if (typeof item === 'object') look(item, [...path, key]);
  };
  look(mappingOf(root['workflow'])['graph'], ['workflow', 'graph']);
  look(root['model_config'], ['model_config']);
};
