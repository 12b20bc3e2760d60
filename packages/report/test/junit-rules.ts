import { parseXml, type Element } from './xml.ts';

/** Rule is what the schema of Jenkins' xUnit plugin (junit-10.xsd) says of one element; `text` allows text beside its elements. */
interface Rule {
  readonly required: readonly string[];
  readonly allowed: readonly string[];
  readonly children: readonly string[];
  readonly text: boolean;
}

const none: readonly string[] = [];
const outcome: Rule = { required: none, allowed: ['type', 'message'], children: none, text: true };

const rules: Readonly<Record<string, Rule>> = {
  testsuites: { required: none, allowed: ['name', 'time', 'tests', 'failures', 'errors'], children: ['testsuite'], text: false },
  testsuite: {
    required: ['name', 'tests', 'failures', 'errors'],
    allowed: ['group', 'time', 'skipped', 'timestamp', 'hostname', 'id', 'package', 'file', 'log', 'url'],
    children: ['testsuite', 'properties', 'testcase', 'system-out', 'system-err'],
    text: false,
  },
  properties: { required: none, allowed: none, children: ['property'], text: false },
  property: { required: ['name', 'value'], allowed: none, children: none, text: false },
  testcase: { required: ['name'], allowed: ['time', 'classname', 'group'], children: ['skipped', 'error', 'failure', 'system-out', 'system-err'], text: false },
  failure: outcome,
  error: outcome,
  skipped: outcome,
  'system-out': { required: none, allowed: none, children: none, text: true },
};

/** time is the pattern of SUREFIRE_TIME. */
const time = /^(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?$/;

const check = (element: Element): void => {
  const { name, attributes, children, text } = element;
  const rule = rules[name];
  if (rule === undefined) throw new Error(`<${name}> is no element of the schema`);
  for (const attribute of rule.required) if (attributes[attribute] === undefined) throw new Error(`<${name}> has no ${attribute}`);
  for (const attribute of Object.keys(attributes)) if (![...rule.required, ...rule.allowed].includes(attribute)) throw new Error(`<${name}> may have no ${attribute}`);
  if (attributes['time'] !== undefined && !time.test(attributes['time'])) throw new Error(`<${name}> has the time ${attributes['time']}`);
  if (!rule.text && text.trim() !== '') throw new Error(`<${name}> holds the text ${text}`);
  for (const child of children) {
    if (!rule.children.includes(child.name)) throw new Error(`<${name}> may hold no <${child.name}>`);
    check(child);
  }
};

const cases = (element: Element): readonly Element[] => (element.name === 'testcase' ? [element] : element.children.flatMap(cases));

const counted = (element: Element, outcome?: string): string =>
  String(cases(element).filter(({ children }) => outcome === undefined || children.some(({ name }) => name === outcome)).length);

/** readJunit holds a document against the schema, its counts against its cases, and GitLab's rule that names differ; it throws what is wrong. */
export const readJunit = (document: string): Element => {
  const root = parseXml(document);
  check(root);
  for (const element of [root, ...root.children]) {
    const { tests, failures, errors, skipped } = element.attributes;
    const wanted = [counted(element), counted(element, 'failure'), counted(element, 'error'), ...(skipped === undefined ? [] : [counted(element, 'skipped')])];
    const said = [tests, failures, errors, ...(skipped === undefined ? [] : [skipped])];
    if (said.join() !== wanted.join()) throw new Error(`<${element.name}> counts ${said.join()} and holds ${wanted.join()}`);
  }
  const names = cases(root).map(({ attributes }) => `${attributes['classname']} ${attributes['name']}`);
  if (new Set(names).size !== names.length) throw new Error('two cases have one name');
  return root;
};

/** caseLines are the cases of a document, each as `classname | name | outcome | message`. */
export const caseLines = (root: Element): readonly string[] =>
  cases(root).map(({ attributes, children }) => [attributes['classname'], attributes['name'], children[0]?.name, children[0]?.attributes['message'] ?? children[0]?.text].join(' | '));
