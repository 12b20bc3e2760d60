import { items, fields, text, texts } from '../reading.ts';
import { markdown } from '../python.ts';
import type { Graph, GraphEdge, GraphNode } from './graph.ts';
import { templateParts, type Pool, type TemplatePart } from './pool.ts';
import type { Run } from './run.ts';

const partsOf = (node: GraphNode): TemplatePart[] => {
  if (node.type === 'answer') return templateParts(text(node.fields['answer']));
  return items(node.fields['outputs'])
    .map((output) => texts(fields(output)['value_selector']))
    .flatMap((selector, index) => (index === 0 ? [{ selector }] : [{ literal: '\n' }, { selector }]));
};

/** Paths are what a responder knows of the walk: which nodes branch, which edges were taken, which nodes are never reached. */
export interface Paths {
  readonly branches: (node: GraphNode) => boolean;
  readonly taken: (edge: GraphEdge) => boolean;
  readonly skipped: (id: string) => boolean;
}

const responds = (node: GraphNode): boolean => node.type === 'answer' || node.type === 'end';

/** written are the variables that a node assigns, in both forms of the assigner. */
const written = (node: GraphNode): readonly string[] =>
  node.type === 'assigner'
    ? [node.fields['assigned_variable_selector'], ...items(node.fields['items']).map((item) => fields(item)['variable_selector'])].map((selector) => texts(selector).join('.'))
    : [];

const oldBarriers = new Set(['answer', 'iteration', 'loop', 'assigner']);

/**
 * Responder streams the texts of answer and end nodes while the graph runs, in the order in which Dify does. A response is
 * open once every branch on a way to it was decided for it; its text then flows as its parts get their values.
 * From 1.9.0 (core/workflow/graph_engine/response_coordinator) one response is open at a time, until its node has ended.
 * Before (core/workflow/nodes/answer/answer_stream_processor.py, nodes/end/end_stream_processor.py) all are, an answer waits
 * for the answers before it, and an end streams the texts of models alone.
 * A reference that is never filled ends the stream there, although the node's own output goes on.
 */
export class Responder {
  readonly #graph: Graph;
  readonly #pool: Pool;
  readonly #run: Run;
  readonly #paths: Paths;
  readonly #next = new Map<string, number>();
  readonly #opened = new Set<string>();
  #open: GraphNode[] = [];

  constructor(graph: Graph, pool: Pool, run: Run, paths: Paths) {
    this.#graph = graph;
    this.#pool = pool;
    this.#run = run;
    this.#paths = paths;
  }

  /** live gives a way to stream a node's text at once, when an open answer waits for exactly that text next. */
  live(node: GraphNode): ((piece: string) => Promise<void>) | undefined {
    if (this.#run.plan.instead !== undefined) return undefined;
    const response = this.#current().find((candidate) => {
      const part = this.#parts(candidate)[this.#next.get(candidate.id) ?? 0];
      return part !== undefined && 'selector' in part && part.selector.length === 2 && part.selector[0] === node.id && part.selector[1] === 'text';
    });
    if (response === undefined) return undefined;
    this.#next.set(response.id, (this.#next.get(response.id) ?? 0) + 1);
    return (piece) => this.#run.say(piece, [node.id, 'text']);
  }

  /** left streams what can flow now that a node has ended and the edges out of it are decided. */
  async left(node: GraphNode): Promise<void> {
    const { instead, speaksEarly } = this.#run.plan;
    if (instead !== undefined) {
      if (responds(node)) await this.#run.say(instead, [node.id, 'answer']);
      return;
    }
    for (const response of this.#reached()) {
      if (this.#opened.has(response.id)) continue;
      this.#opened.add(response.id);
      this.#open.push(response);
    }
    for (const response of this.#current()) await this.#advance(response);
    if (!responds(node)) return;
    const wasCurrent = this.#current().includes(node);
    this.#open = this.#open.filter((response) => response !== node);
    if (speaksEarly && wasCurrent) for (const response of this.#current()) await this.#advance(response);
  }

  #current(): readonly GraphNode[] {
    return this.#run.plan.speaksEarly ? this.#open.slice(0, 1) : this.#open;
  }

  #parts(node: GraphNode): readonly TemplatePart[] {
    const parts = partsOf(node);
    if (node.type === 'answer' || this.#run.plan.speaksEarly) return parts;
    return parts.filter((part) => 'selector' in part && part.selector[1] === 'text' && this.#graph.nodes.get(part.selector[0] ?? '')?.type === 'llm');
  }

  async #advance(node: GraphNode): Promise<void> {
    const parts = this.#parts(node);
    for (let index = this.#next.get(node.id) ?? 0; index < parts.length; index += 1) {
      const part = parts[index];
      if (part === undefined) return;
      if ('literal' in part) {
        await this.#run.say(part.literal, [node.id, 'answer']);
      } else {
        const value = this.#pool.get(part.selector);
        if (value === undefined && !this.#paths.skipped(part.selector[0] ?? '')) return;
        if (value !== undefined) await this.#run.say(markdown(value), part.selector);
      }
      this.#next.set(node.id, index + 1);
    }
  }

  #reached(): readonly GraphNode[] {
    return [...this.#graph.nodes.values()].filter((node) => responds(node) && this.#isFree(node));
  }

  /** isFree says whether a way to a response is free: no open branch lies on it, and nothing that still writes what the response reads. */
  #isFree(response: GraphNode): boolean {
    const read = new Set(partsOf(response).flatMap((part) => ('selector' in part ? [part.selector.join('.')] : [])));
    const seen = new Set<string>();
    const waiting = [this.#graph.root];
    for (let node = waiting.shift(); node !== undefined; node = waiting.shift()) {
      if (node === response) return true;
      if (seen.has(node.id)) continue;
      seen.add(node.id);
      const isBarrier = this.#run.plan.speaksEarly ? written(node).some((selector) => read.has(selector)) : oldBarriers.has(node.type);
      const waits = isBarrier || this.#paths.branches(node);
      for (const edge of this.#graph.outgoing(node.id)) {
        const target = this.#graph.nodes.get(edge.target);
        if (target !== undefined && (!waits || this.#paths.taken(edge))) waiting.push(target);
      }
    }
    return false;
  }
}
