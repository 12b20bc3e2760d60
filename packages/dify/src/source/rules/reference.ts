import { nearest } from '@sluice/core';
import type { GraphNode, Mode } from '../dsl.ts';
import { isAggregator, referencesOf, specialHeads, type Reference } from '../references.ts';
import { listOf, mappingOf, textOf, type Mapping } from '../shape.ts';
import { dataPath, type Graph } from './graph.ts';
import { givesSystem, outputsOf } from './outputs.ts';
import type { Report } from './report.ts';
import { upstreamIn, type Upstream } from './upstream.ts';

/** systemNames are the variables of `sys` (Dify 1.13.3, api/dify_graph/enums.py); the first three exist in conversations alone. */
const systemNames = ['query', 'conversation_id', 'dialogue_count', 'files', 'user_id', 'app_id', 'workflow_id', 'workflow_run_id', 'timestamp', 'invoke_from'] as const;
const conversational: ReadonlySet<string> = new Set(systemNames.slice(0, 3));

/** Specials are the names that each special head has. */
type Specials = Readonly<Record<string, readonly string[]>>;

const variableNames = (list: unknown): readonly string[] => listOf(list).map((item) => textOf(mappingOf(item)['name']));

const specialsOf = (mode: Mode, workflow: Mapping): Specials => ({
  sys: systemNames.filter((name) => mode === 'advanced-chat' || !conversational.has(name)),
  env: variableNames(workflow['environment_variables']),
  conversation: variableNames(workflow['conversation_variables']),
});

/** Use is a reference with the node that it stands in. */
interface Use {
  readonly node: GraphNode;
  readonly reference: Reference;
}

const written = ({ node, names }: Reference): string => [node, ...names].join('.');

const suggestion = (name: string, known: readonly string[]): string | undefined => {
  const near = nearest(name, known);
  if (near !== undefined) return `Did you mean ${near}?`;
  return known.length === 0 ? undefined : `Known here are ${known.slice(0, 20).join(', ')}.`;
};

interface Checked {
  readonly graph: Graph;
  readonly specials: Specials;
  readonly upstream: Upstream | undefined;
  readonly report: Report;
}

/** told reports a reference: an error where the node runs, a warning where it never does. */
const told = ({ graph, report }: Checked, { node, reference }: Use, rule: Parameters<Report>[0], message: string, hint?: string, mildly = false): void => {
  const dead = !graph.reached.has(node.id);
  report(rule, dead || mildly ? 'warning' : 'error', `${message}${dead ? '; the node itself is never reached.' : '.'}`, [...dataPath(node), ...reference.path], hint);
};

const checkLiteral = (checked: Checked, use: Use): void => {
  const { node, reference } = use;
  const known = specialHeads.has(reference.node) || checked.graph.byId.has(reference.node);
  const why = /^\w{1,50}$/.test(reference.node) ? 'a name behind a dot has at most 30 letters, digits and underscores, and does not begin with a digit' : "a node's id in a text has at most 50 letters, digits and underscores, and no hyphen";
  told(checked, use, 'reference-never-replaced', `Node "${node.title}" has {{#${written(reference)}#}} in a text, which Dify leaves there as it is: ${why}`, 'Rename it in Studio, everywhere it is used.', !known);
};

const checkSpecial = (checked: Checked, use: Use): void => {
  const { node, names: [name = ''] } = use.reference;
  const known = checked.specials[node];
  if (known === undefined || known.includes(name)) return;
  const talks = node === 'sys' && conversational.has(name);
  told(checked, use, 'reference-special', `Node "${use.node.title}" uses ${node}.${name}, ${talks ? 'which only chatflows have' : 'which does not exist'}`, talks ? undefined : suggestion(name, known));
};

/** chainOf are a node and the iterations and loops around it, from the inside out. */
const chainOf = ({ byId, container }: Graph, node: GraphNode): readonly GraphNode[] => {
  const chain: GraphNode[] = [];
  for (let at: GraphNode | undefined = node; at !== undefined && !chain.includes(at); at = byId.get(container(at) ?? '')) chain.push(at);
  return chain;
};

const checkOutput = (checked: Checked, use: Use, source: GraphNode, inside: boolean): void => {
  const { names: [name = ''] } = use.reference;
  const known = outputsOf(source, inside);
  if (known === undefined || known.includes(name) || (givesSystem(source) && name.startsWith('sys'))) return;
  told(checked, use, 'reference-output', `Node "${use.node.title}" uses ${name} of node "${source.title}", which has no such output`, suggestion(name, known));
};

const checkOrder = (checked: Checked, use: Use, source: GraphNode, chain: readonly GraphNode[]): void => {
  const { graph, upstream } = checked;
  const home = graph.container(source);
  const beside = chain.find((node) => graph.container(node) === home);
  const what = `Node "${use.node.title}" uses ${written(use.reference)}`;
  if (beside === undefined) {
    // What a loop's nodes gave in its last round stays visible behind it, what an iteration's nodes gave does not.
    const loop = graph.byId.get(home ?? '')?.type === 'loop';
    told(checked, use, 'reference-into-container', `${what}, but node "${source.title}" lies inside of an iteration or loop`, 'Use the output of the iteration or loop itself.', loop);
  } else if (upstream?.(source.id, beside.id) === false) {
    const never = graph.reached.has(source.id) ? 'does not run before it' : 'can never run';
    told(checked, use, 'reference-not-upstream', `${what}, but node "${source.title}" ${never}`, 'Connect the nodes in the order in which they need each other.', isAggregator(use.node));
  }
};

const checkUse = (checked: Checked, use: Use): void => {
  const { graph } = checked;
  const { node, reference } = use;
  if (reference.literal) return checkLiteral(checked, use);
  if (specialHeads.has(reference.node)) return checkSpecial(checked, use);
  const source = graph.byId.get(reference.node);
  if (source === undefined) {
    const near = nearest(reference.node, [...graph.byId.keys()].slice(0, 200));
    return told(checked, use, 'reference-missing', `Node "${node.title}" uses ${written(reference)}, but there is no node ${reference.node}`, near === undefined ? undefined : `Did you mean ${near}?`);
  }
  const chain = chainOf(graph, node);
  const around = chain.includes(source);
  checkOutput(checked, use, source, around);
  // An iteration or loop reads what its own nodes give, and its own variables.
  if ((around && (source !== node || source.type === 'loop')) || chainOf(graph, source).slice(1).includes(node)) return;
  checkOrder(checked, use, source, chain);
};

/** checkReferences finds references that give nothing at a run. */
export const checkReferences = (graph: Graph, workflow: Mapping, report: Report): void => {
  const uses = graph.nodes.flatMap((node) => referencesOf(node).map((reference) => ({ node, reference })));
  const asked = new Set(uses.map(({ reference }) => reference.node).filter((id) => graph.byId.has(id)));
  const checked = { graph, specials: specialsOf(graph.mode, workflow), upstream: upstreamIn(graph, asked), report };
  for (const use of uses) checkUse(checked, use);
};
