import { randomUUID } from 'node:crypto';
import type { Dialect } from './dialect.ts';
import { filledFeatures } from './features.ts';
import { isTrigger, nodeTypes } from './interpreter/graph.ts';
import { fields, items, text, type Fields } from './reading.ts';
import type { App, Workflow } from './store.ts';
import { keepHidden, type Variable } from './variables.ts';

/** structureComplaint is all that Dify checks of a graph when it is imported, synced or published (1.12.1, workflow_service.py). */
export const structureComplaint = (graph: Fields, dialect: Dialect): string | undefined => {
  if (dialect.hasTriggers && !Array.isArray(graph['nodes'])) return 'nodes not found in workflow graph';
  const types = items(graph['nodes'])
    .map((node) => text(fields(fields(node)['data'])['type']))
    .filter((type) => type !== '');
  const unknown = types.find((type) => !nodeTypes.has(type));
  if (unknown !== undefined && dialect.knowsNodeTypes) return `'${unknown}' is not a valid NodeType`;
  return dialect.hasTriggers && types.includes('start') && types.some(isTrigger) ? 'Start node and trigger nodes cannot coexist in the same workflow' : undefined;
};

/** DraftContent is what a sync or an import puts into a draft. */
export interface DraftContent {
  readonly graph: Fields;
  readonly features: Fields;
  readonly environment: readonly Variable[];
  readonly conversation: readonly Variable[];
}

/** writeDraft replaces an app's draft; the draft keeps its id, and hidden secrets their value. */
export const writeDraft = (app: App, content: DraftContent): Workflow => {
  const now = Date.now();
  const draft: Workflow = {
    id: app.draft?.id ?? randomUUID(),
    version: 'draft',
    ...content,
    features: filledFeatures(app.mode, content.features),
    environment: keepHidden(content.environment, app.draft?.environment ?? []),
    markedName: '',
    markedComment: '',
    createdAt: app.draft?.createdAt ?? now,
    updatedAt: now,
    updated: app.draft !== undefined,
  };
  app.draft = draft;
  return draft;
};
