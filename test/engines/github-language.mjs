import { register } from 'node:module';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

/*
 * GitHub's own parser, validator and expression evaluator, asked by a process of their own: they import JSON without
 * the attribute that Node wants, so that a hook has to add it, which a test runner cannot.
 *
 * Reads { packages, files, actions, workflows, expressions } as JSON from standard input:
 *   packages     folder of the installed packages, with a slash at its end
 *   files        name → text of each workflow or action.yml to validate
 *   actions      "owner/repository" or "owner/repository/path" → metadata; those of other owners are taken to exist
 *   workflows    path in the repository → text of the workflows that can be called
 *   expressions  [expression, contexts], to be evaluated
 * and prints { findings: [{ name, line, message }], values }.
 */

const hook = `export const load = (url, context, next) => next(url, url.endsWith('.json') ? { ...context, importAttributes: { type: 'json' } } : context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

const { packages, files, actions, workflows, expressions } = JSON.parse(await text(process.stdin));
const from = (path) => import(pathToFileURL(packages + path));
const [language, expression, documents] = await Promise.all([
  from('@actions/languageservice/dist/index.js'),
  from('@actions/expressions/dist/index.js'),
  from('vscode-languageserver-textdocument/lib/esm/main.js'),
]);
const { data, DescriptionDictionary, Evaluator, Lexer, Parser } = expression;

const findings = [];
let current = '';
const said = (message) => findings.push({ name: current, line: 0, message });
// A defect of the validator is logged by it and else looks like a file without findings.
language.registerLogger({ error: said, warn: said, info: () => undefined, log: () => undefined });

const metadataOf = ({ owner, name, path }) => actions[[owner, name, path].filter((part) => part !== undefined).join('/')];

const referenceOf = (step) => {
  const [owner, name, ...path] = (step?.uses?.value ?? '').split('@')[0].split('/');
  return { owner, name, path: path.length === 0 ? undefined : path.join('/') };
};

/** knownOutputs gives each step of an action that is known the outputs which it has, and no others. */
const knownOutputs = (contexts, { job }) => {
  for (const step of job?.steps ?? []) {
    const metadata = metadataOf(referenceOf(step));
    const outputs = contexts.get(step.id)?.get('outputs');
    if (metadata === undefined || outputs === undefined) continue;
    for (const name of Object.keys(metadata.outputs ?? {})) outputs.add(name, new data.StringData(''));
    outputs.complete = true;
  }
  return contexts;
};

const config = {
  actionsMetadataProvider: { fetchActionMetadata: async (reference) => metadataOf(reference) ?? (reference.owner === 'OWNER' ? undefined : { name: '', description: '' }) },
  contextProviderConfig: { getContext: async (name, usual, context) => (name === 'steps' ? knownOutputs(usual, context) : undefined) },
  fileProvider: {
    getFileContent: async ({ path }) => {
      if (workflows[path] === undefined) throw new Error(`there is no ${path}`);
      return { name: path, content: workflows[path] };
    },
  },
};

for (const [name, content] of Object.entries(files)) {
  current = name;
  const found = await language.validate(documents.TextDocument.create(`file:///${name}`, 'yaml', 1, content), config);
  findings.push(...found.map(({ message, range }) => ({ name, line: range.start.line + 1, message })));
}

const dictionary = (value) => {
  if (Array.isArray(value)) return new data.Array(...value.map(dictionary));
  if (typeof value === 'object' && value !== null) return new DescriptionDictionary(...Object.entries(value).map(([key, inner]) => ({ key, value: dictionary(inner) })));
  return typeof value === 'boolean' ? new data.BooleanData(value) : new data.StringData(String(value));
};

const evaluate = ([source, contexts, status]) => {
  const functions = ['always', 'success', 'failure', 'cancelled'].map((name) => ({ name, minArgs: 0, maxArgs: 9, call: () => new data.BooleanData(name === 'always' || name === status) }));
  const tree = new Parser(new Lexer(source).lex().tokens, Object.keys(contexts), functions).parse();
  return new Evaluator(tree, dictionary(contexts), new Map(functions.map((one) => [one.name, one]))).evaluate().coerceString();
};

const values = expressions.map(evaluate);
process.stdout.write(JSON.stringify({ findings, values }));
