/**
 * nodeTypes are the node types that Dify knows up to 1.17, with the oldest ids that still run
 * (Dify 1.12.1, api/core/workflow/enums.py NodeType; human-input since 1.13).
 */
export const nodeTypes: ReadonlySet<string> = new Set([
  'start',
  'end',
  'answer',
  'llm',
  'knowledge-retrieval',
  'if-else',
  'code',
  'template-transform',
  'question-classifier',
  'parameter-extractor',
  'http-request',
  'tool',
  'agent',
  'variable-aggregator',
  'variable-assigner',
  'assigner',
  'iteration',
  'iteration-start',
  'loop',
  'loop-start',
  'loop-end',
  'list-operator',
  'document-extractor',
  'human-input',
  'trigger-webhook',
  'trigger-schedule',
  'trigger-plugin',
]);

/** isTrigger says whether a node type starts a run by itself. */
export const isTrigger = (type: string): boolean => type.startsWith('trigger-');
