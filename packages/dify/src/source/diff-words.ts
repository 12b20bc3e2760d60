/** words are what keys of the file are called for people. */
const words: ReadonlyMap<string, string> = new Map(Object.entries({
  dataset_ids: 'knowledge',
  multiple_retrieval_config: 'retrieval',
  single_retrieval_config: 'retrieval',
  query_variable_selector: 'query',
  variable_selector: 'variable',
  value_selector: 'value',
  iterator_selector: 'list',
  output_selector: 'output',
  retry_config: 'retry',
  error_strategy: 'on failure',
  default_value: 'value on failure',
  code_language: 'language',
  max_length: 'maximum length',
  is_parallel: 'parallel',
  parallel_nums: 'most in parallel',
  error_handle_mode: 'on failure of one',
  url: 'address',
}));

/** wordsOf is a key as people read it. */
export const wordsOf = (key: string): string => words.get(key) ?? key.replaceAll('_', ' ');

/** opaque are long descriptions that a plugin gives of itself; that they changed is all that people want to know. */
export const opaque = new Set(['paramSchemas', 'params_schema', 'schemas', 'output_schema', 'tool_description']);
