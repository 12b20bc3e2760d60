import { mermaidText, oneLine } from '@sluice/core';
import type { ChangedFlow, Fate, FlowEdge, FlowNode } from './graph-changed.ts';

/** looks are fill and border of a fate; the text is dark on all of them, on light pages and dark ones. */
const looks: Readonly<Record<Fate, string>> = {
  added: 'fill:#9be9a8,stroke:#216e39',
  removed: 'fill:#ffb3b3,stroke:#a40e26,stroke-dasharray:4 3',
  changed: 'fill:#ffe08a,stroke:#7a5a00',
  kept: 'fill:#eaeef2,stroke:#57606a',
};

/** marks say the same without colours. */
const marks: Readonly<Record<Fate, string>> = { added: '+ ', removed: '- ', changed: '~ ', kept: '' };

const strokes: Readonly<Record<FlowEdge['fate'], string | undefined>> = {
  added: 'stroke:#216e39,stroke-width:3px',
  removed: 'stroke:#a40e26,stroke-width:2px,stroke-dasharray:4 3',
  kept: undefined,
};

/** label is a node's name above its kind; the title of a frame has one line. */
const label = ({ name, kind, fate }: FlowNode, between: string): string => {
  const title = mermaidText(`${marks[fate]}${oneLine(name === '' ? kind : name, 40)}`);
  return name === '' || name === kind ? `"${title}"` : `"${title}${between}${mermaidText(oneLine(kind, 30))}"`;
};

/** Drawing is what lines are made with: names that Mermaid takes for nothing else, and what is inside of what. */
interface Drawing {
  readonly nameOf: (id: string) => string;
  readonly within: (id: string | undefined) => readonly FlowNode[];
}

const drawn = (node: FlowNode, drawing: Drawing, indent: string): readonly string[] => {
  const inner = drawing.within(node.id);
  const name = drawing.nameOf(node.id);
  if (inner.length === 0) return [`${indent}${name}[${label(node, '<br/>')}]:::${node.fate}`];
  return [`${indent}subgraph ${name}[${label(node, ', ')}]`, ...inner.flatMap((one) => drawn(one, drawing, `${indent}  `)), `${indent}end`];
};

const arrow = ({ from, to, label: text, fate }: FlowEdge, { nameOf }: Drawing): string => {
  const said = text === undefined || text.trim() === '' ? '' : `|"${mermaidText(oneLine(text, 30))}"|`;
  return `  ${nameOf(from)} ${fate === 'removed' ? '-.->' : '-->'}${said} ${nameOf(to)}`;
};

/** holderOf gives the drawn container of a node; containers that hold each other hold nothing. */
const holderOf = (nodes: readonly FlowNode[]): ((node: FlowNode) => string | undefined) => {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const isHeldBy = (id: string, holder: string): boolean => {
    const seen = new Set<string>();
    for (let inside = byId.get(id)?.inside; inside !== undefined && !seen.has(inside); inside = byId.get(inside)?.inside) {
      if (inside === holder) return true;
      seen.add(inside);
    }
    return false;
  };
  return ({ id, inside }) => (inside === undefined || !byId.has(inside) || isHeldBy(inside, id) || inside === id ? undefined : inside);
};

/** heldIn tells whether one node lies in another, at any depth: Mermaid draws no edge between the two. */
const heldIn = (id: string, holder: string, holderById: ReadonlyMap<string, string | undefined>): boolean => {
  for (let inside = holderById.get(id); inside !== undefined; inside = holderById.get(inside)) if (inside === holder) return true;
  return false;
};

/** legend says what colours and marks mean; those that are not in the picture are left out. */
const legend = ({ nodes, edges }: ChangedFlow): string => {
  const fates = new Set<Fate>([...nodes, ...edges].map(({ fate }) => fate));
  const words = { added: 'green, `+`: added', changed: 'yellow, `~`: changed', removed: 'red, dashed, `-`: removed', kept: 'grey: as before' } as const;
  return (['added', 'changed', 'removed', 'kept'] as const).filter((fate) => fates.has(fate)).map((fate) => words[fate]).join('; ');
};

/** graphMermaid draws the changed part of a flow as Markdown: a Mermaid picture, containers as frames, with its legend below. */
export const graphMermaid = (flow: ChangedFlow): string => {
  const { nodes, edges, more } = flow;
  const names = new Map(nodes.map(({ id }, index) => [id, `n${index}`]));
  const holder = holderOf(nodes);
  const holderById = new Map(nodes.map((node) => [node.id, holder(node)]));
  const drawing: Drawing = { nameOf: (id) => names.get(id) ?? 'n', within: (id) => nodes.filter((node) => holderById.get(node.id) === id) };
  const arrows = edges.filter(({ from, to }) => names.has(from) && names.has(to) && !heldIn(from, to, holderById) && !heldIn(to, from, holderById));
  const containers = nodes.filter(({ id }) => drawing.within(id).length > 0);
  const used = [...new Set(nodes.map(({ fate }) => fate))];
  return [
    '```mermaid',
    'flowchart LR',
    ...drawing.within(undefined).flatMap((node) => drawn(node, drawing, '  ')),
    ...arrows.map((edge) => arrow(edge, drawing)),
    ...used.map((fate) => `  classDef ${fate} ${looks[fate]},color:#1f2328`),
    ...containers.map(({ id, fate }) => `  class ${drawing.nameOf(id)} ${fate}`),
    ...arrows.flatMap(({ fate }, index) => (strokes[fate] === undefined ? [] : [`  linkStyle ${index} ${strokes[fate]}`])),
    '```',
    '',
    `${legend(flow)}${more === 0 ? '' : `. ${more} more changed ${more === 1 ? 'node is' : 'nodes are'} not drawn`}`,
  ].join('\n');
};
