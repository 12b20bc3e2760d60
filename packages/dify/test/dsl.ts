import { renderDsl } from '../src/source/render.ts';
import { parse } from '../src/source/parse.ts';
import { DifySource } from '../src/source/source.ts';

export interface Dsl {
  version?: unknown;
  kind?: unknown;
  app?: Record<string, unknown>;
  workflow?: {
    graph?: { nodes: Record<string, unknown>[]; edges: Record<string, unknown>[]; viewport?: unknown };
    features: Record<string, unknown>;
    environment_variables: Record<string, unknown>[];
    conversation_variables: Record<string, unknown>[];
  };
  model_config?: Record<string, unknown>;
}

export const node = (id: string, type: string, data: Record<string, unknown> = {}, outer: Record<string, unknown> = {}) => ({
  id,
  type: 'custom',
  position: { x: 1, y: 2 },
  data: { type, title: `Node ${id}`, desc: '', selected: false, ...data },
  ...outer,
});

export const edge = (source: string, target: string, sourceHandle = 'source') => ({
  id: `${source}-${target}`,
  type: 'custom',
  source,
  sourceHandle,
  target,
  targetHandle: 'target',
});

export const secretId = '7f1b7c52-3f0e-4f0b-9a55-1d2f6e0c8b41';

/** chatflow is a small app that has one of everything that tests change. */
export const chatflow = (): Required<Pick<Dsl, 'app' | 'workflow'>> & Dsl => ({
  version: '0.3.0',
  kind: 'app',
  app: { name: 'tiny', mode: 'advanced-chat', description: '', icon: 'x', icon_background: '#fff' },
  workflow: {
    graph: {
      nodes: [
        node('start', 'start', { variables: [{ variable: 'city', label: 'City', type: 'text-input', required: true, max_length: 48 }] }),
        node('llm', 'llm', {
          model: { provider: 'langgenius/openai/openai', name: 'gpt-4o', mode: 'chat', completion_params: { temperature: 0.2 } },
          prompt_template: [{ role: 'system', text: 'You are in {{#start.city#}}. 请用中文回答。' }],
          context: { enabled: false, variable_selector: ['gone', 'result'] },
          vision: { enabled: false },
        }),
        node('answer', 'answer', { answer: '{{#llm.text#}}', variables: [] }),
      ],
      edges: [edge('start', 'llm'), edge('llm', 'answer')],
      viewport: { x: 0, y: 0, zoom: 1 },
    },
    features: { opening_statement: 'Hi', file_upload: { enabled: false } },
    environment_variables: [
      { id: secretId, name: 'TOKEN', value_type: 'secret', value: '', description: '', selector: ['env', 'TOKEN'] },
      { id: '2c6a9f0d-8f57-4f36-8a1b-5b9f0e7d3c22', name: 'URL', value_type: 'string', value: 'https://a.example', description: '', selector: ['env', 'URL'] },
      { id: '3c6a9f0d-8f57-4f36-8a1b-5b9f0e7d3c22', name: 'LIMIT', value_type: 'number', value: 3, description: '', selector: ['env', 'LIMIT'] },
    ],
    conversation_variables: [],
  },
});

export const workflowApp = (): Dsl => {
  const dsl = chatflow();
  return {
    ...dsl,
    app: { ...dsl.app, mode: 'workflow' },
    workflow: {
      ...dsl.workflow,
      graph: {
        nodes: [...(dsl.workflow.graph?.nodes.slice(0, 2) ?? []), node('end', 'end', { outputs: [{ variable: 'text', value_selector: ['llm', 'text'] }] })],
        edges: [edge('start', 'llm'), edge('llm', 'end')],
      },
    },
  };
};

export const chatApp = (): Dsl => ({
  version: '0.3.0',
  kind: 'app',
  app: { name: 'old', mode: 'chat', description: '', icon: 'x', icon_background: '#fff' },
  model_config: {
    model: { provider: 'langgenius/openai/openai', name: 'gpt-4o', mode: 'chat', completion_params: {} },
    pre_prompt: 'Be brief.',
    user_input_form: [{ select: { variable: 'tone', label: 'Tone', required: true, options: ['warm', 'cool'], default: 'warm' } }],
    opening_statement: '',
  },
});

export const textOf = (dsl: Dsl): string => renderDsl({ ...dsl });

export const findingsOf = (dsl: Dsl) => parse({ path: 'app.yml', folder: '', text: textOf(dsl) }).findings;

export const sourceOf = (dsl: Dsl): DifySource => {
  const parsed = parse({ path: 'app.yml', folder: '', text: textOf(dsl) });
  if (parsed.source instanceof DifySource) return parsed.source;
  throw new Error(parsed.findings.map((finding) => finding.message).join(' '));
};
