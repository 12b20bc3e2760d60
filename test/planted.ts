import { randomBytes } from 'node:crypto';

const half = (): string => `zq${randomBytes(5).toString('hex')}`;

/** Garden plants strings that must never be seen again, and knows them by either half of their core. */
export interface Garden {
  /** plant makes a string under a name; `around` writes it around the core, of 24 characters that no escaping changes. */
  plant(name: string, around?: (core: string) => string): string;
  /** names are those of everything planted. */
  names(): readonly string[];
  /** namesIn are the names of what a text holds, in whatever form. */
  namesIn(text: string): readonly string[];
}

const halfText = /zq[0-9a-f]{10}/g;

/** runs are pieces of a text that may be an encoding, each from its first characters on: an encoding can begin at any. */
const runs = (text: string, alphabet: RegExp, offsets: number): readonly string[] =>
  [...text.matchAll(alphabet)].flatMap(([run]) => Array.from({ length: offsets }, (_, offset) => run.slice(offset)));

const namedEntities: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' };

/** decoders undo one encoding each, wherever in a text it stands. */
const decoders: readonly ((text: string) => string)[] = [
  (text) => text.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16))),
  (text) => text.replace(/\\+u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16))),
  (text) => text.replace(/&#(x?)([0-9a-f]+);/gi, (_, hex: string, code: string) => String.fromCharCode(parseInt(code, hex === '' ? 10 : 16))).replace(/&[a-z]+;/g, (entity) => namedEntities[entity] ?? entity),
  (text) => runs(text, /[0-9a-f]{24,}/gi, 2).map((run) => Buffer.from(run, 'hex').toString('latin1')).join('\n'),
  (text) => runs(text, /[A-Za-z0-9+/_-]{14,}/g, 4).map((run) => Buffer.from(run, 'base64').toString('latin1')).join('\n'),
];

/** unbroken undoes what breaks a text over lines or elements. */
const unbroken: readonly ((text: string) => string)[] = [(text) => text, (text) => text.replace(/<[^>]*>/g, ''), (text) => text.replace(/\\+[nrt]|[\s|"'+\\]+/g, '')];

/** halvesIn finds halves of cores: plain, in one encoding, in base64 or hex of what is encoded, and broken over lines. */
const halvesIn = (text: string): ReadonlySet<string> => {
  const whole = unbroken.map((undo) => undo(text));
  const once = whole.flatMap((one) => decoders.map((decode) => decode(one)));
  const twice = once.flatMap((one) => [...decoders.slice(0, 3), ...decoders.slice(4)].map((decode) => decode(one)));
  return new Set([...whole, ...once, ...twice].flatMap((one) => one.toLowerCase().match(halfText) ?? []));
};

/** createGarden makes a garden in which nothing is planted yet. */
export const createGarden = (): Garden => {
  const byHalf = new Map<string, string>();
  return {
    plant: (name, around = (core) => core) => {
      const [one, other] = [half(), half()];
      byHalf.set(one, name).set(other, name);
      return around(`${one}${other}`);
    },
    names: () => [...new Set(byHalf.values())],
    namesIn: (text) => [...new Set([...halvesIn(text)].flatMap((found) => byHalf.get(found) ?? []))],
  };
};

const entities = (text: string, entity: (unit: number) => string): string => text.replace(/[^\w .-]/g, (unit) => entity(unit.charCodeAt(0)));

/** forms are how servers, proxies and templates write what they give back, by name. */
export const forms: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64url of a pair': (text) => Buffer.from(`api:${text}`).toString('base64url'),
  'base64 of a longer pair': (text) => Buffer.from(`ab${text}`).toString('base64'),
  hex: (text) => Buffer.from(text).toString('hex'),
  'hex in capitals': (text) => Buffer.from(text).toString('hex').toUpperCase(),
  'percent-encoded': encodeURIComponent,
  'percent-encoded in small letters': (text) => encodeURIComponent(text).replace(/%../g, (escape) => escape.toLowerCase()),
  'a form': (text) => new URLSearchParams({ '': text }).toString().slice(1),
  JSON: (text) => JSON.stringify(text).slice(1, -1),
  'JSON in ASCII': (text) => JSON.stringify(text).slice(1, -1).replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  'JSON in JSON': (text) => JSON.stringify(JSON.stringify(text)).slice(2, -2),
  markup: (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#x27;'),
  'markup with numbers': (text) => text.replace(/[&<>"'+]/g, (unit) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[unit] ?? `&#${unit.charCodeAt(0)};`),
};

/** everyEntity writes all but letters as entities; no template engine does, so it is for showing that the search finds it. */
export const everyEntity = (text: string): string => entities(text, (unit) => `&#x${unit.toString(16)};`);
