import type { RuleName } from '../src/source/rules/names.ts';
import type { Pick } from '../../../test/picker.ts';

type Data = Record<string, unknown>;

interface Node {
  id: string;
  type?: unknown;
  parentId?: unknown;
  data: Data;
}

interface Edge {
  source: string;
  target: string;
  sourceHandle: string;
}

interface Variable {
  name: string;
  value?: unknown;
  [key: string]: unknown;
}

/** App is a file as the mutations change it, in place. */
export interface App {
  version?: unknown;
  app: { mode: string };
  dependencies?: unknown[];
  workflow: { graph: { nodes: Node[]; edges: Edge[] }; environment_variables?: Variable[]; conversation_variables?: Variable[] };
}

/** Mutation breaks an app so that a run shows it; false where the app has nothing to break in that way. */
export interface Mutation {
  readonly kind: string;
  readonly rule: RuleName;
  apply(app: App, pick: Pick): boolean;
}

const nodesOf = (app: App): Node[] => app.workflow.graph.nodes.filter((node) => node.type !== 'custom-note');
const edgesOf = (app: App): Edge[] => app.workflow.graph.edges;
const variablesOf = (app: App, section: 'environment_variables' | 'conversation_variables'): Variable[] => (app.workflow[section] ??= []);

/** reachedFrom is what can be reached from nodes along edges. */
const reachedFrom = (app: App, from: readonly string[]): Set<string> => {
  const seen = new Set<string>();
  const byId = new Map(nodesOf(app).map((node) => [node.id, node]));
  const open = [...from];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    for (const edge of edgesOf(app)) if (edge.source === id) open.push(edge.target);
    const inner = byId.get(id)?.data['start_node_id'];
    if (typeof inner === 'string') open.push(inner);
  }
  return seen;
};

const isStart = ({ data }: Node): boolean => data['type'] === 'start' || String(data['type']).startsWith('trigger-');

const lives = new WeakMap<App, Node[]>();

/** live are the nodes that run, as long as nothing is changed: every mutation looks first and changes then. */
const live = (app: App): Node[] => {
  const kept = lives.get(app) ?? liveIn(app);
  lives.set(app, kept);
  return kept;
};

const liveIn = (app: App): Node[] => {
  const reached = reachedFrom(app, nodesOf(app).filter(isStart).map(({ id }) => id));
  return nodesOf(app).filter(({ id }) => reached.has(id));
};

const parentOf = (node: Node): string => String(node.parentId ?? node.data['iteration_id'] ?? node.data['loop_id'] ?? '');

const texts = new WeakMap<Data, string>();

/** used is the part of a node's data that is read at a run, as JSON. */
const used = (data: Data): string => {
  const kept = texts.get(data) ?? usedIn(data);
  texts.set(data, kept);
  return kept;
};

const usedIn = (data: Data): string => {
  const { title: _title, desc: _desc, conditions: _conditions, code: _code, template: _template, context, ...rest } = data;
  const on = (context as Data | undefined)?.['enabled'] === true ? context : undefined;
  return JSON.stringify([rest, on]);
};

/** mentions says whether the part of a node that runs has a text in it, such as `"4711","text"` or `4711.text`. */
const mentions = (node: Node, id: string, name = ''): boolean =>
  used(node.data).includes(name === '' ? `{{#${id}.` : `{{#${id}.${name}#}}`) || (name === '' ? used(node.data).includes(`_selector":["${id}",`) : used(node.data).includes(`_selector":["${id}","${name}"]`));

const users = (app: App, id: string, name = ''): Node[] => live(app).filter((node) => node.id !== id && mentions(node, id, name));

/** rewritten replaces a text in all strings of a value. */
const rewritten = (value: unknown, from: string, to: string): unknown => JSON.parse(JSON.stringify(value).replaceAll(from, to));

const ofType = (app: App, ...types: string[]): Node[] => live(app).filter(({ data }) => types.includes(String(data['type'])));

/** onto adds a text to something that runs and whose texts are read: a prompt, an answer or a header. */
const onto = (node: Node | undefined, text: string): boolean => {
  if (node === undefined) return false;
  const { data } = node;
  if (data['type'] === 'answer') data['answer'] = `${String(data['answer'])} ${text}`;
  else if (Array.isArray(data['prompt_template'])) data['prompt_template'].push({ id: 'm', role: 'system', text });
  else return false;
  return true;
};

const writers = (app: App): Node[] => ofType(app, 'answer', 'llm').filter(({ data }) => data['type'] === 'answer' || Array.isArray(data['prompt_template']));

const drawn = (): string => ['sk', 'q7Rk2mZx9LpW4vTs8BnY3cHd6FgJ1aQe'].join('-');

const mutation = (kind: string, rule: RuleName, apply: Mutation['apply']): Mutation => ({ kind, rule, apply });

const change = <T>(one: T | undefined, how: (one: T) => unknown): boolean => {
  if (one === undefined) return false;
  how(one);
  return true;
};

const code = (app: App, language: string): Node[] => ofType(app, 'code').filter(({ data }) => data['code_language'] === language);

const pythonMain = /^def main\(/m;

const graphMutations: readonly Mutation[] = [
  mutation("drop an edge's target", 'edge-endpoint-missing', (app, pick) => change(pick(edgesOf(app)), (edge) => (edge.target = 'gone1'))),
  mutation("drop an edge's source", 'edge-endpoint-missing', (app, pick) => change(pick(edgesOf(app)), (edge) => (edge.source = 'gone1'))),
  mutation('remove the start', 'start-missing', (app) => {
    app.workflow.graph.nodes = app.workflow.graph.nodes.filter((node) => !isStart(node));
    return true;
  }),
  mutation('add a second start', 'start-several', (app) => {
    const start = nodesOf(app).find(({ data }) => data['type'] === 'start');
    return change(start, (one) => app.workflow.graph.nodes.push({ ...structuredClone(one), id: 'start2' }));
  }),
  mutation('add a trigger beside the start', 'start-and-trigger', (app) => {
    if (!nodesOf(app).some(({ data }) => data['type'] === 'start')) return false;
    app.workflow.graph.nodes.push({ id: 'trigger1', data: { type: 'trigger-webhook', title: 'Hook' } });
    return true;
  }),
  mutation('remove all ends', 'end-unreachable', (app) => app.app.mode === 'workflow' && removeType(app, 'end')),
  mutation('remove all answers', 'answer-unreachable', (app) => app.app.mode === 'advanced-chat' && removeType(app, 'answer')),
  mutation('close a circle', 'cycle', (app, pick) => {
    const edge = pick(edgesOf(app).filter(({ source }) => live(app).some(({ id }) => id === source)));
    return change(edge, (one) => edgesOf(app).push({ ...one, source: one.target, target: one.source, sourceHandle: 'source' }));
  }),
  mutation('close a wide circle', 'cycle', (app, pick) => {
    const node = pick(live(app).filter((one) => !isStart(one) && parentOf(one) === ''));
    if (node === undefined) return false;
    const later = pick([...reachedFrom(app, [node.id])].filter((id) => id !== node.id && nodesOf(app).some((one) => one.id === id && parentOf(one) === '')));
    return change(later, (id) => edgesOf(app).push({ source: id, target: node.id, sourceHandle: 'source' }));
  }),
  mutation('cut the way to a node', 'node-unreachable', (app, pick) => {
    const node = pick(live(app).filter((one) => !isStart(one) && parentOf(one) === ''));
    return change(node, ({ id }) => (app.workflow.graph.edges = edgesOf(app).filter(({ target }) => target !== id)));
  }),
  mutation('give two nodes one id', 'node-id-duplicate', (app, pick) => change(pick(nodesOf(app)), (node) => app.workflow.graph.nodes.push(structuredClone(node)))),
  mutation('take an id away', 'node-id-missing', (app, pick) => change(pick(nodesOf(app)), (node) => (node.id = ''))),
  mutation('take a type away', 'node-type-missing', (app, pick) => change(pick(nodesOf(app)), (node) => delete node.data['type'])),
  mutation('misspell a type', 'node-type-unknown', (app, pick) => change(pick(nodesOf(app)), (node) => (node.data['type'] = `${String(node.data['type'])}x`))),
  mutation('swap a branch handle', 'branch-handle-unknown', (app, pick) => {
    const sources = ofType(app, 'if-else', 'question-classifier').map(({ id }) => id);
    return change(pick(edgesOf(app).filter(({ source }) => sources.includes(source))), (edge) => (edge.sourceHandle = 'source'));
  }),
  mutation('leave a plain node by a branch', 'branch-handle-unknown', (app, pick) => {
    const sources = ofType(app, 'llm', 'code', 'start', 'template-transform').map(({ id }) => id);
    return change(pick(edgesOf(app).filter(({ source }) => sources.includes(source))), (edge) => (edge.sourceHandle = 'true'));
  }),
  mutation('remove a case that an edge leaves by', 'branch-handle-unknown', (app, pick) => {
    const node = pick(ofType(app, 'if-else').filter(({ id, data }) => (data['cases'] as Data[] | undefined)?.some((one) => edgesOf(app).some(({ source, sourceHandle }) => source === id && sourceHandle === one['case_id']))));
    return change(node, ({ data }) => (data['cases'] = [{ case_id: 'other', conditions: [] }]));
  }),
  mutation('cut a branch', 'branch-unwired', (app, pick) => {
    const sources = ofType(app, 'if-else', 'question-classifier').map(({ id }) => id);
    const edge = pick(edgesOf(app).filter((one) => sources.includes(one.source)));
    return change(edge, ({ source, sourceHandle }) => (app.workflow.graph.edges = edgesOf(app).filter((one) => one.source !== source || one.sourceHandle !== sourceHandle)));
  }),
  mutation('lead an edge into an iteration or loop', 'edge-crosses-container', (app, pick) => {
    const [inner, outer] = [pick(nodesOf(app).filter((node) => parentOf(node) !== '')), pick(nodesOf(app).filter((node) => parentOf(node) === ''))];
    return change(inner, ({ id }) => edgesOf(app).push({ source: outer?.id ?? '', target: id, sourceHandle: 'source' }));
  }),
  mutation('take the start of an iteration or loop away', 'container-start-missing', (app, pick) => change(pick(ofType(app, 'iteration', 'loop')), ({ data }) => delete data['start_node_id'])),
  mutation('begin an iteration or loop with an ordinary node', 'container-start-ordinary', (app, pick) => {
    const node = pick(ofType(app, 'iteration', 'loop').filter(({ data }) => nodesOf(app).some(({ id, data: inner }) => id === data['start_node_id'] && String(inner['type']).endsWith('-start'))));
    const start = nodesOf(app).find(({ id }) => id === node?.data['start_node_id']);
    return change(start, ({ data }) => (data['type'] = 'template-transform'));
  }),
  mutation('lose the iteration or loop of a node', 'container-missing', (app, pick) => {
    const inner = pick(nodesOf(app).filter((node) => parentOf(node) !== ''));
    return change(inner, (node) => (node.parentId = 'gone1'));
  }),
  mutation('end a chatflow with an end node', 'end-in-chatflow', (app, pick) => app.app.mode === 'advanced-chat' && change(pick(ofType(app, 'answer')), ({ data }) => (data['type'] = 'end'))),
  mutation('answer in a workflow', 'answer-in-workflow', (app, pick) => app.app.mode === 'workflow' && change(pick(ofType(app, 'end')), ({ data }) => (data['type'] = 'answer'))),
];

const removeType = (app: App, type: string): boolean => {
  const gone = new Set(nodesOf(app).filter(({ data }) => data['type'] === type).map(({ id }) => id));
  app.workflow.graph.nodes = app.workflow.graph.nodes.filter(({ id }) => !gone.has(id));
  app.workflow.graph.edges = edgesOf(app).filter(({ target }) => !gone.has(target));
  return gone.size > 0;
};

/** known are nodes whose outputs are known, with one that somebody uses. */
const known = (app: App): { node: Node; name: string }[] =>
  ofType(app, 'llm', 'code', 'template-transform', 'http-request', 'knowledge-retrieval', 'start').flatMap((node) => {
    const names = node.data['type'] === 'code' ? Object.keys((node.data['outputs'] as Data | undefined) ?? {}) : node.data['type'] === 'start' ? ((node.data['variables'] as Data[] | undefined) ?? []).map((one) => String(one['variable'])) : ['text', 'output', 'body', 'result'];
    return names.filter((name) => users(app, node.id, name).length > 0).map((name) => ({ node, name }));
  });

const referenceMutations: readonly Mutation[] = [
  mutation('rename a referenced node', 'reference-missing', (app, pick) => {
    const node = pick(live(app).filter(({ id }) => users(app, id).length > 0));
    return change(node, (one) => {
      for (const edge of edgesOf(app)) Object.assign(edge, { ...(edge.source === one.id ? { source: 'renamed1' } : {}), ...(edge.target === one.id ? { target: 'renamed1' } : {}) });
      one.id = 'renamed1';
    });
  }),
  mutation('remove a referenced node', 'reference-missing', (app, pick) => {
    const node = pick(live(app).filter((one) => !isStart(one) && users(app, one.id).length > 0));
    return change(node, ({ id }) => {
      app.workflow.graph.nodes = app.workflow.graph.nodes.filter((one) => one.id !== id);
      app.workflow.graph.edges = edgesOf(app).filter(({ source, target }) => source !== id && target !== id);
    });
  }),
  mutation('rename an output of code', 'reference-output', (app, pick) => {
    const found = pick(known(app).filter(({ node }) => node.data['type'] === 'code'));
    return change(found, ({ node, name }) => (node.data['outputs'] = { ...Object.fromEntries(Object.entries(node.data['outputs'] as Data).filter(([key]) => key !== name)), renamed: {} }));
  }),
  mutation('rename an input', 'reference-output', (app, pick) => {
    const found = pick(known(app).filter(({ node }) => node.data['type'] === 'start'));
    return change(found, ({ node, name }) => (node.data['variables'] as Data[]).forEach((one) => one['variable'] === name && (one['variable'] = 'renamed')));
  }),
  mutation('misspell an output', 'reference-output', (app, pick) => {
    const found = pick(known(app));
    const user = found === undefined ? undefined : pick(users(app, found.node.id, found.name));
    return change(user, (one) => {
      const { node, name } = found ?? { node: one, name: '' };
      one.data = rewritten(rewritten(one.data, `{{#${node.id}.${name}#}}`, `{{#${node.id}.${name}s#}}`), `["${node.id}","${name}"]`, `["${node.id}","${name}s"]`) as Data;
    });
  }),
  mutation('misspell a system variable', 'reference-special', (app, pick) => onto(pick(writers(app)), '{{#sys.qurey#}}')),
  mutation('drop a conversation variable', 'reference-special', (app, pick) => {
    const found = pick(variablesOf(app, 'conversation_variables').filter(({ name }) => users(app, 'conversation', name).length > 0));
    return change(found, ({ name }) => (app.workflow.conversation_variables = variablesOf(app, 'conversation_variables').filter((one) => one.name !== name)));
  }),
  mutation('use an environment variable that is not there', 'reference-special', (app, pick) => onto(pick(writers(app)), '{{#env.NOT_THERE#}}')),
  mutation('put a hyphen into an id', 'reference-never-replaced', (app, pick) => {
    const node = pick(live(app).filter(({ id }) => live(app).some((one) => used(one.data).includes(`{{#${id}.`))));
    return change(node, ({ id }) => (app.workflow.graph = rewritten(app.workflow.graph, id, `${id}-1`) as App['workflow']['graph']));
  }),
  mutation('give an input a name that is too long', 'reference-never-replaced', (app, pick) => {
    const found = pick(known(app).filter(({ node, name }) => node.data['type'] === 'start' && live(app).some((one) => used(one.data).includes(`{{#${node.id}.${name}#}}`))));
    return change(found, ({ node, name }) => {
      const long = name.padEnd(31, '_long');
      for (const one of nodesOf(app)) one.data = rewritten(rewritten(one.data, `{{#${node.id}.${name}#}}`, `{{#${node.id}.${long}#}}`), `["${node.id}","${name}"]`, `["${node.id}","${long}"]`) as Data;
      (node.data['variables'] as Data[]).forEach((one) => one['variable'] === name && (one['variable'] = long));
    });
  }),
  mutation('use a node that runs later', 'reference-not-upstream', (app, pick) => {
    const node = pick(writers(app).filter((one) => parentOf(one) === '' && laterOf(app, one).length > 0));
    return node !== undefined && onto(node, `{{#${pick(laterOf(app, node))?.id ?? ''}.text#}}`);
  }),
  mutation('use the inside of an iteration', 'reference-into-container', (app, pick) => {
    const inner = pick(live(app).filter((one) => parentOf(one) !== '' && !String(one.data['type']).endsWith('-start')));
    return inner !== undefined && onto(pick(writers(app).filter((one) => parentOf(one) === '')), `{{#${inner.id}.output#}}`);
  }),
];

const laterOf = (app: App, node: Node): Node[] => {
  const reached = reachedFrom(app, [node.id]);
  return nodesOf(app).filter((one) => reached.has(one.id) && one.id !== node.id && parentOf(one) === '' && /^\w+$/.test(one.id));
};

const contentMutations: readonly Mutation[] = [
  mutation('rename main in Python', 'code-main-missing', (app, pick) => change(pick(code(app, 'python3').filter(({ data }) => pythonMain.test(String(data['code'])))), ({ data }) => (data['code'] = String(data['code']).replace(pythonMain, 'def mian(')))),
  mutation('take main out of JavaScript', 'code-main-missing', (app, pick) => change(pick(code(app, 'javascript')), ({ data }) => (data['code'] = String(data['code']).replaceAll('main', 'mian')))),
  mutation('break JavaScript', 'code-javascript', (app, pick) => change(pick(code(app, 'javascript')), ({ data }) => (data['code'] = String(data['code']).replace(/\}\s*$/, '')))),
  mutation('break Python', 'code-python', (app, pick) => change(pick(code(app, 'python3')), ({ data }) => (data['code'] = `${String(data['code'])}\nx = (1,\n`))),
  mutation('take a bracket out of Python', 'code-python', (app, pick) => change(pick(code(app, 'python3').filter(({ data }) => pythonMain.test(String(data['code'])))), ({ data }) => (data['code'] = String(data['code']).replace(pythonMain, 'def main')))),
  mutation('declare no outputs', 'code-outputs-missing', (app, pick) => change(pick(ofType(app, 'code')), ({ data }) => (data['outputs'] = {}))),
  mutation('rename a variable of Python', 'code-arguments', (app, pick) => {
    const node = pick(code(app, 'python3').filter(({ data }) => (data['variables'] as Data[]).length > 0 && pythonMain.test(String(data['code'])) && !/def main\([^)]*\*/.test(String(data['code']))));
    return change(node, ({ data }) => Object.assign((data['variables'] as Data[])[0] ?? {}, { variable: 'renamed1' }));
  }),
  mutation('import what the sandbox has not', 'code-import', (app, pick) => change(pick(code(app, 'python3').filter(({ data }) => !/^\s*(?:import|from)\s+(?!json|re\b|datetime|math|random|urllib|base64|typing|requests|httpx|time|string|html|os|ast|io)/m.test(String(data['code'])))), ({ data }) => (data['code'] = `import torch\n${String(data['code'])}`))),
  mutation('another language', 'code-language-unknown', (app, pick) => change(pick(ofType(app, 'code')), ({ data }) => (data['code_language'] = 'ruby'))),
  mutation('plant a key in a prompt', 'secret-plain', (app, pick) => onto(pick(writers(app)), `Use ${drawn()}.`)),
  mutation('plant a key in code', 'secret-plain', (app, pick) => change(pick(ofType(app, 'code')), ({ data }) => (data['code'] = `${String(data['code'])}\napi_key = "${drawn().slice(3)}"\n`))),
  mutation('plant a header', 'secret-plain', (app, pick) => change(pick(ofType(app, 'http-request')), ({ data }) => (data['headers'] = `Authorization: Bearer ${drawn().slice(3)}`))),
  mutation('plant a key in a plain variable', 'secret-plain', (app) => {
    variablesOf(app, 'environment_variables').push({ id: 'x', name: 'CRM_API_KEY', value_type: 'string', value: drawn().slice(3) });
    return true;
  }),
  mutation('keep the value of a secret', 'secret-value', (app) => {
    variablesOf(app, 'environment_variables').push({ id: 'x', name: 'NEW_TOKEN', value_type: 'secret', value: 'word' });
    return true;
  }),
  mutation('take a model away', 'model-missing', (app, pick) => change(pick(ofType(app, 'llm', 'question-classifier', 'parameter-extractor')), ({ data }) => (data['model'] = { provider: '', name: '' }))),
  mutation('choose a model that is not allowed', 'model-not-allowed', (app, pick) => change(pick(ofType(app, 'llm', 'question-classifier', 'parameter-extractor')), ({ data }) => Object.assign(data['model'] as Data, { provider: 'p', name: 'not-allowed' }))),
  mutation('unpin a plugin', 'plugin-unpinned', (app) => {
    (app.dependencies ??= []).push({ type: 'marketplace', value: { marketplace_plugin_unique_identifier: 'author/plugin:1.0.0' } });
    return true;
  }),
  mutation('keep a credential', 'tool-credential', (app, pick) => change(pick(ofType(app, 'tool')), ({ data }) => (data['credential_id'] = '5f6c8a3b'))),
  mutation('write the version as a number', 'version-not-text', (app) => {
    app.version = 0.3;
    return true;
  }),
  mutation('a version of tomorrow', 'version-newer', (app) => {
    app.version = '1.0.0';
    return true;
  }),
  mutation('a variable without a value', 'variable-incomplete', (app) => {
    variablesOf(app, 'environment_variables').push({ id: 'x', name: 'EMPTY', value_type: 'string', value: null });
    return true;
  }),
  mutation('two variables of one name', 'variable-duplicate', (app) => {
    for (const id of ['x', 'y']) variablesOf(app, 'environment_variables').push({ id, name: 'TWICE', value_type: 'string', value: '' });
    return true;
  }),
  mutation('wait for turn 0', 'dialogue-count-from-one', (app, pick) => {
    const node = pick(ofType(app, 'if-else').filter(({ data }) => Array.isArray(data['cases']) && data['cases'].length > 0));
    return change(node, ({ data }) => Object.assign((data['cases'] as Data[])[0] ?? {}, { conditions: [{ variable_selector: ['sys', 'dialogue_count'], comparison_operator: '=', value: '0' }] }));
  }),
];

/** mutations are all kinds. */
export const mutations: readonly Mutation[] = [...graphMutations, ...referenceMutations, ...contentMutations];
