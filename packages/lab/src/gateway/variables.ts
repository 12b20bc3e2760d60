import { directives, type Directive } from './directives.ts';
import { murmur2 } from './murmur.ts';
import { template, type Lookup, type Template } from './template.ts';
import { tokenize, type Refused } from './tokens.ts';

/** Variable works out one variable for one request. */
interface Variable {
  readonly names: readonly string[];
  value(lookup: Lookup): string;
}

/** Variables are what an include file defines. */
export interface Variables {
  has(name: string): boolean;
  /** names are without the dollar sign. */
  readonly names: readonly string[];
  /** forRequest gives the values for one request, each worked out once. */
  forRequest(given: Readonly<Record<string, string>>): Lookup;
}

/** Text is held with one character a byte, as nginx sees it. */
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

const shareOf = (text: string): number | undefined => {
  const match = /^(\d+)(?:\.(\d{0,2}))?%$/.exec(text);
  if (match === null) return undefined;
  const hundredths = Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'));
  return hundredths === 0 ? undefined : hundredths;
};

const splitVariable = ({ words, entries }: Directive): Variable | Refused => {
  const source = template(words[1] ?? '');
  if ('refused' in source) return source;
  const parts: { readonly below: number; readonly value: string }[] = [];
  let total = 0;
  let below = 0;
  for (const [share, value, ...more] of entries) {
    if (share === undefined || value === undefined || more.length > 0) return { refused: 'invalid number of the split_clients parameters' };
    const hundredths = share === '*' ? undefined : shareOf(share);
    if (share !== '*' && hundredths === undefined) return { refused: `invalid percent value "${share}"` };
    total = hundredths === undefined ? 10_000 : total + hundredths;
    if (total > 10_000) return { refused: 'percent total is greater than 100%' };
    below += Math.floor(((hundredths ?? 0) * 0xffffffff) / 10_000);
    parts.push({ below: hundredths === undefined ? Number.POSITIVE_INFINITY : below, value });
  }
  return {
    names: source.names,
    value: (lookup) => {
      const hash = murmur2(bytesOf(source.fill(lookup, [])));
      return parts.find((part) => hash < part.below)?.value ?? '';
    },
  };
};

const pattern = (key: string): RegExp | Refused => {
  const insensitive = key.startsWith('~*');
  try {
    return new RegExp(key.slice(insensitive ? 2 : 1), insensitive ? 'i' : '');
  } catch (error) {
    return { refused: `pcre2_compile() failed: ${error instanceof Error ? error.message : String(error)}` };
  }
};

const mapVariable = ({ words, entries }: Directive): Variable | Refused => {
  const source = template(words[1] ?? '');
  if ('refused' in source) return source;
  const exact = new Map<string, Template>();
  const patterns: { readonly expression: RegExp; readonly value: Template }[] = [];
  let otherwise: Template | undefined;
  for (const [key, text, ...more] of entries) {
    if (key === undefined || text === undefined || more.length > 0) return { refused: 'invalid number of the map parameters' };
    const value = template(text);
    if ('refused' in value) return value;
    if (key === 'default') {
      if (otherwise !== undefined) return { refused: 'duplicate default map parameter' };
      otherwise = value;
    } else if (key.startsWith('~')) {
      const expression = pattern(key);
      if ('refused' in expression) return expression;
      patterns.push({ expression, value });
    } else {
      // nginx compares the keys of a map without regard to case.
      const plain = key.toLowerCase();
      if (exact.has(plain)) return { refused: `conflicting parameter "${plain}"` };
      exact.set(plain, value);
    }
  }
  const values = [...exact.values(), ...patterns.map((entry) => entry.value), ...(otherwise === undefined ? [] : [otherwise])];
  return {
    names: [...source.names, ...values.flatMap((value) => value.names)],
    value: (lookup) => {
      const from = source.fill(lookup, []);
      const found = exact.get(from.toLowerCase());
      if (found !== undefined) return found.fill(lookup, []);
      for (const { expression, value } of patterns) {
        const match = expression.exec(from);
        if (match !== null) return value.fill(lookup, match);
      }
      return otherwise?.fill(lookup, []) ?? '';
    },
  };
};

/**
 * readVariables reads an include file of split_clients and map as nginx 1.22 does, or says in nginx's words why it
 * refuses. `given` are the variables that exist without the file; two definitions of one name are no error, the last counts.
 */
export const readVariables = (text: string, given: readonly string[]): Variables | Refused => {
  const tokens = tokenize(text);
  if ('refused' in tokens) return tokens;
  const blocks = directives(tokens);
  if ('refused' in blocks) return blocks;
  const defined = new Map<string, Variable>();
  for (const block of blocks) {
    const name = block.words[2]?.slice(1) ?? '';
    if (given.includes(name)) return { refused: `the duplicate "${name}" variable` };
    const variable = block.words[0] === 'map' ? mapVariable(block) : splitVariable(block);
    if ('refused' in variable) return variable;
    defined.set(name, variable);
  }
  for (const { names } of defined.values()) {
    const unknown = names.find((name) => !defined.has(name) && !given.includes(name));
    if (unknown !== undefined) return { refused: `unknown "${unknown}" variable` };
  }
  return {
    has: (name) => defined.has(name),
    names: [...defined.keys()],
    forRequest: (values) => {
      const known = new Map(Object.entries(values));
      const lookup: Lookup = (name) => {
        const value = known.get(name) ?? defined.get(name)?.value(lookup) ?? '';
        known.set(name, value);
        return value;
      };
      return lookup;
    },
  };
};
