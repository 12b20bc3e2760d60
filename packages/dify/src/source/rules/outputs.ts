import type { GraphNode } from '../dsl.ts';
import { isMapping, listOf, mappingOf, textOf } from '../shape.ts';
import { isTrigger } from '../node-types.ts';

const fixed: ReadonlyMap<string, readonly string[]> = new Map(Object.entries<readonly string[]>({
  answer: ['answer', 'files'],
  'document-extractor': ['text'],
  'http-request': ['status_code', 'body', 'headers', 'files'],
  'if-else': ['result', 'selected_case_id'],
  'iteration-start': [],
  'knowledge-retrieval': ['result', 'files'],
  'list-operator': ['result', 'first_record', 'last_record'],
  'loop-end': [],
  'loop-start': [],
  'question-classifier': ['class_name', 'class_id', 'class_label', 'usage'],
  'template-transform': ['output'],
}));

const namesOf = (list: unknown, key: string): readonly string[] => listOf(list).map((item) => textOf(mappingOf(item)[key]));

/** declared are the outputs of nodes that say themselves what they give; undefined where that cannot be known. */
const declared = ({ type, data }: GraphNode): readonly string[] | undefined => {
  switch (type) {
    case 'start':
      return namesOf(data['variables'], 'variable');
    case 'code':
      return Object.keys(mappingOf(data['outputs']));
    case 'llm':
      return ['text', 'usage', 'finish_reason', 'reasoning_content', 'files', ...(data['structured_output_switch_on'] === true || isMapping(data['structured_output']) ? ['structured_output'] : [])];
    case 'parameter-extractor':
      return [...namesOf(data['parameters'], 'name'), '__is_success', '__reason', '__usage', '__error'];
    case 'variable-aggregator':
    case 'variable-assigner': {
      const settings = mappingOf(data['advanced_settings']);
      return settings['group_enabled'] === true ? namesOf(settings['groups'], 'group_name') : ['output'];
    }
    case 'loop':
      return [...namesOf(data['loop_variables'], 'label'), 'loop_round'];
    case 'human-input':
      return [...namesOf(data['inputs'], 'output_variable_name'), '__action_id', '__rendered_content'];
    case 'trigger-webhook':
      return [...namesOf(data['headers'], 'name').map((name) => name.replaceAll('-', '_')), ...namesOf(data['params'], 'name'), ...namesOf(data['body'], 'name'), '_webhook_raw'];
    default:
      return undefined;
  }
};

/**
 * outputsOf are the names by which other nodes may use a node; undefined where they cannot be known, as for tools.
 * `inside` asks for what an iteration or loop shows to the nodes in it (Dify 1.13.3, api/dify_graph/nodes).
 */
export const outputsOf = (node: GraphNode, inside: boolean): readonly string[] | undefined => {
  const own = node.type === 'iteration' ? (inside ? ['item', 'index'] : ['output']) : (fixed.get(node.type) ?? declared(node));
  if (own === undefined) return undefined;
  const failing = textOf(node.data['error_strategy']) === '' ? [] : ['error_message', 'error_type'];
  return [...own, ...failing];
};

/** givesSystem says whether a node repeats the system variables among its outputs, as in `start.sys.query`. */
export const givesSystem = (node: GraphNode): boolean => node.type === 'start' || isTrigger(node.type);
