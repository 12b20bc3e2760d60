import { items, fields, text, texts } from '../reading.ts';
import { markdown } from '../python.ts';
import type { Graph, GraphNode } from './graph.ts';
import { templateParts, type Pool, type TemplatePart } from './pool.ts';
import type { Run } from './run.ts';

const partsOf = (node: GraphNode): TemplatePart[] => {
  if (node.type === 'answer') return templateParts(text(node.fields['answer']));
  return items(node.fields['outputs'])
    .map((output) => texts(fields(output)['value_selector']))
    .flatMap((selector, index) => (index === 0 ? [{ selector }] : [{ literal: '\n' }, { selector }]));
};

/**
 * Responder streams the texts of answer and end nodes while the graph runs, in the order in which Dify does
 * (1.12.1, core/workflow/graph_engine/response_coordinator): a model's text flows before the answer node has begun, if nothing
 * but straight edges lies between. A reference that is never filled ends the stream there, although the node's own output goes on.
 */
export class Responder {
  readonly #graph: Graph;
  readonly #pool: Pool;
  readonly #run: Run;
  readonly #branches: (node: GraphNode) => boolean;
  readonly #skipped: (id: string) => boolean;
  readonly #next = new Map<string, number>();

  constructor(graph: Graph, pool: Pool, run: Run, branches: (node: GraphNode) => boolean, skipped: (id: string) => boolean) {
    this.#graph = graph;
    this.#pool = pool;
    this.#run = run;
    this.#branches = branches;
    this.#skipped = skipped;
  }

  /** live gives a way to stream a node's text at once, when an answer waits for exactly that text next. */
  async live(node: GraphNode): Promise<((piece: string) => Promise<void>) | undefined> {
    if (this.#run.plan.instead !== undefined) return undefined;
    const response = this.#reached(node);
    if (response === undefined) return undefined;
    await this.#advance(response);
    const part = partsOf(response)[this.#next.get(response.id) ?? 0];
    if (part === undefined || 'literal' in part || part.selector.length !== 2) return undefined;
    if (part.selector[0] !== node.id || part.selector[1] !== 'text') return undefined;
    this.#next.set(response.id, (this.#next.get(response.id) ?? 0) + 1);
    const { selector } = part;
    return (piece) => this.#run.say(piece, selector);
  }

  /** finish streams what is left of an answer or end node. */
  async finish(node: GraphNode): Promise<void> {
    const { instead } = this.#run.plan;
    if (instead === undefined) await this.#advance(node);
    else await this.#run.say(instead, [node.id, 'answer']);
  }

  async #advance(node: GraphNode): Promise<void> {
    const parts = partsOf(node);
    for (let index = this.#next.get(node.id) ?? 0; index < parts.length; index += 1) {
      const part = parts[index];
      if (part === undefined) return;
      if ('literal' in part) {
        await this.#run.say(part.literal, [node.id, 'answer']);
      } else {
        const value = this.#pool.get(part.selector);
        if (value === undefined && !this.#skipped(part.selector[0] ?? '')) return;
        if (value !== undefined) await this.#run.say(markdown(value), part.selector);
      }
      this.#next.set(node.id, index + 1);
    }
  }

  #reached(from: GraphNode): GraphNode | undefined {
    const seen = new Set<string>();
    const waiting = [from];
    for (let node = waiting.shift(); node !== undefined; node = waiting.shift()) {
      if (seen.has(node.id)) continue;
      seen.add(node.id);
      if (node !== from && (node.type === 'answer' || node.type === 'end')) return node;
      if (this.#branches(node)) continue;
      for (const edge of this.#graph.outgoing(node.id)) {
        const target = this.#graph.nodes.get(edge.target);
        if (target !== undefined) waiting.push(target);
      }
    }
    return undefined;
  }
}
