import { isMapping, type Mapping } from './shape.ts';

/**
 * quoted writes a text as a double-quoted YAML scalar that PyYAML reads back as it is. Dify reads YAML 1.1, where plain
 * `=`, `on` or `12:30` are no texts, and where some characters end a line or are refused, so nothing is left plain.
 */
const quoted = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\u00a0\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** blockSafe texts come back unchanged from a literal block in YAML 1.1 and 1.2. */
const blockSafe = (text: string): boolean =>
  /^[^\s][^\u0000-\u0009\u000b-\u001f\u007f-\u00a0\u2028\u2029\ufeff\ufffe\uffff]*\n[^\u0000-\u0009\u000b-\u001f\u007f-\u00a0\u2028\u2029\ufeff\ufffe\uffff]*$/.test(text) &&
  !/\s$/.test(text) &&
  !/[\ud800-\udfff]/.test(text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, ''));

/** numberText keeps a dot before an exponent: YAML 1.1 reads `1e-7` as a text. */
const numberText = (value: number): string => {
  const text = String(value);
  return text.includes('e') && !text.includes('.') ? text.replace('e', '.0e') : text;
};

const scalar = (value: unknown, indent: string): string => {
  if (typeof value === 'string') {
    if (!blockSafe(value)) return quoted(value);
    const lines = value.split('\n').map((line) => (line === '' ? '' : `${indent}${line}`));
    return `|-\n${lines.join('\n')}`;
  }
  if (typeof value === 'number') return numberText(value);
  return typeof value === 'boolean' ? String(value) : 'null';
};

const isLeaf = (value: unknown): boolean =>
  Array.isArray(value) ? value.length === 0 : !isMapping(value) || Object.keys(value).length === 0;

const leaf = (value: unknown, indent: string): string =>
  Array.isArray(value) ? '[]' : isMapping(value) ? '{}' : scalar(value, indent);

const keyText = (key: string): string => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(key) && !yamlWords.test(key) ? key : quoted(key));

const yamlWords = /^(?:y|n|yes|no|on|off|true|false|null)$/i;

const lines = (value: unknown, indent: string): string[] => {
  if (Array.isArray(value)) {
    return value.flatMap((item) => {
      if (isLeaf(item)) return [`${indent}- ${leaf(item, `${indent}  `)}`];
      const inner = lines(item, `${indent}  `);
      return [`${indent}- ${(inner[0] ?? '').slice(indent.length + 2)}`, ...inner.slice(1)];
    });
  }
  if (!isMapping(value)) return [];
  return Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .flatMap((key) => {
      const item = value[key];
      const head = `${indent}${keyText(key)}:`;
      return isLeaf(item) ? [`${head} ${leaf(item, `${indent}  `)}`] : [head, ...lines(item, `${indent}  `)];
    });
};

/** renderDsl writes a DSL as YAML with sorted keys that reads the same for Dify (YAML 1.1) and for us (YAML 1.2). */
export const renderDsl = (root: Mapping): string => `${lines(root, '').join('\n')}\n`;
