/** GraphNode is a step of an application's flow. */
export interface GraphNode {
  readonly id: string;
  /** name is the title that people gave it. */
  readonly name: string;
  /** kind is the platform's word, such as `llm`. */
  readonly kind: string;
  /** inside is the id of the container that holds it; absent at the top. */
  readonly inside?: string;
}

/** GraphEdge leads from one node to another. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** label is the branch that it belongs to, for people; absent where there is one way only. */
  readonly label?: string;
}

/** SourceGraph is an application's flow, for pictures of it; ids are unique and every edge has both of its ends. */
export interface SourceGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}
