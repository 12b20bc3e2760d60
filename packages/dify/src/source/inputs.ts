import type { SourceInput } from '@sluice/core';
import { graphNodes, hasGraph, type Mode } from './dsl.ts';
import { isMapping, listOf, mappingOf, textOf, type Mapping } from './shape.ts';

/** inputTypes maps Dify's form types; a type that is not here is asked for as text. */
const inputTypes: ReadonlyMap<string, SourceInput['type']> = new Map(Object.entries<SourceInput['type']>({
  number: 'number',
  checkbox: 'boolean',
  select: 'choice',
  file: 'file',
  'file-list': 'files',
  json: 'json',
  json_object: 'json',
}));

const inputOf = (type: string, field: Mapping): SourceInput => {
  const kind = inputTypes.get(type) ?? 'text';
  const initial = textOf(field['default']);
  const maximum = field['max_length'];
  return {
    name: textOf(field['variable']),
    type: kind,
    required: field['required'] === true,
    ...(kind === 'choice' ? { choices: listOf(field['options']).map(textOf) } : {}),
    ...(initial === '' ? {} : { initial }),
    ...(kind === 'text' && typeof maximum === 'number' && maximum > 0 ? { maximumLength: maximum } : {}),
  };
};

/** inputsOf reads what a run needs: the start node's variables, or `user_input_form` where there is no graph. */
export const inputsOf = (mode: Mode, root: Mapping): readonly SourceInput[] => {
  const inputs = hasGraph(mode)
    ? graphNodes(mappingOf(root['workflow'])['graph'])
        .filter((node) => node.type === 'start')
        .flatMap((node) => listOf(node.data['variables']).filter(isMapping))
        .map((field) => inputOf(textOf(field['type']), field))
    : listOf(mappingOf(root['model_config'])['user_input_form'])
        .filter(isMapping)
        .flatMap((entry) => Object.entries(entry).map(([type, field]) => inputOf(type, mappingOf(field))));
  return inputs.filter((input) => input.name !== '');
};
