import { isMapping, listOf, mappingOf, textOf } from '../shape.ts';
import { dataPath, type Graph } from './graph.ts';
import { formsOf, type Form } from './node-forms.ts';
import type { Report } from './report.ts';

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((item) => typeof item === 'string');

const fits = (value: unknown, form: Form): boolean => {
  switch (form) {
    case 'a text':
      return typeof value === 'string';
    case 'a list':
      return Array.isArray(value);
    case 'a mapping':
      return isMapping(value);
    case 'a list of texts':
      return isTexts(value);
    case 'a number':
      return textOf(value) !== '' && Number.isInteger(Number(textOf(value)));
    case 'a name':
      return textOf(value) !== '';
    case 'yes or no':
      return typeof value !== 'object';
    case 'messages':
      return typeof value === 'object';
    default:
      return form.some((one) => one === value);
  }
};

/** At is a value with the path by which people find it. */
type At = readonly [path: string, value: unknown];

const into = (found: readonly At[], part: string): readonly At[] =>
  found.flatMap(([at, value]): readonly At[] => {
    if (part === '{}') return Object.entries(mappingOf(value)).map(([key, item]) => [`${at}.${key}`, item]);
    if (part === '[]') return listOf(value).map((item, index) => [`${at}[${index}]`, item]);
    return isMapping(value) ? [[at === '' ? part : `${at}.${part}`, value[part]]] : [];
  });

const faultsAt = (data: unknown, path: string, form: Form): readonly string[] =>
  (path.match(/[^.[\]{}?]+|\[\]|\{\}/g) ?? []).reduce(into, [['', data]]).flatMap(([at, value]) => {
    if (value === undefined || (value === null && !(Array.isArray(form) && form.includes(null)))) return path.endsWith('?') ? [] : [`${at} is missing`];
    return fits(value, form) ? [] : [`${at} is ${typeof form === 'string' ? `not ${form === 'messages' ? 'a list or a mapping' : form}` : `none of ${form.slice(0, 7).join(', ')}${form.length > 7 ? ', …' : ''}`}`];
  });

const mostFaults = 5;

/**
 * checkIncomplete finds nodes that Dify cannot build. It builds all nodes of a graph before a run, also those that the run
 * would not come to, so one of them ends every run (Dify 1.12.1, core/workflow/graph/graph.py Graph.init).
 */
export const checkIncomplete = ({ nodes }: Graph, report: Report): void => {
  for (const node of nodes) {
    const faults = Object.entries(formsOf(node)).flatMap(([path, form]) => faultsAt(node.data, path, form));
    if (faults.length === 0) continue;
    const more = faults.length > mostFaults ? `, and ${faults.length - mostFaults} more` : '';
    report('node-incomplete', 'error', `Dify cannot build the node "${node.title}", so no run of the app begins: ${faults.slice(0, mostFaults).join(', ')}${more}.`, dataPath(node), 'Complete the node in Studio and export the app again; the page of this rule tells what each type of node needs.');
  }
};
