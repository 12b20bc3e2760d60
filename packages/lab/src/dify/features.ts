import { fields, isFields, type Fields } from './reading.ts';

/** isSet says whether Python takes a configuration's value for true. */
export const isSet = (value: unknown): boolean =>
  isFields(value) ? Object.keys(value).length > 0 : Array.isArray(value) ? value.length > 0 : Boolean(value);

const kept = (value: unknown, absent: unknown): unknown => (isSet(value) ? value : absent);

/** switched is a feature that is off unless it says otherwise; `whenOff` is what an off one is set to besides. */
const switched = (value: unknown, whenOff: Fields = {}): Fields => {
  const given = fields(value);
  return isSet(given['enabled']) ? given : { ...given, enabled: false, ...whenOff };
};

const spoken = (value: unknown): Fields => switched(value, { voice: '', language: '' });

/** uploads is the feature of files: the form of older files, an `image` that is switched on, becomes the newer one. */
const uploads = (value: unknown): Fields => {
  const { image: given, ...rest } = fields(value);
  const image = fields(given);
  if (image['enabled'] !== true) return fields(value);
  return {
    ...rest,
    enabled: true,
    number_limits: image['number_limits'] ?? 3,
    allowed_file_upload_methods: image['transfer_methods'] ?? ['remote_url', 'local_file'],
    allowed_file_types: rest['allowed_file_types'] ?? ['image'],
    allowed_file_extensions: rest['allowed_file_extensions'] ?? [],
  };
};

/** greeting are the features of apps that talk. */
const greeting = (given: Fields): Fields => ({
  opening_statement: kept(given['opening_statement'], ''),
  suggested_questions: kept(given['suggested_questions'], []),
  suggested_questions_after_answer: switched(given['suggested_questions_after_answer']),
  speech_to_text: switched(given['speech_to_text']),
  retriever_resource: switched(given['retriever_resource']),
});

/**
 * filledFeatures are a draft's features as Dify keeps them: what is left out is filled in, what is unknown stays (1.12.1,
 * core/app/app_config/features). It happens with every import and every sync.
 */
export const filledFeatures = (mode: string, given: Fields): Fields => ({
  ...given,
  file_upload: uploads(given['file_upload']),
  text_to_speech: spoken(given['text_to_speech']),
  sensitive_word_avoidance: switched(given['sensitive_word_avoidance']),
  ...(mode === 'advanced-chat' ? greeting(given) : {}),
});

const formItem = (item: unknown): Fields =>
  Object.fromEntries(Object.entries(fields(item)).map(([type, variable]) => [type, { ...fields(variable), required: fields(variable)['required'] === true }]));

const agentMode = (value: unknown): Fields => {
  const given = switched(value);
  return { ...given, tools: kept(given['tools'], []), strategy: kept(given['strategy'], 'router') };
};

const datasetConfigs = (value: unknown): Fields => {
  const given = fields(value);
  return { ...given, retrieval_model: given['retrieval_model'] ?? 'single', datasets: kept(given['datasets'], { strategy: 'router', datasets: [] }) };
};

/**
 * filledConfiguration is the configuration of a chat, agent or completion app as Dify keeps it: what is left out is filled in,
 * and what the mode does not have is dropped (1.12.1, core/app/apps/<mode>/app_config_manager.py).
 */
export const filledConfiguration = (mode: string, given: Fields): Fields => {
  const model = fields(given['model']);
  const params = fields(model['completion_params']);
  return {
    model: { ...model, mode: 'chat', completion_params: { ...params, stop: params['stop'] ?? [] } },
    user_input_form: Array.isArray(given['user_input_form']) ? given['user_input_form'].map(formItem) : [],
    external_data_tools: kept(given['external_data_tools'], []),
    file_upload: fields(given['file_upload']),
    prompt_type: kept(given['prompt_type'], 'simple'),
    chat_prompt_config: fields(given['chat_prompt_config']),
    completion_prompt_config: fields(given['completion_prompt_config']),
    pre_prompt: given['prompt_type'] === 'advanced' ? (given['pre_prompt'] ?? null) : kept(given['pre_prompt'], ''),
    agent_mode: agentMode(given['agent_mode']),
    dataset_configs: datasetConfigs(given['dataset_configs']),
    dataset_query_variable: given['dataset_query_variable'] ?? null,
    text_to_speech: spoken(given['text_to_speech']),
    sensitive_word_avoidance: switched(given['sensitive_word_avoidance']),
    ...(mode === 'completion' ? { more_like_this: switched(given['more_like_this']) } : greeting(given)),
  };
};
