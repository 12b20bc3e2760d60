import { isMapping, listOf, mappingOf, textOf, type Mapping } from './shape.ts';

/** Mode is the kind of app as Dify names it (Dify 1.12.1, api/models/model.py AppMode). */
export type Mode = 'advanced-chat' | 'workflow' | 'chat' | 'agent-chat' | 'completion';

/** modes are the ones that Sluice can release. */
export const modes: readonly Mode[] = ['advanced-chat', 'workflow', 'chat', 'agent-chat', 'completion'];

/** isMode narrows a text to a mode. */
export const isMode = (value: unknown): value is Mode => modes.some((mode) => mode === value);

/** hasGraph says whether apps of this mode are graphs with drafts and versions. */
export const hasGraph = (mode: Mode): mode is 'advanced-chat' | 'workflow' => mode === 'advanced-chat' || mode === 'workflow';

/** hiddenSecret keeps the stored secret of the variable with the same id (Dify, api/constants HIDDEN_VALUE). */
export const hiddenSecret = '[__HIDDEN__]';

/** GraphNode is one node of a graph with what its shape needs. */
export interface GraphNode {
  readonly id: string;
  /** type is the type in `data`; empty for notes. */
  readonly type: string;
  readonly title: string;
  readonly data: Mapping;
  /** note is true for the coloured notes on the canvas, which do not run. */
  readonly note: boolean;
  /** parent is the id of the iteration or loop that the node lies in; empty in old files and outside. */
  readonly parent: string;
  /** index is the position in the file's list. */
  readonly index: number;
}

/** GraphEdge is one edge of a graph. */
export interface GraphEdge {
  readonly source: string;
  readonly target: string;
  /** handle is the branch that the edge leaves by; `source` where there is only one way out. */
  readonly handle: string;
  readonly index: number;
}

/** graphNodes reads the nodes of a `graph` section. */
export const graphNodes = (graph: unknown): readonly GraphNode[] =>
  listOf(mappingOf(graph)['nodes']).map((item, index) => {
    const node = mappingOf(item);
    const data = mappingOf(node['data']);
    return {
      id: textOf(node['id']),
      type: textOf(data['type']),
      title: textOf(data['title']) || textOf(node['id']),
      data,
      note: node['type'] === 'custom-note',
      parent: textOf(node['parentId']),
      index,
    };
  });

/** graphEdges reads the edges of a `graph` section. */
export const graphEdges = (graph: unknown): readonly GraphEdge[] =>
  listOf(mappingOf(graph)['edges']).map((item, index) => {
    const edge = mappingOf(item);
    return {
      source: textOf(edge['source']),
      target: textOf(edge['target']),
      handle: textOf(edge['sourceHandle']) || 'source',
      index,
    };
  });

/** EnvironmentVariable is one entry of `environment_variables`. */
export interface EnvironmentVariable {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly value: unknown;
  readonly secret: boolean;
}

/** environmentVariables reads the `environment_variables` of a `workflow` section. */
export const environmentVariables = (workflow: unknown): readonly EnvironmentVariable[] =>
  listOf(mappingOf(workflow)['environment_variables'])
    .filter(isMapping)
    .map((variable) => ({
      id: textOf(variable['id']),
      name: textOf(variable['name']),
      type: textOf(variable['value_type']),
      value: variable['value'],
      secret: variable['value_type'] === 'secret',
    }));
