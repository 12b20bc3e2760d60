import { stringify } from 'yaml';

/** largest is the most bytes of a file that is made here. */
const largest = 256 * 1024;

/** Chance draws numbers, always the same for a seed. */
interface Chance {
  below(most: number): number;
  one<T>(list: readonly T[]): T | undefined;
}

const chanceOf = (seed: number): Chance => {
  let state = (seed * 2654435761 + 12345) >>> 0;
  const below = (most: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };
  return { below, one: (list) => list[below(list.length)] };
};

const oddValues: readonly unknown[] = [null, true, '', ' ', 0, -1, 1e308, Number.MAX_SAFE_INTEGER, [], {}, [[]], [null], { a: null }, '{{#', '{{#a.b#}}', '{{#..#}}', '\ud800', '\u0000x', '__proto__', 'constructor', 'toString', '0'.repeat(5000), '('.repeat(3000), '"""', [['a', 'b']], ['sys', ''], ['hasOwnProperty', 'x']];

/** twisted puts odd values into places of a tree. */
const twisted = (root: unknown, chance: Chance): unknown => {
  const copy: unknown = structuredClone(root);
  for (let time = 0; time <= chance.below(12); time += 1) {
    let at = copy;
    for (let depth = 0; depth < 14 && typeof at === 'object' && at !== null; depth += 1) {
      const keys = Object.keys(at);
      const key = chance.one(keys);
      if (key === undefined) break;
      const inner: unknown = Reflect.get(at, key);
      if (typeof inner !== 'object' || inner === null || chance.below(6) === 0) {
        Reflect.set(at, key, structuredClone(chance.one(oddValues)));
        break;
      }
      at = inner;
    }
  }
  return copy;
};

const signs = ['a', 'key', ': ', '\n', '\n  ', '- ', '{', '}', '[', ']', '"', "'", '|', '>', '&a ', '*a', '!!', '<<: ', '#', '%', '---\n', '\t', '中', '\ud83d', '0x', '1e999', '.inf', 'nodes', 'edges', 'data', 'type: ', 'code: |\n'];

const makers: readonly ((texts: readonly string[], roots: readonly unknown[], chance: Chance) => string)[] = [
  (texts, _roots, chance) => {
    const bytes = Buffer.from(chance.one(texts) ?? '');
    for (let flip = 0; flip <= chance.below(40); flip += 1) {
      const at = chance.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << chance.below(8));
    }
    return bytes.toString('utf8');
  },
  (texts, _roots, chance) => {
    const text = chance.one(texts) ?? '';
    return text.slice(chance.below(3) === 0 ? chance.below(text.length) : 0, chance.below(text.length));
  },
  (_texts, _roots, chance) => Array.from({ length: chance.below(4000) }, () => chance.one(signs)).join(''),
  (_texts, roots, chance) => stringify(twisted(chance.one(roots), chance)),
  (_texts, roots, chance) => JSON.stringify(twisted(chance.one(roots), chance)),
  (texts, _roots, chance) => (chance.one(texts) ?? '').replace(/\d+/g, (digits) => (chance.below(20) === 0 ? '9'.repeat(1 + chance.below(400)) : digits)),
  (texts, _roots, chance) => `${chance.one(texts) ?? ''}\nx: ${chance.one(['[', '{a: ', '- ', '\n '])?.repeat(1 + chance.below(20_000)) ?? ''}`,
  (texts, _roots, chance) => {
    const lines = Array.from({ length: 2 + chance.below(30) }, (_, level) => `l${level}: &l${level} [${Array.from({ length: 2 + chance.below(9) }, () => (level === 0 ? 'x' : `*l${level - 1}`)).join(', ')}]`);
    return `${lines.join('\n')}\n${chance.one(texts) ?? ''}`;
  },
  (texts, _roots, chance) => {
    const text = chance.one(texts) ?? '';
    const at = chance.below(text.length);
    return `${text.slice(0, at)}${chance.one(['\ud800', '\udfff', '\u0000', '\ufeff', '\u2028', '\u202e', '\r'])?.repeat(1 + chance.below(50)) ?? ''}${text.slice(at)}`;
  },
  (texts, _roots, chance) => {
    const text = chance.one(texts) ?? '';
    return text.replace(/(text|code|answer|template): .*/, (_whole, key: string) => `${key}: ${JSON.stringify(chance.one(['(', '{{#', 'a=', '"', "'", '#', '\n', 'def main(', 'sk-', 'x:', '://a:', 'Bearer '])?.repeat(30_000) ?? '')}`);
  },
];

/** fuzzed makes the bad file of a number, at most 256 kB. */
export const fuzzed = (number: number, texts: readonly string[], roots: readonly unknown[]): string => {
  const maker = makers[number % makers.length];
  return maker === undefined ? '' : maker(texts, roots, chanceOf(number)).slice(0, largest);
};
