import { fields, isFields, items, text, texts, type Fields } from '../reading.ts';
import { plainText } from '../python.ts';
import type { GraphNode } from './graph.ts';
import type { Pool } from './pool.ts';
import { countTokens, noUsage, type Usage } from './usage.ts';

/** StandIn is what a node answers that the lab cannot run: made from its title and its rendered inputs, the same each time. */
export interface StandIn {
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly handle?: string;
  readonly usage?: Usage;
}

const modelTypes = new Set(['llm', 'agent', 'question-classifier', 'parameter-extractor']);

/** callsModel says whether a node would call a model: such nodes take time, use tokens and are where injected errors strike. */
export const callsModel = (type: string): boolean => modelTypes.has(type);

const shortened = (value: string, length = 200): string => {
  const letters = [...value.replace(/\s+/gu, ' ').trim()];
  return letters.length > length ? `${letters.slice(0, length).join('')}…` : letters.join('');
};

/** sentence is the text of every stand-in: it names the node and echoes what it was asked. */
export const sentence = (title: string, asked: string): string => {
  const echo = shortened(asked);
  return echo === '' ? `${title}: done.` : `${title}: ${echo}`;
};

/** typed makes a value of a declared type; the types are those of code nodes and of JSON Schema. */
const typed = (type: string, declared: Fields, said: string): unknown => {
  switch (type) {
    case 'number': case 'integer': return said.length % 100;
    case 'boolean': case 'bool': return true;
    case 'object': return members(declared, said);
    case 'array[string]': return [said];
    case 'array[number]': return [said.length % 100];
    case 'array[boolean]': return [true];
    case 'array[object]': return [members(declared, said)];
    case 'array': return [typed(text(fields(declared['items'])['type']), fields(declared['items']), said)];
    case 'array[file]': case 'file': return [];
    default: return said;
  }
};

const members = (declared: Fields, said: string): Record<string, unknown> => {
  const inner = isFields(declared['children']) ? declared['children'] : fields(declared['properties']);
  return Object.fromEntries(
    Object.entries(inner).map(([name, member]) => [name, typed(text(fields(member)['type']), fields(member), `${said} (${name})`)]),
  );
};

const variablesOf = (node: GraphNode, pool: Pool): Record<string, unknown> =>
  Object.fromEntries(
    items(node.fields['variables'])
      .map(fields)
      .map((variable) => [text(variable['variable']), pool.get(texts(variable['value_selector'])) ?? null]),
  );

const prompts = (node: GraphNode, pool: Pool): string[] => {
  const template = node.fields['prompt_template'];
  const parts = Array.isArray(template) ? template.map(fields) : [fields(template)];
  return parts.map((part) => pool.render(text(part['edition_type'] === 'jinja2' ? part['jinja2_text'] : part['text'])));
};

const llm = (node: GraphNode, pool: Pool, query: string, tokens: number): StandIn => {
  const rendered = prompts(node, pool);
  const answer = sentence(node.title, query === '' ? (rendered.at(-1) ?? '') : query);
  const structured = node.fields['structured_output_switch_on'] === true ? fields(fields(node.fields['structured_output'])['schema']) : undefined;
  return {
    inputs: { prompts: rendered },
    outputs: {
      text: answer,
      reasoning_content: '',
      finish_reason: 'stop',
      ...(structured === undefined ? {} : { structured_output: members(structured, answer) }),
    },
    usage: { ...noUsage, prompt: countTokens(rendered.join('\n'), tokens), completion: countTokens(answer, tokens) },
  };
};

const called = (node: GraphNode, pool: Pool, parameters: Fields): StandIn => {
  const given = Object.fromEntries(
    Object.entries(parameters).map(([name, parameter]) => {
      const value = fields(parameter)['value'];
      return [name, Array.isArray(value) ? (pool.get(texts(value)) ?? null) : typeof value === 'string' ? pool.render(value) : (value ?? null)];
    }),
  );
  const said = sentence(node.title, Object.values(given).map(plainText).filter((value) => value !== '').join(', '));
  return {
    inputs: given,
    outputs: { text: said, files: [], json: [{ result: said }], ...members(fields(node.fields['output_schema']), said) },
  };
};

const classifier = (node: GraphNode, pool: Pool, tokens: number): StandIn => {
  const query = plainText(pool.get(texts(node.fields['query_variable_selector'])));
  const first = fields(items(node.fields['classes'])[0]);
  return {
    inputs: { query },
    outputs: { class_name: text(first['name']), class_id: text(first['id']) },
    handle: text(first['id']),
    usage: { ...noUsage, prompt: countTokens(query, tokens), completion: countTokens(text(first['name']), tokens) },
  };
};

const extractor = (node: GraphNode, pool: Pool, tokens: number): StandIn => {
  const query = plainText(pool.get(texts(node.fields['query'])));
  const found = items(node.fields['parameters'])
    .map(fields)
    .map((parameter) => {
      const options = texts(parameter['options']);
      const value = options[0] ?? typed(text(parameter['type']), parameter, sentence(text(parameter['name']), query));
      return [text(parameter['name']), value] as const;
    });
  return {
    inputs: { query },
    outputs: { ...Object.fromEntries(found), __is_success: 1, __reason: null },
    usage: { ...noUsage, prompt: countTokens(query, tokens), completion: countTokens(JSON.stringify(found), tokens) },
  };
};

const retrieval = (node: GraphNode, pool: Pool): StandIn => {
  const query = plainText(pool.get(texts(node.fields['query_variable_selector'])));
  const datasets = texts(node.fields['dataset_ids']);
  // Without data sets the real node succeeds with an empty list; that is how a lost knowledge base shows.
  const result = datasets.slice(0, 1).map((dataset) => ({
    content: sentence(node.title, query),
    title: node.title,
    url: null,
    metadata: { _source: 'knowledge', dataset_id: dataset, position: 1, score: 0.9 },
  }));
  return { inputs: { query }, outputs: { result } };
};

const fetched = (node: GraphNode, pool: Pool): StandIn => {
  const url = pool.render(text(node.fields['url']));
  return {
    inputs: { url },
    outputs: { status_code: 200, body: JSON.stringify({ result: sentence(node.title, url) }), headers: { 'content-type': 'application/json' }, files: [] },
  };
};

/** standIn answers for a node that needs a model, a sandbox, a plugin or the network. It runs no code and opens no connection. */
export const standIn = (node: GraphNode, pool: Pool, query: string, tokens: number): StandIn => {
  switch (node.type) {
    case 'llm': return llm(node, pool, query, tokens);
    case 'question-classifier': return classifier(node, pool, tokens);
    case 'parameter-extractor': return extractor(node, pool, tokens);
    case 'knowledge-retrieval': return retrieval(node, pool);
    case 'http-request': return fetched(node, pool);
    case 'tool': return called(node, pool, fields(node.fields['tool_parameters']));
    case 'agent': {
      const made = called(node, pool, fields(node.fields['agent_parameters']));
      const said = sentence(node.title, query);
      return { ...made, outputs: { ...made.outputs, text: said }, usage: { ...noUsage, prompt: countTokens(JSON.stringify(made.inputs), tokens), completion: countTokens(said, tokens) } };
    }
    case 'document-extractor': {
      const said = sentence(node.title, '');
      return { inputs: {}, outputs: { text: node.fields['is_array_file'] === true ? [said] : said } };
    }
    default: {
      const inputs = variablesOf(node, pool);
      const said = sentence(node.title, Object.values(inputs).map(plainText).filter((value) => value !== '').join(', '));
      return { inputs, outputs: node.type === 'code' ? members({ children: node.fields['outputs'] }, said) : { output: said } };
    }
  }
};
