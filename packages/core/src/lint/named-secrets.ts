import { isPlaceholder, looksRandom, shapedIn, withoutShaped } from './secret-shapes.ts';

/** secretKey are the keys of nodes, headers and variables that promise a secret. */
const secretKey = /(?:^|[_-])(?:api[_-]?key|x-api-key|app[_-]?key|access[_-]?key(?:[_-]?(?:id|secret))?|secret(?:[_-]?(?:key|id))?|token|access[_-]?token|password|passwd|pwd|authorization|private[_-]?key|webhook|hook[_-]?key)$/i;

/** carriesSecret says whether a header of this name carries a secret. */
export const carriesSecret = (header: string): boolean => /^(?:proxy-authorization|cookie)$/i.test(header) || secretKey.test(header);

const dashed = (key: string): string => key.replace(/([a-z0-9])([A-Z])/g, '$1_$2');

/** assigned are secrets that a text gives a name, as headers and code do. */
const assigned = /([\w-]{2,40})["']?\s*(?::|=(?!=))\s*["']?(?:(?:Bearer|Basic|Token)\s+)?([\w+/=.~-]{16,})/gi;

const bearer = /\b(?:Bearer|Basic)\s+([\w+/=.~-]{20,})/g;

/** namesSecret says whether a text holds a secret beside a name that promises one, as headers and code do. */
export const namesSecret = (text: string): boolean => {
  if (text.length < 20) return false;
  if ([...text.matchAll(bearer)].some(([, carried = '']) => looksRandom(carried))) return true;
  if (!/key|token|secret|passw|pwd|auth|webhook/i.test(text)) return false;
  return [...text.matchAll(assigned)].some(([, name = '', value = '']) => secretKey.test(dashed(name)) && looksRandom(value));
};

/** hideSecrets puts something else in the place of every secret in a text: those of a known shape, and those beside a name that promises one. */
export const hideSecrets = (text: string, hide: (secret: string) => string): string => {
  const hidden = (found: string, value: string): string => `${found.slice(0, -value.length)}${hide(value)}`;
  return withoutShaped(text, hide)
    .replace(bearer, (found, value: string) => (looksRandom(value) ? hidden(found, value) : found))
    .replace(assigned, (found, name: string, value: string) => (secretKey.test(dashed(name)) && looksRandom(value) ? hidden(found, value) : found));
};

const isPassword = (name: string, value: string): boolean => /passw(?:or)?d$/i.test(name) && /^\S{6,100}$/.test(value) && /\d/.test(value) && !isPlaceholder(value);

/** isSecretValue says whether a name promises a secret, and its value looks like one and not like a placeholder. */
export const isSecretValue = (name: string, value: string): boolean =>
  isPassword(name, value) || (secretKey.test(dashed(name)) && looksRandom(value.replace(/^(?:Bearer|Basic|Token)\s+/i, '')));

/** commentSecrets finds the secrets that stand in comments of a file; `found` are texts whose secrets are known already. */
export const commentSecrets = (text: string, found: readonly string[]): readonly { readonly what: string; readonly line: number }[] => {
  const known = found.join('\n');
  return text.split('\n').flatMap((line, index) => {
    const [shaped] = line.includes('#') ? shapedIn(line) : [];
    return shaped === undefined || known.includes(shaped.text) ? [] : [{ what: shaped.what, line: index + 1 }];
  });
};
