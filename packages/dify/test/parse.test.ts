import { describe, expect, test } from '@jest/globals';
import { parse } from '../src/source/parse.ts';
import { chatApp, chatflow, edge, findingsOf, node, secretId, sourceOf, workflowApp, type Dsl } from './dsl.ts';

type Break = (dsl: Required<Pick<Dsl, 'app' | 'workflow'>> & Dsl) => void;

const nodes = (dsl: Dsl): Record<string, unknown>[] => dsl.workflow?.graph?.nodes ?? [];
const edges = (dsl: Dsl): Record<string, unknown>[] => dsl.workflow?.graph?.edges ?? [];

const broken: [string, Break, string, string][] = [
  ['version as a number', (dsl) => (dsl.version = 0.5), 'dify/version-not-text', 'error'],
  ['version that is none', (dsl) => (dsl.version = 'latest'), 'dify/version-unreadable', 'error'],
  ['knowledge pipeline', (dsl) => (dsl.kind = 'rag_pipeline'), 'dify/kind', 'error'],
  ['no kind', (dsl) => delete dsl.kind, 'dify/kind', 'warning'],
  ['empty app', (dsl) => (dsl.app = {}), 'dify/app-missing', 'error'],
  ['no mode', (dsl) => delete dsl.app['mode'], 'dify/mode-missing', 'error'],
  ['mode of other tools', (dsl) => (dsl.app['mode'] = 'chatflow'), 'dify/mode-unknown', 'error'],
  ['no graph', (dsl) => delete dsl.workflow.graph, 'dify/graph-missing', 'error'],
  ['no nodes', (dsl) => nodes(dsl).splice(0), 'dify/nodes-missing', 'error'],
  ['node without id', (dsl) => (nodes(dsl)[1] = node('', 'code')), 'dify/node-id-missing', 'error'],
  ['two nodes with one id', (dsl) => nodes(dsl).push(node('llm', 'code')), 'dify/node-id-duplicate', 'error'],
  ['no start', (dsl) => nodes(dsl).splice(0, 1), 'dify/start-missing', 'error'],
  ['two starts', (dsl) => nodes(dsl).push(node('start2', 'start')), 'dify/start-several', 'error'],
  ['trigger in a chatflow', (dsl) => nodes(dsl).push(node('t', 'trigger-webhook')), 'dify/trigger-in-chatflow', 'error'],
  ['end in a chatflow', (dsl) => nodes(dsl).push(node('e', 'end')), 'dify/end-in-chatflow', 'error'],
  ['edge to nothing', (dsl) => edges(dsl).push(edge('llm', 'nowhere')), 'dify/edge-endpoint-missing', 'error'],
  ['edge by a branch that is not there', (dsl) => edges(dsl).push(edge('llm', 'answer', 'fail-branch')), 'dify/branch-handle-unknown', 'error'],
  ['unknown node type', (dsl) => nodes(dsl).push(node('x', 'lllm')), 'dify/node-type-unknown', 'warning'],
  ['node without type', (dsl) => nodes(dsl).push(node('x', '')), 'dify/node-type-missing', 'error'],
  ['text that uses a missing node', (dsl) => (nodes(dsl)[2] = node('answer', 'answer', { answer: '{{#lmm.text#}}' })), 'dify/reference-missing', 'error'],
  ['selector of a missing node', (dsl) => (nodes(dsl)[1] = node('llm', 'code', { variables: [{ variable: 'a', value_selector: ['gone', 'text'] }] })), 'dify/reference-missing', 'error'],
  ['aggregator of a missing node', (dsl) => (nodes(dsl)[1] = node('llm', 'variable-aggregator', { variables: [['gone', 'text']] })), 'dify/reference-missing', 'error'],
  ['unreached node that uses a missing one', (dsl) => nodes(dsl).push(node('lost', 'answer', { answer: '{{#gone.text#}}' })), 'dify/reference-missing', 'warning'],
  ['iteration that begins with an ordinary node', (dsl) => (nodes(dsl)[1] = node('llm', 'iteration', { start_node_id: 'answer' })), 'dify/container-start-ordinary', 'error'],
  ['unreached loop that begins with an ordinary node', (dsl) => nodes(dsl).push(node('lost', 'loop', { start_node_id: 'answer' })), 'dify/container-start-ordinary', 'warning'],
  ['condition on turn 0', (dsl) => (nodes(dsl)[1] = node('llm', 'if-else', { cases: [{ case_id: 'true', conditions: [{ variable_selector: ['sys', 'dialogue_count'], comparison_operator: '=', value: '0' }] }] })), 'dify/dialogue-count-from-one', 'error'],
  ['secret with its value', (dsl) => (dsl.workflow.environment_variables[0] = { id: secretId, name: 'TOKEN', value_type: 'secret', value: 'sk-1' }), 'dify/secret-value', 'warning'],
  ['variable without a value', (dsl) => (dsl.workflow.environment_variables[1] = { id: 'x', name: 'URL', value_type: 'string', value: null }), 'dify/variable-incomplete', 'error'],
  ['two variables of one name', (dsl) => dsl.workflow.environment_variables.push({ id: 'y', name: 'URL', value_type: 'string', value: '' }), 'dify/variable-duplicate', 'error'],
];

describe('parse', () => {
  test('finds nothing in a good file', () => {
    expect(findingsOf(chatflow())).toEqual([]);
    expect(findingsOf(workflowApp())).toEqual([]);
    expect(findingsOf(chatApp())).toEqual([]);
  });

  test.each(broken)('%s', (_name, damage, rule, severity) => {
    const dsl = chatflow();
    damage(dsl);
    const findings = findingsOf(dsl);
    expect(findings.map((finding) => [finding.rule, finding.severity])).toContainEqual([rule, severity]);
    expect(findings.every((finding) => (finding.place.line ?? 0) > 0)).toBe(true);
  });

  test('start and trigger together, and answer in a workflow', () => {
    const dsl = workflowApp();
    nodes(dsl).push(node('t', 'trigger-schedule'), node('a', 'answer', { answer: '' }));
    expect(findingsOf(dsl)).toContainEqual(expect.objectContaining({ rule: 'dify/answer-in-workflow', severity: 'warning' }));
    expect(findingsOf(dsl).map((finding) => finding.rule).sort()).toEqual(['dify/answer-in-workflow', 'dify/node-unreachable', 'dify/start-and-trigger']);
  });

  test('a workflow with a trigger in place of a start is fine', () => {
    const dsl = workflowApp();
    nodes(dsl)[0] = node('start', 'trigger-webhook', { params: [{ name: 'city', type: 'string', required: false }] });
    expect(findingsOf(dsl)).toEqual([]);
  });

  test('what does not run is not checked: switched off parts, notes, the text beside a Jinja prompt, special heads', () => {
    const dsl = chatflow();
    const model = { provider: 'openai', name: 'gpt-4o', mode: 'chat' };
    nodes(dsl).push({ id: 'n', type: 'custom-note', data: { text: '{{#gone.text#}}' } });
    nodes(dsl)[2] = node('answer', 'answer', { answer: '{{#sys.query#}} {{#env.URL#}} {{#context#}} {{#no such text#}}' });
    nodes(dsl)[1] = node('llm', 'llm', { model, prompt_template: [{ role: 'system', edition_type: 'jinja2', text: '{{#gone.text#}}', jinja2_text: '' }], context: { enabled: false } });
    expect(findingsOf(dsl)).toEqual([]);
  });

  test('names line and column of a YAML error', () => {
    const { source, findings } = parse({ path: 'a.yml', folder: '', text: 'app:\n  name: "x\nkind: app\n' });
    expect(source).toBeUndefined();
    expect(findings[0]).toMatchObject({ rule: 'dify/yaml', severity: 'error', place: { file: 'a.yml' } });
    expect(findings[0]?.place.line).toBeGreaterThan(0);
  });

  test('places a finding at its line', () => {
    const text = 'version: 0.5\nkind: app\napp:\n  mode: chatflo\n';
    const places = parse({ path: 'a.yml', folder: '', text }).findings.map((finding) => [finding.rule, finding.place.line]);
    expect(places).toEqual([['dify/version-not-text', 1], ['dify/mode-unknown', 4]]);
  });

  test.each([['a text', 'hello'], ['a list', '- a'], ['nothing', '']])('%s is no app', (_name, text) => {
    expect(parse({ path: 'a.yml', folder: '', text }).findings[0]).toMatchObject({ severity: 'error' });
  });
});

describe('DifySource', () => {
  test('knows kind, title and inputs', () => {
    expect(sourceOf(chatflow())).toMatchObject({ kind: 'chat', title: 'tiny', platform: 'dify', dslVersion: '0.3.0', inputs: [{ name: 'city', type: 'text', required: true, maximumLength: 48 }] });
    expect(sourceOf(workflowApp()).kind).toBe('workflow');
    expect(sourceOf(chatApp())).toMatchObject({ kind: 'chat', inputs: [{ name: 'tone', type: 'choice', required: true, choices: ['warm', 'cool'], initial: 'warm' }] });
  });
});
