import type { Dialect } from './dialect.ts';
import { encryptDataset, writeDsl } from './dsl.ts';
import { modelConfigFields } from './modelConfig.ts';
import { fields, isFields, items, texts, type Fields } from './reading.ts';
import { isWorkflowMode, type App, type Workflow } from './store.ts';
import { needed } from './workspace.ts';
import { exportedVariable } from './variables.ts';

const withoutCredential = (value: unknown): unknown => {
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== 'credential_id'));
};

const agentParameters = (given: Fields): Fields => {
  const tools = fields(given['tools']);
  return isFields(given['tools']) ? { ...given, tools: { ...tools, value: items(tools['value']).map(withoutCredential) } } : given;
};

const exportedNode = (node: unknown, workspace: string, secrets: boolean, { datasetIds }: Dialect): unknown => {
  const inner = fields(fields(node)['data']);
  const changed = (more: Fields): Fields => ({ ...fields(node), data: { ...inner, ...more } });
  switch (inner['type']) {
    case 'knowledge-retrieval':
      return datasetIds === 'plain' ? node : changed({ dataset_ids: texts(inner['dataset_ids']).map((id) => encryptDataset(id, workspace)) });
    case 'tool': return secrets ? node : { ...fields(node), data: withoutCredential(inner) };
    case 'agent': return secrets ? node : changed({ agent_parameters: agentParameters(fields(inner['agent_parameters'])) });
    case 'trigger-schedule':
      return changed({ config: { frequency: 'daily', visual_config: { time: '12:00 AM', weekdays: ['sun'], on_minute: 0, monthly_days: [1] }, timezone: 'UTC' } });
    case 'trigger-webhook': return changed({ webhook_url: '', webhook_debug_url: '' });
    case 'trigger-plugin': return changed({ subscription_id: '' });
    default: return node;
  }
};

const exportedWorkflow = (workflow: Workflow, workspace: string, secrets: boolean, dialect: Dialect): Fields => ({
  graph: { ...workflow.graph, nodes: items(workflow.graph['nodes']).map((node) => exportedNode(node, workspace, secrets, dialect)) },
  features: workflow.features,
  environment_variables: workflow.environment.map((variable) => exportedVariable(variable, secrets)),
  conversation_variables: workflow.conversation.map((variable) => exportedVariable(variable, true)),
  rag_pipeline_variables: [],
});

const iconOf = (app: App, { losesIcons }: Dialect): Fields => {
  const isImage = app.iconType === 'image';
  if (losesIcons === 'none') return { icon: app.icon, icon_type: app.iconType, icon_background: app.iconBackground };
  const robot = isImage === (losesIcons === 'images');
  return { icon: robot ? '🤖' : app.icon, icon_background: isImage ? '#FFEAD5' : app.iconBackground };
};

/** exportDsl writes an app, or one version of it, as a DSL file (Dify 1.12.1, services/app_dsl_service.py); undefined when it has no content yet. */
export const exportDsl = (
  app: App,
  workflow: Workflow | undefined,
  options: { readonly secrets: boolean; readonly workspace: string; readonly dialect: Dialect },
): string | undefined => {
  const head = {
    version: options.dialect.dsl,
    kind: 'app',
    app: {
      name: app.name,
      mode: app.mode,
      ...iconOf(app, options.dialect),
      description: app.description,
      use_icon_as_answer_icon: app.iconAsAnswer,
    },
    ...(options.dialect.checksDependencies ? { dependencies: needed(app.dependencies, workflow?.graph ?? app.modelConfig?.config ?? {}) } : {}),
  };
  if (isWorkflowMode(app.mode)) {
    return workflow === undefined ? undefined : writeDsl({ ...head, workflow: exportedWorkflow(workflow, options.workspace, options.secrets, options.dialect) });
  }
  if (app.modelConfig === undefined) return undefined;
  const config = modelConfigFields(app.modelConfig.config, options.dialect);
  const agentMode = fields(config['agent_mode']);
  return writeDsl({ ...head, model_config: { ...config, agent_mode: { ...agentMode, tools: items(agentMode['tools']).map(withoutCredential) } } });
};
