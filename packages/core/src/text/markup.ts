import { plainLine } from './plain.ts';

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** htmlText is text for HTML, between tags or inside a quoted attribute, in one line. */
export const htmlText = (text: string): string => plainLine(text).replace(/[&<>"']/g, (letter) => entities[letter] ?? letter);

/** svgText is text for SVG and other XML, between tags or inside a quoted attribute, in one line. */
export const svgText = htmlText;

/** zeroWidthSpace parts an at sign or number sign from what follows, so that no service sees a mention or an issue there. */
const zeroWidthSpace = '\u200B';

/**
 * markdownText is text for Markdown (GitHub, GitLab) in one line, also in a table cell: every character that could be
 * markup is escaped, there is no raw HTML, no address becomes a link, and nobody is mentioned.
 */
export const markdownText = (text: string): string =>
  plainLine(text)
    .replace(/[\\`*_{}[\]()#+\-.!|~$:="'^%]/g, '\\$&')
    .replace(/[&<>]/g, (letter) => entities[letter] ?? letter)
    .replace(/(@|\\#)(?=\S)/g, `$1${zeroWidthSpace}`);

/**
 * mermaidText is text for a quoted Mermaid label, `node["..."]`, in one line: what is no letter, digit, blank or one of
 * `.,-/` becomes Mermaid's `#code;`.
 */
export const mermaidText = (text: string): string =>
  plainLine(text).replace(/[\u0000-\u007F]/g, (letter) => (/[\w .,/-]/.test(letter) ? letter : `#${letter.charCodeAt(0)};`));
