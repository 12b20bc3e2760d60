/** variableName is an output's name as a variable of a later job: `version-id` becomes `SLUICE_VERSION_ID`. */
export const variableName = (output: string): string => `SLUICE_${output.replace(/[^A-Za-z0-9]/g, '_').toUpperCase()}`;

/** quoted is a text as one word of a shell in which nothing is expanded. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** exportLine sets a variable in a file that bash reads as commands: `export SLUICE_REASON='it'\''s done'`. */
export const exportLine = (name: string, value: string): string => `export ${name}=${quoted(value)}\n`;

/** exportLines are the lines of such a file for outputs. */
export const exportLines = (outputs: Readonly<Record<string, string>>): string =>
  Object.entries(outputs)
    .map(([name, value]) => exportLine(variableName(name), value))
    .join('');

/**
 * isInert is true for a value that is the same whether a file of `NAME=value` lines is read by a parser or by a shell: no
 * blank, no quote, nothing that a shell expands. Letters of every script are.
 */
export const isInert = (value: string): boolean => /^[\p{L}\p{M}\p{N}_.,:@%+=/-]*$/u.test(value);

/** inertLines are the lines of such a file. Values that could be read in two ways are left out: they stand in `outputs.json`. */
export const inertLines = (outputs: Readonly<Record<string, string>>): string =>
  Object.entries(outputs)
    .filter(([, value]) => isInert(value))
    .map(([name, value]) => `${variableName(name)}=${value}\n`)
    .join('');
