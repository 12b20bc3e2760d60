import { fields, items, text, type Fields } from '../reading.ts';
import { announce } from './announce.ts';
import { assignerNode } from './assigner.ts';
import { iterationNode, loopNode } from './containers.ts';
import type { Graph, GraphEdge, GraphNode } from './graph.ts';
import { listOperatorNode } from './listOperator.ts';
import { aggregatorNode, answerNode, endNode, ifElseNode, isPlainTemplate, startNode, templateNode } from './plainNodes.ts';
import type { Pool } from './pool.ts';
import { Responder } from './responder.ts';
import { stepLimit, type NodeResult, type Run, type Within } from './run.ts';
import { callsModel, standIn, type StandIn } from './standIns.ts';
import { usageFields } from './usage.ts';

/** GraphResult is how one pass over a graph ended; without an error it went well. */
export interface GraphResult {
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly error?: string;
  readonly injected?: true;
  readonly ended?: true;
}

/** Scope is what a node sees of the pass that it runs in. */
export interface Scope {
  readonly config: Fields;
  readonly pool: Pool;
  readonly run: Run;
  readonly runGraph: (graph: Graph, pool: Pool, within: Within) => Promise<GraphResult>;
}

const injectedError = '[lab] Server Unavailable Error: the model did not answer.';

const branches = (node: GraphNode): boolean =>
  node.type === 'if-else' || node.type === 'question-classifier' || node.fields['error_strategy'] === 'fail-branch';

/** pieces cuts a text as a model streams it, a few words or characters at a time. */
const pieces = (said: string): readonly string[] => said.match(/[\s\S]{1,12}/gu) ?? [];

/** Walk is one pass over one graph: nodes run one after the other, as soon as all edges into them are decided and one is taken. */
class Walk {
  readonly #graph: Graph;
  readonly #scope: Scope;
  readonly #within: Within | undefined;
  readonly #responder: Responder;
  readonly #edges = new Map<GraphEdge, 'taken' | 'skipped'>();
  readonly #skipped = new Set<string>();
  readonly #ready: GraphNode[];
  readonly #outputs: Record<string, unknown> = {};
  #ended = false;

  constructor(graph: Graph, scope: Scope, within: Within | undefined) {
    this.#graph = graph;
    this.#scope = scope;
    this.#within = within;
    this.#ready = [graph.root];
    this.#responder = new Responder(graph, scope.pool, scope.run, {
      branches,
      taken: (edge) => this.#edges.get(edge) === 'taken',
      skipped: (id) => this.#skipped.has(id),
    });
  }

  async go(): Promise<GraphResult> {
    const { run } = this.#scope;
    for (let node = this.#ready.shift(); node !== undefined; node = this.#ready.shift()) {
      if (run.ports.stopped()) break;
      run.steps += 1;
      if (run.steps > stepLimit) {
        return { error: `Maximum execution steps exceeded: ${run.steps} > ${stepLimit}`, outputs: this.#outputs };
      }
      const failure = await this.#visit(node);
      if (failure !== undefined) return { ...failure, outputs: this.#outputs };
      if (this.#ended) break;
    }
    return { outputs: this.#outputs, ...(this.#ended ? { ended: true } : {}) };
  }

  async #visit(node: GraphNode): Promise<{ error: string; injected?: true } | undefined> {
    const { run, pool } = this.#scope;
    const finish = announce(node, run, this.#within);
    let result = await this.#execute(node);
    let status = 'succeeded';
    let error: string | null = null;
    if ('error' in result) {
      error = result.error;
      const fallback = result.injected === true ? undefined : this.#fallback(node, result.error);
      if (fallback === undefined) {
        finish('failed', {}, result.error);
        return result;
      }
      run.exceptions += 1;
      status = 'exception';
      result = fallback;
    }
    for (const [name, value] of Object.entries(result.outputs)) pool.set(node.id, name, value);
    if (result.usage !== undefined) run.spend(result.usage);
    if (node.type === 'answer' || node.type === 'end') this.#collect(result.outputs);
    if (result.ends === true) this.#ended = true;
    if (!run.plan.speaksEarly) finish(status, result, error);
    this.#leave(node, result.handle ?? 'source');
    await this.#responder.left(node);
    if (run.plan.speaksEarly) finish(status, result, error);
    return undefined;
  }

  async #execute(node: GraphNode): Promise<NodeResult> {
    const { run, pool } = this.#scope;
    const responds = node.type === 'answer' || node.type === 'end';
    if (run.plan.failing && (responds || callsModel(node.type))) {
      if (callsModel(node.type)) await run.ports.wait(run.plan.latencyMs * run.ports.jitter());
      return { error: injectedError, injected: true };
    }
    switch (node.type) {
      case 'start': case 'trigger-webhook': case 'trigger-schedule': case 'trigger-plugin': case 'datasource':
        return startNode(pool);
      case 'end': return endNode(node, pool, run);
      case 'answer': return answerNode(node, pool, run);
      case 'if-else': return ifElseNode(node, pool);
      case 'variable-aggregator': case 'variable-assigner': return aggregatorNode(node, pool);
      case 'assigner': return assignerNode(node, pool);
      case 'list-operator': return listOperatorNode(node, pool);
      case 'iteration': return iterationNode(node, this.#scope);
      case 'loop': return loopNode(node, this.#scope);
      case 'iteration-start': case 'loop-start': return { outputs: {} };
      case 'loop-end': return { outputs: {}, ends: true };
      case 'template-transform':
        if (isPlainTemplate(text(node.fields['template']))) return templateNode(node, pool);
        return this.#standIn(node);
      default: return this.#standIn(node);
    }
  }

  async #standIn(node: GraphNode): Promise<NodeResult> {
    const { run, pool } = this.#scope;
    const made = standIn(node, pool, run.query, run.plan.tokens);
    run.ports.standIn(`${node.type} "${node.title}"`);
    if (!callsModel(node.type)) return made;
    const startedAt = performance.now();
    const latency = run.plan.latencyMs * run.ports.jitter();
    const say = this.#responder.live(node);
    const [first, ...rest] = pieces(text(made.outputs['text']));
    await run.ports.wait(latency / 2);
    if (say !== undefined && first !== undefined) await say(first);
    await run.ports.wait(latency / 2);
    // Dify closes a model's stream with an empty piece.
    if (say !== undefined) for (const piece of [...rest, '']) await say(piece);
    return this.#measured(made, (performance.now() - startedAt) / 1000);
  }

  #measured(made: StandIn, latencySeconds: number): NodeResult {
    if (made.usage === undefined) return made;
    const usage = { ...made.usage, latencySeconds: Number(latencySeconds.toFixed(3)) };
    return { ...made, outputs: { ...made.outputs, usage: usageFields(usage, this.#scope.run.plan.timesFirstToken) }, usage };
  }

  #fallback(node: GraphNode, error: string): Exclude<NodeResult, { error: string }> | undefined {
    const outputs = { error_message: error, error_type: 'ValueError' };
    if (node.fields['error_strategy'] === 'fail-branch') return { outputs, handle: 'fail-branch' };
    if (node.fields['error_strategy'] !== 'default-value') return undefined;
    const defaults = items(node.fields['default_value']).map(fields);
    return { outputs: { ...Object.fromEntries(defaults.map((item) => [text(item['key']), item['value']])), ...outputs } };
  }

  #collect(outputs: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(outputs)) {
      const before = this.#outputs[name];
      this.#outputs[name] = name === 'answer' && typeof before === 'string' ? `${before}${String(value)}` : value;
    }
  }

  #leave(node: GraphNode, handle: string): void {
    const outgoing = this.#graph.outgoing(node.id);
    const isTaken = (edge: GraphEdge): boolean => !branches(node) || edge.handle === handle;
    for (const edge of outgoing.filter((edge) => !isTaken(edge))) this.#decide(edge, 'skipped');
    for (const edge of outgoing.filter(isTaken)) this.#decide(edge, 'taken');
  }

  #decide(edge: GraphEdge, state: 'taken' | 'skipped'): void {
    this.#edges.set(edge, state);
    const states = this.#graph.incoming(edge.target).map((incoming) => this.#edges.get(incoming));
    const target = this.#graph.nodes.get(edge.target);
    if (target === undefined || states.includes(undefined)) return;
    if (states.includes('taken')) {
      this.#ready.push(target);
      return;
    }
    this.#skipped.add(target.id);
    for (const next of this.#graph.outgoing(target.id)) this.#decide(next, 'skipped');
  }
}

/** runGraph walks a graph to its end. Nodes of containers run inside their container alone. */
export const runGraph = (graph: Graph, config: Fields, pool: Pool, run: Run, within?: Within): Promise<GraphResult> =>
  new Walk(
    graph,
    { config, pool, run, runGraph: (inner, innerPool, place) => runGraph(inner, config, innerPool, run, place) },
    within,
  ).go();
