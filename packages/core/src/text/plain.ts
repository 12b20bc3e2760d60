/** escapeSequence matches ANSI sequences: OSC up to its end, CSI, and two-character escapes. */
const escapeSequence = /\u001B\][^\u0007\u001B\n]*(?:\u0007|\u001B\\)?|(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]?|\u001B[ -/]*[0-~]?/g;

const lineBreak = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/g;

/**
 * hidden matches what changes a line without being seen: control characters other than the tab, direction overrides
 * (which can make text read other than it is), and halves of surrogate pairs.
 */
const hidden =
  /[\u0000-\u0008\u000E-\u001F\u007F-\u009F\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** plainLine makes one line of any text: line breaks become spaces; ANSI sequences, control characters and direction overrides go. */
export const plainLine = (text: string): string =>
  text.replace(escapeSequence, '').replace(lineBreak, ' ').replace(hidden, '');
