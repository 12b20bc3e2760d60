import type { GraphNode } from '../dsl.ts';
import { isMapping, listOf, mappingOf, textOf, type Mapping } from '../shape.ts';
import { modelUse } from '../workspace-names.ts';
import { dataPath, type Graph } from './graph.ts';
import type { Path, Report } from './report.ts';

const needsModel = new Set(['llm', 'question-classifier', 'parameter-extractor']);

/** checkModels finds nodes that name no model. */
export const checkModels = ({ nodes, reached }: Graph, report: Report): void => {
  for (const node of nodes.filter(({ type }) => needsModel.has(type))) {
    const { provider, name } = mappingOf(node.data['model']);
    if (textOf(provider) !== '' && textOf(name) !== '') continue;
    report('model-missing', reached.has(node.id) ? 'error' : 'warning', `Node "${node.title}" names no model.`, modelPath(node), 'Choose a model in Studio.');
  }
};

const modelPath = (node: GraphNode): Path => [...dataPath(node), 'model'];

/** patternOf reads an entry of the list: `*` stands for any text, and an entry without a slash is a name of any provider. */
const patternOf = (entry: string): RegExp =>
  new RegExp(`^${entry.includes('/') ? '' : '(?:.*/)?'}${entry.split('*').map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('.*')}$`, 'u');

/** checkAllowed finds models that are on no list of allowed ones, wherever the file names them. */
export const checkAllowed = (root: Mapping, allowed: readonly string[], report: Report): void => {
  const patterns = allowed.map(patternOf);
  const look = (value: unknown, path: Path): void => {
    if (Array.isArray(value)) return listOf(value).forEach((item, index) => look(item, [...path, index]));
    if (!isMapping(value)) return;
    const use = modelUse(value);
    const model = use === undefined || use.name === '' || use.provider === '' ? undefined : `${use.provider}/${use.name}`;
    if (model !== undefined && !patterns.some((pattern) => pattern.test(model))) {
      report('model-not-allowed', 'error', `The model ${model} is not among those that sluice.yml allows.`, path, `Choose one of ${allowed.join(', ')}, or add it to lint.models.`);
    }
    for (const [key, item] of Object.entries(value)) if (typeof item === 'object') look(item, [...path, key]);
  };
  look(root['workflow'], ['workflow']);
  look(root['model_config'], ['model_config']);
};
