import { isFields } from './reading.ts';

/** isFile says whether a value is a file of a run: Dify marks them. */
export const isFile = (value: unknown): value is Record<string, unknown> =>
  isFields(value) && value['dify_model_identity'] === '__dify__file__';

/** repr writes a JSON value as Python's repr does; Dify's messages quote values this way. */
export const repr = (value: unknown): string => {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') {
    const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
    const escaped = value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
    return `${quote}${quote === "'" ? escaped.replaceAll("'", "\\'") : escaped}${quote}`;
  }
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (isFields(value)) {
    return `{${Object.entries(value)
      .map(([name, member]) => `${repr(name)}: ${repr(member)}`)
      .join(', ')}}`;
  }
  return String(value);
};

/** typeName names the Python type of a JSON value. */
export const typeName = (value: unknown): string => {
  if (value === null || value === undefined) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return Array.isArray(value) ? 'list' : 'dict';
};

/** dumps writes JSON as Python does, with blanks after commas and colons. */
export const dumps = (value: unknown, indent?: number): string => {
  if (indent !== undefined) return JSON.stringify(value, null, indent);
  if (Array.isArray(value)) return `[${value.map((item) => dumps(item)).join(', ')}]`;
  if (isFields(value)) {
    return `{${Object.entries(value)
      .map(([name, member]) => `${JSON.stringify(name)}: ${dumps(member)}`)
      .join(', ')}}`;
  }
  return JSON.stringify(value ?? null);
};

/** plainText writes a variable as Dify puts it into prompts and conditions (1.12.1, core/variables/segments.py, `text`). */
export const plainText = (value: unknown): string => {
  if (value === null || value === undefined || isFile(value)) return '';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.length === 0 || value.every(isFile) ? '' : dumps(value);
  return isFields(value) ? dumps(value) : repr(value);
};

/** markdown writes a variable as Dify puts it into answers (the same file, `markdown`). */
export const markdown = (value: unknown): string => {
  if (isFile(value)) {
    const url = String(value['url'] ?? '');
    const name = String(value['filename'] ?? url);
    return value['type'] === 'image' ? `![${name}](${url})` : `[${name}](${url})`;
  }
  if (Array.isArray(value)) {
    return value.map((item) => (isFile(item) ? markdown(item) : `- ${typeof item === 'string' ? item : repr(item)}`)).join('\n');
  }
  return isFields(value) ? dumps(value, 2) : plainText(value);
};
