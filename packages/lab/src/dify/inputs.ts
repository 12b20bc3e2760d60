import { internal, invalid, Refused } from './answer.ts';
import { fileOf } from './interpreter/files.ts';
import { fields, isFields, items, text, texts, type Fields } from './reading.ts';
import { repr } from './python.ts';

/** formOf gives the input variables of a workflow: those of its start node. */
export const formOf = (graph: Fields): readonly Fields[] => {
  const start = items(graph['nodes']).map((node) => fields(fields(node)['data'])).find((inner) => inner['type'] === 'start');
  return items(start?.['variables']).map(fields);
};

/** configForm gives the input variables of a chat or completion app: `user_input_form` has each one under its type. */
export const configForm = (config: Fields): readonly Fields[] =>
  items(config['user_input_form'])
    .map(fields)
    .flatMap((entry) => Object.entries(entry).map(([type, variable]) => ({ type, ...fields(variable) })));

const numberInput = (name: string, value: unknown): unknown => {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value !== 'string') return internal();
  if (value.trim() === '') return null;
  return Number.isNaN(Number(value)) ? invalid(`${name} in input form must be a valid number`) : Number(value);
};

const checkbox = (value: unknown): unknown => {
  const read = typeof value === 'string' ? value.trim().toLowerCase() : value;
  if (['true', '1', 'yes', 'on', 1].some((yes) => yes === read)) return true;
  return ['false', '0', 'no', 'off', 0].some((no) => no === read) ? false : value;
};

const textInput = (variable: Fields, value: unknown): unknown => {
  const name = text(variable['variable']);
  const type = text(variable['type']);
  if (typeof value !== 'string') return invalid(`(type '${type}') ${name} in input form must be a string`);
  if (type === 'select') {
    const options = texts(variable['options']);
    return options.includes(value) ? value : invalid(`${name} in input form must be one of the following: ${repr(options)}`);
  }
  const limit = variable['max_length'];
  const tooLong = typeof limit === 'number' && limit > 0 && [...value].length > limit;
  return tooLong ? invalid(`${name} in input form must be less than ${limit} characters`) : value.replaceAll('\0', '');
};

const oneFile = (given: unknown): unknown => {
  const file = fileOf(fields(given));
  return typeof file === 'string' ? invalid(file) : file;
};

const fileInput = (variable: Fields, value: unknown): unknown => {
  const name = text(variable['variable']);
  if (variable['type'] === 'file') return isFields(value) ? oneFile(value) : invalid(`${name} in input form must be a file`);
  if (!Array.isArray(value) || !value.every(isFields)) return invalid(`${name} in input form must be a list of files`);
  const limit = variable['max_length'];
  if (typeof limit === 'number' && limit > 0 && value.length > limit) return invalid(`${name} in input form must be less than ${limit} files`);
  const made = value.map(oneFile);
  return made.find((file) => file instanceof Refused) ?? made;
};

const inputOf = (variable: Fields, given: unknown): unknown => {
  const name = text(variable['variable']);
  const type = text(variable['type']);
  if ((given === undefined || given === null) && variable['required'] === true) return invalid(`${name} is required in input form`);
  const value = given ?? variable['default'] ?? null;
  if (value === null) return null;
  const isFile = type === 'file' || type === 'file-list';
  if (isFile && variable['required'] !== true && value === '') return null;
  if (isFile) return fileInput(variable, value);
  switch (type) {
    case 'text-input': case 'paragraph': case 'select': return textInput(variable, value);
    case 'number': return numberInput(name, value);
    case 'checkbox': return checkbox(value);
    case 'json_object': return isFields(value) || value === '' ? value : invalid(`${name} in input form must be a dict`);
    default: return internal();
  }
};

/**
 * takeInputs checks a caller's inputs against the form and fills in defaults, with Dify's own messages
 * (1.12.1, core/app/apps/base_app_generator.py). What the form does not name is dropped.
 */
export const takeInputs = (form: readonly Fields[], given: Fields): Fields | Refused => {
  const taken: Record<string, unknown> = {};
  for (const variable of form) {
    const value = inputOf(variable, given[text(variable['variable'])]);
    if (value instanceof Refused) return value;
    taken[text(variable['variable'])] = value;
  }
  return taken;
};

/** takeFiles makes the files of a message; entries that name no way or no address are skipped, as in Dify. */
export const takeFiles = (given: unknown): readonly unknown[] | Refused => {
  const usable = items(given)
    .map(fields)
    .filter((file) => text(file['transfer_method']) !== '')
    .filter((file) => file['transfer_method'] !== 'remote_url' || text(file['url']) !== '' || text(file['remote_url']) !== '');
  const made = usable.map(oneFile);
  return made.find((file) => file instanceof Refused) ?? made;
};
