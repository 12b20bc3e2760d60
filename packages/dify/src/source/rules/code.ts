import { types } from 'node:util';
import { Script } from 'node:vm';
import type { GraphNode } from '../dsl.ts';
import { listOf, mappingOf, textOf } from '../shape.ts';
import { dataPath, type Graph } from './graph.ts';
import { foreignModules, mainOf, pythonFault } from './python.ts';
import type { Report } from './report.ts';

/** syntaxFault compiles JavaScript, which never runs it, and gives what is wrong; undefined when nothing is. */
const syntaxFault = (code: string): { readonly message: string; readonly line: string } | undefined => {
  try {
    void new Script(code, { filename: 'code.js' });
    return undefined;
  } catch (error) {
    if (!types.isNativeError(error)) throw error;
    return { message: error.message, line: /^code\.js:(\d+)/.exec(error.stack ?? '')?.[1] ?? '' };
  }
};

/** declaresMain asks the parser: a second declaration of a name in one script is an error exactly where there is a first. */
const declaresMain = (code: string): boolean =>
  syntaxFault(`${code}\n;let main;`) !== undefined || /(?:^|[;\n{}])\s*(?:globalThis\.)?main\s*=/.test(code);

const requires = /\brequire\s*\(\s*['"]([^'"]+)['"]\s*\)|^\s*import\s[^'"\n]*['"]([^'"]+)['"]/gm;

/** nodeModules come with Node; those that start programs are left out, since the sandbox kills what does. */
const nodeModules = new Set(['assert', 'async_hooks', 'buffer', 'console', 'constants', 'crypto', 'diagnostics_channel', 'dns', 'events', 'fs', 'http', 'http2', 'https', 'module', 'net', 'os', 'path', 'perf_hooks', 'process', 'punycode', 'querystring', 'readline', 'stream', 'string_decoder', 'timers', 'tls', 'tty', 'url', 'util', 'v8', 'vm', 'zlib']);

const foreignScripts = (code: string): readonly string[] =>
  [...new Set([...code.matchAll(requires)].map((match) => (match[1] ?? match[2] ?? '').replace(/^node:/, '')))].filter(
    (name) => !nodeModules.has(name.split('/')[0] ?? ''),
  );

const checkJavaScript = (node: GraphNode, code: string, report: Report): void => {
  const path = [...dataPath(node), 'code'];
  const fault = syntaxFault(code);
  if (fault !== undefined) {
    report('code-javascript', 'error', `The JavaScript of node "${node.title}" cannot be parsed${fault.line === '' ? '' : `, line ${fault.line}`}: ${fault.message}.`, path);
  } else if (!declaresMain(code)) {
    report('code-main-missing', 'error', `The code of node "${node.title}" has no function main, which Dify calls.`, path);
  }
};

/** checkArguments compares main's parameters with the node's variables, which Python gets as keyword arguments. */
const checkArguments = (node: GraphNode, parameters: readonly { readonly name: string; readonly optional: boolean }[], report: Report): void => {
  const given = new Set(listOf(node.data['variables']).map((item) => textOf(mappingOf(item)['variable'])).filter((name) => name !== ''));
  const path = [...dataPath(node), 'variables'];
  const missing = parameters.filter(({ name, optional }) => !optional && !given.has(name)).map(({ name }) => name);
  const extra = [...given].filter((name) => !parameters.some((parameter) => parameter.name === name));
  if (missing.length > 0) report('code-arguments', 'error', `Node "${node.title}": main needs ${missing.join(', ')}, which the node's variables do not give.`, path);
  if (extra.length > 0) report('code-arguments', 'error', `Node "${node.title}": main does not take ${extra.join(', ')}, which the node's variables give.`, path);
};

const checkPython = (node: GraphNode, code: string, report: Report): void => {
  const path = [...dataPath(node), 'code'];
  const fault = pythonFault(code);
  if (fault !== undefined) {
    report('code-python', 'warning', `The Python of node "${node.title}" looks broken, line ${fault.line}: ${fault.reason}.`, path, 'Where python3 is on the PATH, validate asks it.');
    return;
  }
  const main = mainOf(code);
  if (main === undefined) report('code-main-missing', 'error', `The code of node "${node.title}" has no function main, which Dify calls.`, path);
  else if (main.parameters !== undefined) checkArguments(node, main.parameters, report);
};

const checkImports = (node: GraphNode, names: readonly string[], report: Report): void => {
  if (names.length === 0) return;
  report('code-import', 'warning', `The code of node "${node.title}" imports ${names.slice(0, 5).join(', ')}, which Dify's sandbox does not have or does not let run.`, [...dataPath(node), 'code'], "Install it in the sandbox of every environment, or do without it.");
};

const languageOf = (node: GraphNode): string => textOf(node.data['code_language']);

/** isPython says whether a node runs Python. */
export const isPython = (node: GraphNode): boolean => node.type === 'code' && languageOf(node) === 'python3';

/** checkCode finds code nodes that cannot run. The code itself is never run. */
export const checkCode = ({ nodes }: Graph, report: Report): void => {
  for (const node of nodes) {
    if (node.type !== 'code') continue;
    const code = textOf(node.data['code']);
    const language = languageOf(node);
    if (Object.keys(mappingOf(node.data['outputs'])).length === 0) {
      report('code-outputs-missing', 'error', `Node "${node.title}" declares no outputs, so nothing that its code returns can be used, and Dify fails the run.`, [...dataPath(node), 'outputs']);
    }
    if (language === 'javascript') {
      checkJavaScript(node, code, report);
      checkImports(node, foreignScripts(code), report);
    } else if (language === 'python3') {
      checkPython(node, code, report);
      checkImports(node, foreignModules(code), report);
    } else {
      report('code-language-unknown', 'error', `Node "${node.title}" is in ${language === '' ? 'no language' : `the language ${language}`}; Dify runs python3 and javascript.`, [...dataPath(node), 'code_language']);
    }
  }
};
