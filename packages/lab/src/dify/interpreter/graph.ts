import { fields, isFields, items, text, type Fields } from '../reading.ts';

/** GraphNode is one node that can run; notes are none. */
export interface GraphNode {
  readonly id: string;
  readonly type: string;
  readonly title: string;
  readonly fields: Fields;
}

/** GraphEdge leads from one handle of a node to another node. */
export interface GraphEdge {
  readonly source: string;
  readonly handle: string;
  readonly target: string;
}

/** Graph is a workflow's graph, checked, with the node where this pass over it begins. */
export interface Graph {
  readonly nodes: ReadonlyMap<string, GraphNode>;
  readonly edges: readonly GraphEdge[];
  readonly root: GraphNode;
  readonly outgoing: (id: string) => readonly GraphEdge[];
  readonly incoming: (id: string) => readonly GraphEdge[];
}

/** nodeTypes are the types that Dify 1.12.1 knows (core/workflow/enums.py). */
export const nodeTypes: ReadonlySet<string> = new Set([
  'start', 'end', 'answer', 'llm', 'knowledge-retrieval', 'knowledge-index', 'if-else', 'code', 'template-transform',
  'question-classifier', 'http-request', 'tool', 'datasource', 'variable-aggregator', 'variable-assigner', 'loop',
  'loop-start', 'loop-end', 'iteration', 'iteration-start', 'parameter-extractor', 'assigner', 'document-extractor',
  'list-operator', 'agent', 'trigger-webhook', 'trigger-schedule', 'trigger-plugin', 'human-input',
]);

const startTypes = new Set(['start', 'datasource', 'trigger-webhook', 'trigger-schedule', 'trigger-plugin']);
const containerEntries = new Set(['iteration-start', 'loop-start']);

/** isTrigger says whether a node type starts a workflow from outside. */
export const isTrigger = (type: string): boolean => type.startsWith('trigger-');

const readNodes = (config: Fields): Map<string, GraphNode> => {
  const nodes = new Map<string, GraphNode>();
  for (const node of items(config['nodes'])) {
    const config = fields(node);
    if (config['type'] === 'custom-note') continue;
    const inner = fields(config['data']);
    nodes.set(text(config['id']), { id: text(config['id']), type: text(inner['type']), title: text(inner['title']), fields: inner });
  }
  return nodes;
};

const readEdges = (config: Fields): GraphEdge[] =>
  items(config['edges'])
    .map(fields)
    .filter((edge) => typeof edge['source'] === 'string' && typeof edge['target'] === 'string')
    .filter((edge) => edge['sourceHandle'] === undefined || typeof edge['sourceHandle'] === 'string')
    .map((edge) => ({
      source: text(edge['source']),
      target: text(edge['target']),
      handle: text(edge['sourceHandle'] ?? 'source'),
    }));

const findRoot = (nodes: ReadonlyMap<string, GraphNode>, edges: readonly GraphEdge[]): GraphNode | undefined => {
  const targets = new Set(edges.map((edge) => edge.target));
  const candidates = [...nodes.values()].filter((node) => !targets.has(node.id));
  return candidates.find((node) => startTypes.has(node.type)) ?? candidates[0];
};

const complaints = (nodes: ReadonlyMap<string, GraphNode>, edges: readonly GraphEdge[], root: GraphNode): string[] => {
  const found: string[] = [];
  for (const [index, edge] of edges.entries()) {
    if (!nodes.has(edge.source)) found.push(`[MISSING_NODE] Edge edge_${index} references unknown source node '${edge.source}'.`);
    if (!nodes.has(edge.target)) found.push(`[MISSING_NODE] Edge edge_${index} references unknown target node '${edge.target}'.`);
  }
  if (!startTypes.has(root.type) && !containerEntries.has(root.type)) {
    found.push(`[INVALID_ROOT] Root node '${root.id}' must declare execution type 'root'.`);
  }
  const start = [...nodes.values()].findLast((node) => node.type === 'start');
  const triggers = [...nodes.values()].filter((node) => isTrigger(node.type)).map((node) => node.id);
  if (start !== undefined && triggers.length > 0) {
    found.push(`[TRIGGER_START_NODE_CONFLICT] UserInput (start) node '${start.id}' cannot coexist with trigger nodes: ${triggers.join(', ')}.`);
  }
  return found;
};

/** edgesBy groups edges by the node at one of their ends. */
const edgesBy = (end: 'source' | 'target', edges: readonly GraphEdge[]): ReadonlyMap<string, readonly GraphEdge[]> => {
  const groups = new Map<string, GraphEdge[]>();
  for (const edge of edges) {
    const group = groups.get(edge[end]);
    if (group === undefined) groups.set(edge[end], [edge]);
    else group.push(edge);
  }
  return groups;
};

/**
 * buildGraph checks a graph as Dify does before each run and each pass of a container
 * (1.12.1, core/workflow/graph/graph.py and validation.py); a string is its complaint.
 * An iteration of DSL 0.1.0, which names an ordinary node as its start, is refused there, too.
 */
export const buildGraph = (config: Fields, rootId?: string): Graph | string => {
  if (!('nodes' in config) || !('edges' in config)) return 'nodes or edges not found in workflow graph';
  if (!items(config['nodes']).some(isFields)) return 'Graph must have at least one node';
  const nodes = readNodes(config);
  const edges = readEdges(config);
  const root = rootId === undefined ? findRoot(nodes, edges) : nodes.get(rootId);
  if (root === undefined) {
    return rootId === undefined ? 'Unable to determine root node ID' : `Root node id ${rootId} not found in the graph`;
  }
  for (const node of nodes.values()) {
    if (!nodeTypes.has(node.type)) return `Unknown node type: ${node.type}`;
  }
  const found = complaints(nodes, edges, root);
  if (found.length > 0) return found.join('; ');
  const [bySource, byTarget] = [edgesBy('source', edges), edgesBy('target', edges)];
  return {
    nodes,
    edges,
    root,
    outgoing: (id) => bySource.get(id) ?? [],
    incoming: (id) => byTarget.get(id) ?? [],
  };
};
