/** tokenId is the id of the apps' secret, the same in every file, so that a later import can keep its value. */
export const tokenId = '0b8f3f0e-52c5-4b0e-8b64-1d3a36a1f001';

/** wordId is the id of the apps' plain environment variable. */
export const wordId = '0b8f3f0e-52c5-4b0e-8b64-1d3a36a1f002';

/** icon is the icon of the apps, which one release loses in an export. */
export const icon = '🛟';

const node = (id: string, data: string): string => `      - id: ${id}\n        type: custom\n        position: {x: 0, y: 0}\n        data: ${data}\n`;

const edge = (source: string, target: string, handle = 'source'): string =>
  `      - {id: ${source}-${target}, type: custom, source: ${source}, sourceHandle: ${handle}, target: ${target}, targetHandle: target}\n`;

const branch = (selector: string): string =>
  `{type: if-else, title: Fails, cases: [{id: 'true', case_id: 'true', logical_operator: and, conditions: [{id: c1, varType: string, variable_selector: ${selector}, comparison_operator: contains, value: fail}]}]}`;

// A list operator on a variable that nobody sets fails by itself: no model, sandbox or network is needed.
const failing =
  '{type: list-operator, title: Breaks, variable: [nowhere, nothing], var_type: "array[string]", item_var_type: string, filter_by: {enabled: false, conditions: []}, order_by: {enabled: false, key: "", value: asc}, limit: {enabled: false, size: 10}, extract_by: {enabled: false, serial: "1"}}';

/** Options of an app's file. */
export interface AppOptions {
  /** dsl is the file's version. */
  readonly dsl: string;
  readonly name: string;
  /** says is what the app answers, so that versions can be told apart. */
  readonly says: string;
  readonly secret?: string;
}

const head = (mode: string, { dsl, name }: AppOptions): string => `version: '${dsl}'
kind: app
dependencies: []
app:
  name: ${name}
  mode: ${mode}
  description: 'made by a contract test 契约'
  icon: ${icon}
  icon_type: emoji
  icon_background: '#E4FBCC'
  use_icon_as_answer_icon: false
`;

const variables = ({ says, secret = 'first-secret' }: AppOptions): string => `  environment_variables:
    - {id: ${tokenId}, name: TOKEN, value_type: secret, value: '${secret}', description: ''}
    - {id: ${wordId}, name: SAYS, value_type: string, value: '${says}', description: 'what it says'}
`;

/** workflowDsl is a workflow app: its outputs are its word and what it says, and fails when the word contains "fail". */
export const workflowDsl = (options: AppOptions): string => `${head('workflow', options)}workflow:
${variables(options)}  conversation_variables: []
  features: {}
  graph:
    nodes:
${node('start', '{type: start, title: Start, variables: [{variable: word, label: Word, type: text-input, required: true, max_length: 20}]}')}${node('branch', branch('[start, word]'))}${node('break', failing)}${node('sums', '{type: variable-aggregator, title: Sums, output_type: string, variables: [[start, word]]}')}${node('end', '{type: end, title: End, outputs: [{variable: word, value_selector: [sums, output], value_type: string}, {variable: says, value_selector: [env, SAYS], value_type: string}]}')}${node('late', '{type: end, title: Late, outputs: []}')}    edges:
${edge('start', 'branch')}${edge('branch', 'break', "'true'")}${edge('branch', 'sums', "'false'")}${edge('sums', 'end')}${edge('break', 'late')}    viewport: {x: 0, y: 0, zoom: 1}
`;

/** chatflowDsl is a chatflow: it answers what it says and the query, and fails when the query contains "fail". */
export const chatflowDsl = (options: AppOptions): string => `${head('advanced-chat', options)}workflow:
${variables(options)}  conversation_variables:
    - {id: 0b8f3f0e-52c5-4b0e-8b64-1d3a36a1f003, name: topic, value_type: string, value: none, description: ''}
  features: {opening_statement: 'Hello 你好', suggested_questions: [], retriever_resource: {enabled: false}}
  graph:
    nodes:
${node('start', '{type: start, title: Start, variables: []}')}${node('branch', branch('[sys, query]'))}${node('break', failing)}${node('answer', `{type: answer, title: Answer, variables: [], answer: '${options.says}: {{#sys.query#}}'}`)}${node('late', `{type: answer, title: Late, variables: [], answer: never}`)}    edges:
${edge('start', 'branch')}${edge('branch', 'break', "'true'")}${edge('branch', 'answer', "'false'")}${edge('break', 'late')}    viewport: {x: 0, y: 0, zoom: 1}
`;

/** knowledgeDsl is a workflow app with a knowledge base and a model, which are never asked: it can be released, not run. */
export const knowledgeDsl = (options: AppOptions, dataset: string, model: Model): string => `${head('workflow', options)}workflow:
${variables(options)}  conversation_variables: []
  features: {}
  graph:
    nodes:
${node('start', '{type: start, title: Start, variables: [{variable: word, label: Word, type: text-input, required: true, max_length: 20}]}')}${node('search', `{type: knowledge-retrieval, title: Search, dataset_ids: ['${dataset}'], query_variable_selector: [start, word], retrieval_mode: multiple, multiple_retrieval_config: {top_k: 3, reranking_enable: false}}`)}${node('llm', `{type: llm, title: Answers, model: {provider: ${model.provider}, name: ${model.name}, mode: chat, completion_params: {}}, prompt_template: [{role: system, text: 'x {{#start.word#}}'}], context: {enabled: false, variable_selector: []}, vision: {enabled: false}}`)}${node('end', '{type: end, title: End, outputs: [{variable: text, value_selector: [llm, text], value_type: string}]}')}    edges:
${edge('start', 'search')}${edge('search', 'llm')}${edge('llm', 'end')}    viewport: {x: 0, y: 0, zoom: 1}
`;

/** Model is the model that apps without a workflow use. */
export interface Model {
  readonly provider: string;
  readonly name: string;
}

/** configurationDsl is an app without a workflow: its prompt says what it says. */
export const configurationDsl = (mode: 'chat' | 'agent-chat' | 'completion', options: AppOptions, { provider, name }: Model): string => `${head(mode, options)}model_config:
  model: {provider: ${provider}, name: ${name}, mode: chat, completion_params: {temperature: 0.1}}
  pre_prompt: 'Always say: ${options.says} {{word}}'
  user_input_form:
    - text-input: {label: Word, variable: word, required: true, max_length: 20, default: ''}
${mode === 'agent-chat' ? '  agent_mode: {enabled: true, strategy: function_call, max_iteration: 5, tools: []}\n' : ''}`;

/** straightDsl is a chatflow without a branch: two answers, with an aggregator between them when `sums` says so. */
export const straightDsl = (options: AppOptions, sums: boolean): string => `${head('advanced-chat', options)}workflow:
${variables({ ...options, says: 'x' })}  conversation_variables: []
  features: {}
  graph:
    nodes:
${node('start', '{type: start, title: Start, variables: []}')}${sums ? node('sums', '{type: variable-aggregator, title: Sums, output_type: string, variables: [[sys, query]]}') : ''}${node('first', `{type: answer, title: First, variables: [], ${options.says}}`)}${node('last', '{type: answer, title: Last, variables: [], answer: last}')}    edges:
${sums ? `${edge('start', 'sums')}${edge('sums', 'first')}` : edge('start', 'first')}${edge('first', 'last')}    viewport: {x: 0, y: 0, zoom: 1}
`;
