import { refuse, type Refused } from '../answer.ts';
import type { Fields } from '../reading.ts';
import type { Dialect } from '../dialect.ts';
import type { State } from '../state.ts';
import { hashOf, type App, type Workflow } from '../store.ts';
import { shownVariable } from '../variables.ts';
import { secondsOf } from './call.ts';

/** versionOf finds a published version of an app: undefined when there is none, a refusal for the draft. */
export const versionOf = (app: App, id: string): Workflow | undefined | Refused => {
  if (app.draft?.id === id) {
    return refuse(
      400,
      'bad_request',
      `Cannot use draft workflow version. Workflow ID: ${id}. Please use a published workflow version or leave workflow_id empty.`,
    );
  }
  return app.versions.find((version) => version.id === id);
};

/** workflowFields writes a draft or version as the console does (Dify 1.12.1, fields/workflow_fields.py). */
export const workflowFields = (workflow: Workflow, { sessions: { account }, dialect, store, workspace }: State): Fields => {
  const by = { id: account.id, name: account.name, email: account.email };
  return {
    id: workflow.id,
    graph: workflow.graph,
    features: workflow.features,
    hash: hashOf(workflow),
    version: workflow.version,
    ...(dialect.versionsHaveNames ? { marked_name: workflow.markedName, marked_comment: workflow.markedComment } : {}),
    created_by: by,
    created_at: secondsOf(workflow.createdAt),
    updated_by: workflow.updated ? by : null,
    updated_at: secondsOf(workflow.updatedAt),
    tool_published: workspace.isTool(store.workflow(workflow.id)?.app.id ?? ''),
    environment_variables: workflow.environment.map((variable) => shownVariable(variable, dialect)),
    conversation_variables: workflow.conversation.map((variable) => shownVariable(variable, dialect)),
    ...(dialect.hasPipelines ? { rag_pipeline_variables: [] } : {}),
  };
};

/** nothingOf is what the console's serializer makes of nothing: every field is there and null, in newer releases null itself. */
export const nothingOf = (dialect: Dialect): Fields | null => {
  if (dialect.nothingIsNull) return null;
  return {
    id: null, graph: null, features: null, hash: null, version: null,
    ...(dialect.versionsHaveNames ? { marked_name: null, marked_comment: null } : {}),
    created_by: { id: null, name: null, email: null }, created_at: null, updated_by: null, updated_at: null, tool_published: null,
    environment_variables: null, conversation_variables: null, ...(dialect.hasPipelines ? { rag_pipeline_variables: null } : {}),
  };
};
