/** shortestForm is the length below which a form is not hidden: it would blacken ordinary text. */
export const shortestForm = 4;

/** base64Forms are what base64 of a text shows of `value`, wherever in the text it stands, in both alphabets. */
const base64Forms = (value: string): string[] => {
  const bytes = Buffer.from(value, 'utf8');
  const aligned = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // Letters at both ends also depend on the neighbours; six bits make one letter.
    return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  const whole = bytes.toString('base64');
  return [whole, whole.replace(/=+$/, ''), ...aligned].flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')]);
};

const percentEncoded = (value: string): string[] => {
  const component = encodeURIComponent(value);
  const strict = component.replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams([['', value]]).toString().slice(1);
  const upper = [component, strict, form, encodeURI(value)];
  return [...upper, ...upper.map((one) => one.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()))];
};

const unicodeEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** jsonEscaped are the ways in which JSON is written: in Unicode or ASCII, with slashes escaped (PHP) or what HTML could take for markup (Go, Gson). */
const jsonEscaped = (value: string): string[] => {
  const escaped = JSON.stringify(value).slice(1, -1);
  return [escaped, escaped.replace(/[^\u0000-\u007F]/g, unicodeEscape)].flatMap((text) => [
    text,
    text.replaceAll('/', '\\/'),
    text.replace(/[<>&]/g, unicodeEscape),
    text.replace(/[<>&=']/g, unicodeEscape),
  ]);
};

/** markupEscaped are the ways in which markup is written: by most, by Python, by Jinja, and by Go, which also escapes the plus. */
const markupEscaped = (value: string): string[] => {
  const escaped = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const quotes = (double: string, single: string): string => escaped.replaceAll('"', double).replaceAll("'", single);
  const numbered = quotes('&#34;', '&#39;');
  return [quotes('&quot;', '&#39;'), quotes('&quot;', '&#x27;'), numbered, numbered.replaceAll('+', '&#43;')];
};

/** hexForms are the bytes in hexadecimal digits, small and capital. */
const hexForms = (value: string): string[] => {
  const digits = Buffer.from(value, 'utf8').toString('hex');
  return [digits, digits.toUpperCase()];
};

/** percentDecoded undoes percent-encoding, and leaves what is none. */
const percentDecoded = (value: string): string => new URLSearchParams(`=${value.replaceAll('+', '%2B').replaceAll('&', '%26')}`).get('') ?? value;

/** isRandom tells a part of an address that nobody has made up as a word. */
const isRandom = (part: string): boolean => part.length >= 10 && /\d/.test(part) && /[A-Za-z]/.test(part);

/** addressParts are what of a web address is a secret by itself, as a server sees and repeats it: its password, and tokens in user, path and query. */
const addressParts = (value: string): string[] => {
  if (!/^\s*https?:/i.test(value) || !URL.canParse(value)) return [];
  const { username, password, pathname, search, searchParams } = new URL(value);
  return [password, percentDecoded(password), ...[username, ...pathname.split('/'), ...search.split(/[?&=]/), ...searchParams.values()].filter(isRandom)];
};

/** wellFormed replaces halves of surrogate pairs, which no encoding can carry. */
const wellFormed = (value: string): string => Buffer.from(value, 'utf8').toString('utf8');

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];

/** isPlain tells a text that no encoding but base64 changes. */
const isPlain = (value: string): boolean => /^[\w.-]*$/.test(value);

const encodedOnce = (value: string): string[] => {
  if (isPlain(value)) return [value, ...base64Forms(value)];
  const whole = wellFormed(value);
  return unique([value, ...base64Forms(whole), ...percentEncoded(whole), ...jsonEscaped(whole), ...markupEscaped(value)]);
};

/** shortestTwice is the length from which a value is known in two encodings at once; of a shorter one these would be ordinary text. */
const shortestTwice = 8;

const formsOf = (value: string): string[] => {
  const once = encodedOnce(value);
  return [...(value.length < shortestTwice ? once : once.flatMap(encodedOnce)), ...hexForms(value)];
};

/** canBeHidden tells whether a secret is long enough to have forms; it costs nothing, and making them up to 2 ms. */
export const canBeHidden = (secret: string): boolean => secret.trim().length >= shortestForm;

/**
 * derivedForms are the texts that would give a secret away: itself, trimmed, each of its lines, the secret parts of a web
 * address, and each of these in base64 (so also inside `Authorization: Basic`), percent-encoded, escaped for JSON and for
 * markup, and in any two of these at once, as in JSON that quotes JSON; and in hexadecimal. Forms shorter than 4
 * characters are left out.
 */
export const derivedForms = (secret: string): readonly string[] => {
  const values = [secret, secret.trim(), ...addressParts(secret), ...secret.split(/\r\n|[\n\r]/).flatMap((line) => [line, line.trim()])];
  const worthHiding = unique(values).filter(canBeHidden);
  return unique(worthHiding.flatMap(formsOf)).filter((form) => form.length >= shortestForm);
};
