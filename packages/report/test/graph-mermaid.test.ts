import { describe, expect, test } from '@jest/globals';
import type { SourceGraph } from '@sluice/core';
import * as fc from 'fast-check';
import { changedFlow, graphMermaid } from '../src/index.ts';

const graph = (nodes: readonly string[], edges: readonly (readonly [string, string, string?])[], inside: Readonly<Record<string, string>> = {}): SourceGraph => ({
  nodes: nodes.map((id) => ({ id, name: id.toUpperCase(), kind: 'llm', ...(inside[id] === undefined ? {} : { inside: inside[id] }) })),
  edges: edges.map(([from, to, label]) => ({ from, to, ...(label === undefined ? {} : { label }) })),
});

const flowOf = (before: SourceGraph | undefined, after: SourceGraph | undefined, changed: readonly string[] = [], most = 40) => changedFlow({ before, after, changed: new Set(changed) }, most);

describe('changedFlow', () => {
  const chain = graph(['a', 'b', 'c', 'd', 'e'], [['a', 'b'], ['b', 'c'], ['c', 'd'], ['d', 'e']]);

  test.each<[string, SourceGraph | undefined, SourceGraph | undefined, readonly string[], readonly string[]]>([
    ['nothing where nothing changed', chain, chain, [], []],
    ['what changed and its neighbours', chain, chain, ['c'], ['b kept', 'c changed', 'd kept']],
    ['what is new', graph(['a', 'b'], [['a', 'b']]), graph(['a', 'n', 'b'], [['a', 'n'], ['n', 'b']]), [], ['a kept', 'n added', 'b kept']],
    ['what is gone', graph(['a', 'n', 'b', 'x'], [['a', 'n'], ['n', 'b']]), graph(['a', 'b', 'x'], [['a', 'b']]), [], ['a kept', 'b kept', 'n removed']],
    ['the ends of a way that was laid anew', graph(['a', 'b', 'c'], [['a', 'b', 'yes']]), graph(['a', 'b', 'c'], [['a', 'b', 'no']]), [], ['a kept', 'b kept']],
    ['the whole of a new application', undefined, graph(['a', 'b'], [['a', 'b']]), [], ['a added', 'b added']],
    ['what holds a node', graph(['l', 'x', 'y'], [['x', 'y']], { x: 'l', y: 'l' }), graph(['l', 'x', 'y'], [['x', 'y']], { x: 'l', y: 'l' }), ['x'], ['l kept', 'x changed', 'y kept']],
  ])('shows %s', (_, before, after, changed, expected) => {
    expect(flowOf(before, after, changed)?.nodes.map(({ id, fate }) => `${id} ${fate}`) ?? []).toEqual(expected);
  });

  test('draws what changed first, and says how much of it is left out', () => {
    const names = Array.from({ length: 60 }, (_, index) => `n${index}`);
    const flow = flowOf(undefined, graph(names, names.slice(1).map((id, index) => [`n${index}`, id] as const)), [], 40);
    expect(flow?.nodes).toHaveLength(40);
    expect(flow?.more).toBe(20);
    const late = flowOf(graph(names, [['n0', 'n59']]), graph(names, [['n0', 'n59']]), ['n59'], 1);
    expect(late?.nodes.map(({ id }) => id)).toEqual(['n59']);
    expect(late?.more).toBe(0);
  });
});

const picture = (before: SourceGraph | undefined, after: SourceGraph | undefined, changed: readonly string[] = []): string => {
  const flow = flowOf(before, after, changed);
  return flow === undefined ? '' : graphMermaid(flow);
};

describe('graphMermaid', () => {
  test('frames containers, marks what changed, and explains itself', () => {
    const before = graph(['s', 'loop', 'x', 'old'], [['s', 'loop'], ['x', 'old', 'on "failure"']], { x: 'loop', old: 'loop' });
    const after = graph(['s', 'loop', 'x', 'new'], [['s', 'loop'], ['x', 'new']], { x: 'loop', new: 'loop' });
    expect(picture(before, after, ['x'])).toBe(`\`\`\`mermaid
flowchart LR
  subgraph n0["LOOP, llm"]
    n1["#126; X<br/>llm"]:::changed
    n2["#43; NEW<br/>llm"]:::added
    n3["- OLD<br/>llm"]:::removed
  end
  n1 --> n2
  n1 -.->|"on #34;failure#34;"| n3
  classDef kept fill:#eaeef2,stroke:#57606a,color:#1f2328
  classDef changed fill:#ffe08a,stroke:#7a5a00,color:#1f2328
  classDef added fill:#9be9a8,stroke:#216e39,color:#1f2328
  classDef removed fill:#ffb3b3,stroke:#a40e26,stroke-dasharray:4 3,color:#1f2328
  class n0 kept
  linkStyle 0 stroke:#216e39,stroke-width:3px
  linkStyle 1 stroke:#a40e26,stroke-width:2px,stroke-dasharray:4 3
\`\`\`

green, \`+\`: added; yellow, \`~\`: changed; red, dashed, \`-\`: removed; grey: as before`);
  });

  test('draws no way between a frame and what is in it, which Mermaid refuses, and ends with frames that hold each other', () => {
    const inner = graph(['l', 'x'], [['l', 'x'], ['x', 'l']], { x: 'l' });
    expect(picture(undefined, inner)).not.toContain('-->');
    const circle = graph(['a', 'b', 'c'], [['a', 'b']], { a: 'b', b: 'a', c: 'c' });
    expect(picture(undefined, circle).match(/:::added/g)).toHaveLength(3);
  });

  /** line is each form that a line of a picture may have; whatever a title is, it adds no other. */
  const text = '(?:[\\w .,/\\-\\u0080-\\u{10FFFF}]|#\\d+;)*';
  const line = new RegExp(
    `^(?:flowchart LR|\\s+subgraph n\\d+\\["${text}"\\]|\\s+end|\\s+n\\d+\\["${text}(?:<br/>${text})?"\\]:::(?:added|removed|changed|kept)|  n\\d+ (?:-->|-\\.->)(?:\\|"${text}"\\|)? n\\d+|  classDef \\w+ [\\w:#, -]+|  class n\\d+ \\w+|  linkStyle \\d+ [\\w:#, -]+)$`,
    'u',
  );

  test('no title breaks it', () => {
    const title = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('end', '"]', '`', '```', '<script>', '%%{init: {}}%%', 'graph', '-->', '问题 "分类"', '; x', 'subgraph', '\n  end', ':::x', '|', '#35;', '\u202Ex'));
    const ids = fc.uniqueArray(title, { minLength: 1, maxLength: 8 });
    const any = fc.tuple(ids, title, fc.array(fc.tuple(fc.nat(), fc.nat(), title), { maxLength: 10 }), fc.array(fc.option(fc.nat(), { nil: undefined }), { minLength: 8, maxLength: 8 })).map(([names, kind, edges, inside]): SourceGraph => ({
      nodes: names.map((id, index) => {
        const holder = inside[index];
        return { id, name: id, kind, ...(holder === undefined ? {} : { inside: names[holder % names.length] ?? id }) };
      }),
      edges: edges.map(([from, to, label]) => ({ from: names[from % names.length] ?? '', to: names[to % names.length] ?? '', label })),
    }));
    fc.assert(
      fc.property(any, any, title, (before, after, changed) => {
        const made = picture(before, after, [changed]);
        if (made === '') return;
        const [open, ...rest] = made.split('\n');
        expect(open).toBe('```mermaid');
        const close = rest.indexOf('```');
        expect(rest.slice(close)).toHaveLength(3);
        for (const one of rest.slice(0, close)) expect(one).toMatch(line);
        expect(made.match(/^\s+subgraph /gm)?.length ?? 0).toBe(made.match(/^\s+end$/gm)?.length ?? 0);
        // Each node stands there once.
        const names = made.match(/(?<=^\s+(?:subgraph )?)n\d+(?=\[)/gm) ?? [];
        expect(new Set(names).size).toBe(names.length);
      }),
      { seed: 3, numRuns: 100 },
    );
  });
});
