import { describe, expect, test } from '@jest/globals';
import { readYaml } from '@sluice/core';
import fc from 'fast-check';
import { parse as parseYaml } from 'yaml';
import { canonicalJson, digestOf, workflowContent } from '../src/source/content.ts';
import { renderDsl } from '../src/source/render.ts';
import { mappingOf } from '../src/source/shape.ts';
import { chatflow, edge, node, sourceOf, type Dsl } from './dsl.ts';

const fixed = { seed: 20260711, numRuns: 300 };

const digest = (change: (dsl: ReturnType<typeof chatflow>) => void): string => {
  const dsl = chatflow();
  change(dsl);
  return sourceOf(dsl).digest;
};
const plain = digest(() => undefined);
const nodes = (dsl: Dsl): Record<string, unknown>[] => dsl.workflow?.graph?.nodes ?? [];

describe('digest', () => {
  test.each<[string, Parameters<typeof digest>[0]]>([
    ['positions and sizes', (dsl) => Object.assign(nodes(dsl)[0] ?? {}, { position: { x: 9, y: 9 }, width: 1, height: 2, selected: true, zIndex: 3 })],
    ['selection and marks of the editor', (dsl) => Object.assign(mappingOf(nodes(dsl)[0]?.['data']), { selected: true, _isSingleRun: true })],
    ['the viewport', (dsl) => Object.assign(dsl.workflow.graph ?? {}, { viewport: { x: 5, y: 5, zoom: 2 } })],
    ['ids of edges and the order of lists', (dsl) => { dsl.workflow.graph?.edges.reverse(); dsl.workflow.graph?.nodes.reverse(); Object.assign(dsl.workflow.graph?.edges[0] ?? {}, { id: 'other' }); }],
    ['the value of a secret', (dsl) => Object.assign(dsl.workflow.environment_variables[0] ?? {}, { value: 'sk-live' })],
    ['name and icon of the app', (dsl) => Object.assign(dsl.app, { name: 'other', icon: 'y' })],
    ['the DSL version', (dsl) => (dsl.version = '0.5.0')],
  ])('does not move with %s', (_name, change) => {
    expect(digest(change)).toBe(plain);
  });

  test.each<[string, Parameters<typeof digest>[0]]>([
    ['a prompt', (dsl) => (nodes(dsl)[1] = node('llm', 'llm', { prompt_template: [{ role: 'system', text: 'Other' }] }))],
    ['an edge', (dsl) => dsl.workflow.graph?.edges.push(edge('start', 'answer'))],
    ['a branch', (dsl) => (Object.assign(dsl.workflow.graph?.edges[0] ?? {}, { sourceHandle: 'true' }))],
    ['a plain variable', (dsl) => Object.assign(dsl.workflow.environment_variables[1] ?? {}, { value: 'https://b.example' })],
    ['the name of a secret', (dsl) => Object.assign(dsl.workflow.environment_variables[0] ?? {}, { name: 'OTHER' })],
    ['the type of a variable', (dsl) => Object.assign(dsl.workflow.environment_variables[0] ?? {}, { value_type: 'string' })],
    ['a feature', (dsl) => (dsl.workflow.features['opening_statement'] = 'Hello')],
  ])('moves with %s', (_name, change) => {
    expect(digest(change)).not.toBe(plain);
  });

  test("is the same for what the server's console gives back", () => {
    const { workflow } = chatflow();
    const [secret, url, limit] = workflow.environment_variables;
    const shown = {
      graph: workflow.graph,
      features: workflow.features,
      // The console masks secrets and names integers numbers.
      environment_variables: [{ ...secret, value: '*'.repeat(20) }, { ...url, description: undefined }, limit],
      conversation_variables: [],
    };
    expect(digestOf(workflowContent('advanced-chat', shown))).toBe(plain);
    expect(digest((dsl) => Object.assign(dsl.workflow.environment_variables[2] ?? {}, { value_type: 'integer' }))).toBe(plain);
  });

  test('follows the rewriting of old image uploads', () => {
    const old = digest((dsl) => (dsl.workflow.features['file_upload'] = { image: { enabled: true, number_limits: 5, transfer_methods: ['local_file'] } }));
    const now = digest(
      (dsl) => (dsl.workflow.features['file_upload'] = { enabled: true, number_limits: 5, allowed_file_upload_methods: ['local_file'], allowed_file_types: ['image'], allowed_file_extensions: [] }),
    );
    expect(old).toBe(now);
  });
});

describe('canonicalJson', () => {
  test('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(value));
      }),
      fixed,
    );
  });
});

describe('renderDsl', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom('a', ' ', '\n', '\t', ':', '#', '-', '"', '\u0085', '\u2028', '\u007f', '=', '|', '中', '\r') }),
    fc.constantFrom('=', 'yes', 'on', 'null', '12:30:00', '1_000', '0x1f', '~', '<<', '2024-01-01', '', ' a', 'a\nb\n', 'a\n\n b', '---'),
  );
  const scalar = fc.oneof(text, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0), fc.boolean(), fc.constant(null));
  const tree = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, scalar, fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(text, tie('value'), { maxKeys: 4 })),
  })).value;

  test('reads back as the same values, as YAML 1.2 and as YAML 1.1', () => {
    fc.assert(
      fc.property(fc.dictionary(text.filter((key) => key !== '__proto__'), tree, { minKeys: 1, maxKeys: 5 }), (root) => {
        // JSON has no -0, and neither has a DSL.
        const wanted: unknown = JSON.parse(JSON.stringify(root));
        const yaml = renderDsl(mappingOf(wanted));
        const read = readYaml('x.yml', yaml);
        expect(read.ok ? read.value.value : read.problem).toEqual(wanted);
        expect(parseYaml(yaml, { version: '1.1' })).toEqual(wanted);
      }),
      fixed,
    );
  });

  test('keeps prompts readable and numbers numbers', () => {
    expect(renderDsl({ b: 1e-7, a: '你好\n世界', c: [] })).toBe('a: |-\n  你好\n  世界\nb: 1.0e-7\nc: []\n');
  });
});
