import type { Dialect } from './dialect.ts';
import { isSet } from './features.ts';
import { repr } from './python.ts';
import { fields, isFields, items, text, type Fields } from './reading.ts';

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
  sensitive_word_avoidance: off,
  external_data_tools: [],
  model: {},
  user_input_form: [],
  dataset_query_variable: null,
  pre_prompt: null,
  agent_mode: { enabled: false, strategy: null, tools: [], prompt: null },
  prompt_type: 'simple',
  chat_prompt_config: {},
  completion_prompt_config: {},
  dataset_configs: { retrieval_model: 'multiple' },
  file_upload: { image: { enabled: false, number_limits: 3, detail: 'high', transfer_methods: ['remote_url', 'local_file'] } },
};

/** defaultModel is the workspace's default model. */
const defaultModel = { provider: 'langgenius/openai/openai', name: 'gpt-4o-mini', mode: 'chat', completion_params: {} };

/** defaultModelConfig is what a new chat or completion app begins with (Dify 1.12.1, constants/model_template.py). */
export const defaultModelConfig = (mode: string): Fields => ({
  model: defaultModel,
  ...(mode === 'completion'
    ? { user_input_form: [{ paragraph: { label: 'Query', variable: 'query', required: true, default: '' } }], pre_prompt: '{{query}}' }
    : {}),
});

/** modelConfigFields gives the keys that Dify keeps of a model_config; what is empty is shown as its default, but for texts. */
export const modelConfigFields = (config: Fields, { moderationOff }: Dialect): Fields =>
  Object.fromEntries(
    Object.entries({ ...defaults, sensitive_word_avoidance: moderationOff }).map(([name, absent]) => {
      const given = config[name];
      return [name, typeof given === 'string' || isSet(given) ? given : absent];
    }),
  );

/** modelConfigComplaint checks a model_config against the models of the workspace (Dify 1.12.1, model_config/manager.py). */
export const modelConfigComplaint = (config: Fields, models: ReadonlyMap<string, ReadonlySet<string>>): string | undefined => {
  if (!('model' in config)) return 'model is required';
  if (!isFields(config['model'])) return 'model must be of object type';
  const model = config['model'];
  const known = models.get(text(model['provider']));
  if (known === undefined) return `model.provider is required and must be in ${repr([...models.keys()])}`;
  if (!('name' in model)) return 'model.name is required';
  if (!known.has(text(model['name']))) return 'model.name must be in the specified model list';
  if (!('completion_params' in model)) return 'model.completion_params is required';
  if (!isFields(model['completion_params'])) return 'model.completion_params must be of object type';
  return items(fields(model['completion_params'])['stop']).length > 4 ? 'stop sequences must be less than 4' : undefined;
};
