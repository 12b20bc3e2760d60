import { fields, isFields, items, type Fields } from './reading.ts';

const off = { enabled: false };

const defaults: Fields = {
  opening_statement: null,
  suggested_questions: [],
  suggested_questions_after_answer: off,
  speech_to_text: off,
  text_to_speech: off,
  retriever_resource: { enabled: true },
  annotation_reply: off,
  more_like_this: off,
  sensitive_word_avoidance: { enabled: false, type: '', configs: [] },
  external_data_tools: [],
  model: {},
  user_input_form: [],
  dataset_query_variable: '',
  pre_prompt: '',
  agent_mode: { enabled: false, strategy: null, tools: [], prompt: null },
  prompt_type: 'simple',
  chat_prompt_config: {},
  completion_prompt_config: {},
  dataset_configs: { retrieval_model: 'multiple' },
  file_upload: { image: { enabled: false, number_limits: 3, detail: 'high', transfer_methods: ['remote_url', 'local_file'] } },
};

/** defaultModelConfig is what a new chat or completion app begins with (Dify 1.12.1, constants/model_template.py). */
export const defaultModelConfig = (mode: string): Fields => ({
  model: { provider: 'langgenius/openai/openai', name: 'gpt-4o', mode: 'chat', completion_params: {} },
  ...(mode === 'completion'
    ? { user_input_form: [{ paragraph: { label: 'Query', variable: 'query', required: true, default: '' } }], pre_prompt: '{{query}}' }
    : {}),
});

/** modelConfigFields gives the keys that Dify keeps of a model_config, with its defaults. */
export const modelConfigFields = (config: Fields): Fields =>
  Object.fromEntries(Object.entries(defaults).map(([name, absent]) => [name, config[name] ?? absent]));

/** modelConfigComplaint checks a model_config as far as the lab can: it has every provider and every model. */
export const modelConfigComplaint = (config: Fields): string | undefined => {
  if (!('model' in config)) return 'model is required';
  if (!isFields(config['model'])) return 'model must be of object type';
  const model = config['model'];
  if (!('provider' in model)) return 'model.provider is required and must be in []';
  if (!('name' in model)) return 'model.name is required';
  if (!('completion_params' in model)) return 'model.completion_params is required';
  if (!isFields(model['completion_params'])) return 'model.completion_params must be of object type';
  return items(fields(model['completion_params'])['stop']).length > 4 ? 'stop sequences must be less than 4' : undefined;
};
