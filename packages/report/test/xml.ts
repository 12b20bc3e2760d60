/** Element is an element of an XML document; text is its own, its children's not counted. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  readonly text: string;
}

/** notAllowed are the characters that no XML 1.0 document may hold, also as references (https://www.w3.org/TR/xml/#charsets). */
const notAllowed = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

const predefined: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

/** plain undoes references; a bare `&`, `<` or `]]>` is no XML. */
const plain = (text: string): string => {
  if (/<|\]\]>/.test(text)) throw new Error(`markup in text: ${text}`);
  return text.replace(/&([^;]*;?)/g, (_, name: string) => {
    const letter = predefined[name.replace(/;$/, '')];
    if (!name.endsWith(';') || letter === undefined) throw new Error(`unknown reference &${name}`);
    return letter;
  });
};

const attributesOf = (text: string): Record<string, string> => {
  const found: Record<string, string> = {};
  const rest = text.replace(/\s+([\w-]+)="([^"]*)"/g, (_, name: string, value: string) => {
    if (Object.hasOwn(found, name)) throw new Error(`two attributes ${name}`);
    found[name] = plain(value);
    return '';
  });
  if (rest.trim() !== '') throw new Error(`no attributes: ${rest}`);
  return found;
};

/** parseXml reads the XML that we write: no DTD, comment, CDATA or namespace. It throws what is not well formed. */
export const parseXml = (document: string): Element => {
  const strange = notAllowed.exec(document);
  if (strange !== null) throw new Error(`the character ${JSON.stringify(strange[0])}`);
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
  if (!document.startsWith(declaration)) throw new Error('no declaration');
  interface Open {
    readonly name: string;
    readonly attributes: Record<string, string>;
    readonly children: Element[];
    text: string;
  }
  const root: Open = { name: '', attributes: {}, children: [], text: '' };
  const open: Open[] = [root];
  const top = (): Open => open.at(-1) ?? root;
  for (const [part] of document.slice(declaration.length).matchAll(/<[^<>]*>|[^<]+|</g)) {
    const [, closing, name = '', attributes = '', empty] = /^<(\/?)([\w-]+)((?:\s+[\w-]+="[^"]*")*)\s*(\/?)>$/.exec(part) ?? [];
    if (name === '') {
      top().text += plain(part);
      continue;
    }
    if (closing === '/') {
      const ended = open.pop();
      if (ended?.name !== name || open.length === 0) throw new Error(`</${name}> ends <${ended?.name ?? ''}>`);
      top().children.push(ended);
      continue;
    }
    const element: Open = { name, attributes: attributesOf(attributes), children: [], text: '' };
    if (empty === '/') top().children.push(element);
    else open.push(element);
  }
  const [only, ...others] = root.children;
  if (only === undefined || others.length > 0 || open.length > 1 || root.text.trim() !== '') throw new Error('not one element');
  return only;
};
