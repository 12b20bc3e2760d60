import { fields, isFields, items, text, texts } from '../reading.ts';
import { isFile, repr } from '../python.ts';
import { allHold, ConditionFault } from './conditions.ts';
import type { GraphNode } from './graph.ts';
import type { Pool } from './pool.ts';
import { templateParts } from './pool.ts';
import type { NodeResult, Run } from './run.ts';

/** startNode hands on what the caller gave and the system's variables. */
export const startNode = (pool: Pool): NodeResult => {
  const given = pool.namesOf('#given');
  const system = Object.fromEntries(Object.entries(pool.namesOf('sys')).map(([name, value]) => [`sys.${name}`, value]));
  const all = { ...given, ...system };
  return { inputs: all, outputs: all };
};

const replaced = (value: unknown, instead: string): unknown => {
  if (typeof value === 'string') return instead;
  if (Array.isArray(value)) return value.map((item) => replaced(item, instead));
  if (isFields(value)) return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, replaced(member, instead)]));
  return value;
};

/** endNode collects a workflow's outputs. */
export const endNode = (node: GraphNode, pool: Pool, run: Run): NodeResult => {
  const { instead } = run.plan;
  const outputs = Object.fromEntries(
    items(node.fields['outputs'])
      .map(fields)
      .map((output) => [text(output['variable']), pool.get(texts(output['value_selector'])) ?? null] as const)
      .map(([name, value]) => [name, instead === undefined ? value : replaced(value, instead)]),
  );
  return { inputs: outputs, outputs };
};

/** answerNode fills a chatflow's answer. */
export const answerNode = (node: GraphNode, pool: Pool, run: Run): NodeResult => {
  const template = text(node.fields['answer']);
  const files = templateParts(template)
    .flatMap((part) => ('literal' in part ? [] : [pool.get(part.selector)]))
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .filter(isFile);
  return { outputs: { answer: run.plan.instead ?? pool.renderMarkdown(template), files } };
};

/** ifElseNode picks the first case that holds; files of DSL 0.1.0 have one unnamed case. */
export const ifElseNode = (node: GraphNode, pool: Pool): NodeResult => {
  const cases = items(node.fields['cases']).map(fields);
  if (cases.length === 0) {
    const result = allHold(items(node.fields['conditions']), node.fields['logical_operator'] ?? 'and', pool);
    if (result instanceof ConditionFault) return { error: result.message };
    const chosen = result ? 'true' : 'false';
    return { outputs: { result, selected_case_id: chosen }, handle: chosen };
  }
  for (const candidate of cases) {
    const result = allHold(items(candidate['conditions']), candidate['logical_operator'], pool);
    if (result instanceof ConditionFault) return { error: result.message };
    if (result) {
      const chosen = text(candidate['case_id']);
      return { outputs: { result, selected_case_id: chosen }, handle: chosen === '' ? 'false' : chosen };
    }
  }
  return { outputs: { result: false, selected_case_id: 'false' }, handle: 'false' };
};

const firstOf = (selectors: readonly unknown[], pool: Pool): { name: string; value: unknown } | undefined => {
  for (const selector of selectors.map(texts)) {
    const value = pool.get(selector);
    if (value !== undefined) return { name: selector.slice(1).join('.'), value };
  }
  return undefined;
};

/** aggregatorNode takes the first variable that has been set, for all or for each group. */
export const aggregatorNode = (node: GraphNode, pool: Pool): NodeResult => {
  const settings = fields(node.fields['advanced_settings']);
  if (settings['group_enabled'] !== true) {
    const found = firstOf(items(node.fields['variables']), pool);
    return found === undefined ? { outputs: {} } : { inputs: { [found.name]: found.value }, outputs: { output: found.value } };
  }
  const outputs: Record<string, unknown> = {};
  const inputs: Record<string, unknown> = {};
  for (const group of items(settings['groups']).map(fields)) {
    const found = firstOf(items(group['variables']), pool);
    if (found === undefined) continue;
    outputs[text(group['group_name'])] = { output: found.value };
    inputs[found.name] = found.value;
  }
  return { inputs, outputs };
};

const plainExpression = /^\s*[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[\d+\])*\s*$/;

/** isPlainTemplate says whether a Jinja template only inserts variables, so that it can be filled without Jinja. */
export const isPlainTemplate = (template: string): boolean =>
  !/\{[%#]/.test(template) && [...template.matchAll(/\{\{([\s\S]*?)\}\}/g)].every((match) => plainExpression.test(match[1] ?? ''));

const member = (value: unknown, name: string): unknown =>
  Array.isArray(value) ? value[Number(name)] : isFields(value) ? value[name] : undefined;

/** templateNode fills a plain Jinja template: an unknown name is empty, lists look as in Python. */
export const templateNode = (node: GraphNode, pool: Pool): NodeResult => {
  const variables = Object.fromEntries(
    items(node.fields['variables'])
      .map(fields)
      .map((variable) => [text(variable['variable']), pool.get(texts(variable['value_selector'])) ?? null]),
  );
  const filled = text(node.fields['template']).replace(/\{\{([\s\S]*?)\}\}/g, (_whole, expression: string) => {
    const [name = '', ...inner] = expression.trim().split(/[.[\]]+/).filter((part) => part !== '');
    const value = inner.reduce<unknown>(member, variables[name]);
    return value === undefined ? '' : typeof value === 'string' ? value : repr(value);
  });
  return { inputs: variables, outputs: { output: filled.replace(/\n$/, '') } };
};
