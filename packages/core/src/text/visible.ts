/** unseen matches what a line of code can hold without its being seen: control characters, direction overrides, blanks without width, line breaks other than the usual one, and halves of surrogate pairs. */
const unseen =
  /[\u0000-\u0008\u000A-\u001F\u007F-\u009F\u00AD\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u2064\u2066-\u206F\uFEFF\uFFF9-\uFFFB\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** visibleLine is a line of code in which everything is seen: a tab as four blanks, and what has no shape as `<U+202E>`. */
export const visibleLine = (line: string): string =>
  line.replaceAll('\t', '    ').replace(unseen, (letter) => `<U+${letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}>`);
