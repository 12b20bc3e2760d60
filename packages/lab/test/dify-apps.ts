import { stringify as write } from 'yaml';

/** stringify writes YAML 1.1, which Dify reads. */
const stringify = (content: object): string => write(content, { version: '1.1' });

type Node = Readonly<Record<string, unknown>> & { readonly type: string };

/** node makes one node of a graph; its title is its id unless given. */
export const node = (id: string, data: Node, more: object = {}): object => ({
  id,
  type: 'custom',
  position: { x: 0, y: 0 },
  data: { title: id, desc: '', ...data },
  ...more,
});

/** edge makes one edge of a graph. */
export const edge = (source: string, target: string, sourceHandle = 'source'): object => ({
  id: `${source}-${sourceHandle}-${target}`,
  type: 'custom',
  source,
  sourceHandle,
  target,
  targetHandle: 'target',
  data: {},
});

/** chain joins nodes in a row. */
export const chain = (...ids: string[]): object[] => ids.slice(1).map((id, index) => edge(ids[index] ?? '', id));

/** file writes a DSL file of a workflow or chatflow. */
export const file = (
  mode: 'workflow' | 'advanced-chat',
  nodes: readonly object[],
  edges: readonly object[],
  more: { readonly version?: string; readonly name?: string; readonly workflow?: object } = {},
): string =>
  stringify({
    version: more.version ?? '0.5.0',
    kind: 'app',
    app: { name: more.name ?? 'Lab app', mode, icon: '🤖', icon_background: '#FFEAD5', description: '' },
    dependencies: [],
    workflow: { graph: { nodes, edges }, features: {}, environment_variables: [], conversation_variables: [], ...more.workflow },
  });

/** model is the data of an LLM node. */
export const model = (title: string, prompt = '{{#sys.query#}}'): Node => ({
  type: 'llm',
  title,
  model: { provider: 'langgenius/openai/openai', name: 'gpt-4o', mode: 'chat', completion_params: {} },
  prompt_template: [{ role: 'user', text: prompt }],
  context: { enabled: false, variable_selector: [] },
});

/** chatflow is a chatflow of one model call between start and answer. */
export const chatflow = (title = '回答', answer = 'Bot says: {{#llm.text#}}', version?: string): string =>
  file(
    'advanced-chat',
    [node('start', { type: 'start', variables: [] }), node('llm', model(title)), node('answer', { type: 'answer', answer })],
    chain('start', 'llm', 'answer'),
    version === undefined ? {} : { version },
  );

/** workflow is a workflow of one model call, with one required input. */
export const workflow = (title = 'Summary', more: object = {}): string =>
  file(
    'workflow',
    [
      node('start', {
        type: 'start',
        variables: [{ variable: 'topic', label: 'Topic', type: 'text-input', required: true, max_length: 48, options: [] }],
      }),
      node('llm', model(title, 'About {{#start.topic#}}')),
      node('end', { type: 'end', outputs: [{ variable: 'result', value_selector: ['llm', 'text'] }] }),
    ],
    chain('start', 'llm', 'end'),
    { workflow: more },
  );

/** chatApp is a chat app without a workflow. */
export const chatApp = (mode: 'chat' | 'agent-chat' | 'completion' = 'chat'): string =>
  stringify({
    version: '0.5.0',
    kind: 'app',
    app: { name: 'Plain chat', mode, icon: '🤖', icon_background: '#FFEAD5', description: '' },
    dependencies: [],
    model_config: {
      model: { provider: 'langgenius/openai/openai', name: 'gpt-4o', mode: 'chat', completion_params: {} },
      pre_prompt: 'Be brief.',
      user_input_form: [{ 'text-input': { variable: 'city', label: 'City', required: true, max_length: 10 } }],
    },
  });
