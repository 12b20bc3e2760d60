import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createSecretReader } from '../src/secrets/environment-reader.ts';
import { canBeHidden, derivedForms } from '../src/secrets/forms.ts';
import { credentialHosts, mayReceiveCredentials } from '../src/secrets/host-binding.ts';
import { createRedactor } from '../src/secrets/redactor.ts';
import { looksLikeSecretName } from '../src/secrets/secret-names.ts';

const redactedWith = (text: string, ...secrets: readonly string[]): string => {
  const redactor = createRedactor();
  secrets.forEach((secret) => {
    redactor.add(secret);
  });
  return redactor.redact(text);
};

describe('derivedForms', () => {
  const secret = 'p@ss/wörd 密码"1"';
  test.each([
    ['itself', secret],
    ['base64', Buffer.from(secret).toString('base64')],
    ['base64url', Buffer.from(secret).toString('base64url')],
    ['percent-encoding', encodeURIComponent(secret)],
    ['percent-encoding in small letters', encodeURIComponent(secret).toLowerCase().replace('p%40ss', 'p%40ss')],
    ['form encoding', new URLSearchParams({ a: secret }).toString().slice(2)],
    ['JSON', JSON.stringify(secret).slice(1, -1)],
    ['JSON in ASCII', 'p@ss/w\\u00f6rd \\u5bc6\\u7801\\"1\\"'],
    ['markup', 'p@ss/wörd 密码&quot;1&quot;'],
    ['markup with numbers', 'p@ss/wörd 密码&#34;1&#34;'],
    ['hexadecimal', Buffer.from(secret).toString('hex')],
    ['hexadecimal in capitals', Buffer.from(secret).toString('hex').toUpperCase()],
  ])('has %s', (_name, form) => {
    expect(derivedForms(secret)).toContain(form);
  });

  test.each([
    ["a webhook's path", 'https://hooks.example.com/services/T0/XyZ01abcdefgh', 'XyZ01abcdefgh'],
    ["a webhook's query", 'https://robot.example.com/send?access_token=0a1b2c3d4e5f&v=2', '0a1b2c3d4e5f'],
    ["a proxy's password", 'http://proxy:s%2Bcret@proxy.example.com:3128', 's+cret'],
    ["a proxy's password as it is written", 'http://proxy:s%2Bcret@proxy.example.com:3128', 's%2Bcret'],
  ])('has %s by itself', (_name, address, part) => {
    expect(derivedForms(address)).toContain(part);
  });

  test('leaves the words of an address readable', () => {
    expect(redactedWith('/console/api/apps of https://crm.example.com failed', 'https://crm.example.com/console/api/customers?region=europe')).toBe('/console/api/apps of https://crm.example.com failed');
  });

  test('has both alphabets of base64', () => {
    const secret = '??>>~~??>>';
    expect(Buffer.from(secret).toString('base64')).toBe('Pz8+Pn5+Pz8+Pg==');
    expect(derivedForms(secret)).toEqual(expect.arrayContaining(['Pz8+Pn5+Pz8+Pg==', 'Pz8-Pn5-Pz8-Pg', 'Pz8-Pn5-Pz8-Pg==']));
  });

  test('covers Basic credentials and JSON inside base64 at every alignment', () => {
    for (const before of ['', 'u', 'us', 'use', 'user:', 'name:x:']) {
      const encoded = Buffer.from(`${before}s3cret-value${before}`).toString('base64');
      const left = redactedWith(encoded, 's3cret-value').replaceAll('***', '');
      expect(left.length).toBeLessThanOrEqual(encoded.length - 14);
    }
  });

  test('has each line of a key and leaves out what is short', () => {
    expect(derivedForms('-----BEGIN-----\r\nabcdef\nxy\n')).toEqual(expect.arrayContaining(['-----BEGIN-----', 'abcdef']));
    expect(derivedForms('abc')).toEqual([]);
    expect(derivedForms('    \n')).toEqual([]);
    expect(derivedForms('abcd\nxy').filter((form) => form.length < 4)).toEqual([]);
  });

  test('are there exactly for what can be hidden', () => {
    const short = fc.string({ unit: fc.constantFrom('a', '码', ' ', '\n', '\r', '\t', '"', '\u0000', '\ud800'), maxLength: 9 });
    fc.assert(fc.property(short, (secret) => canBeHidden(secret) === derivedForms(secret).length > 0), { seed: 7, numRuns: 2000 });
  });
});

describe('redactor', () => {
  test.each([
    ['nothing known', 'plain text', [], 'plain text'],
    ['a secret', 'a hunter2! b', ['hunter2'], 'a ***! b'],
    ['the longer of two', 'token-longer', ['token', 'token-longer'], '***'],
    ['overlapping ones', 'x abcdEFGHijkl y', ['abcdEFGH', 'EFGHijkl'], 'x *** y'],
    ['one inside another', 'x abcdefgh y', ['abcdefgh', 'cdef'], 'x *** y'],
    ['touching ones', 'aaaabbbb', ['aaaa', 'bbbb'], '***'],
    ['CJK', '密码是甲乙丙丁。', ['甲乙丙丁'], '密码是***。'],
    ['asterisks that would spell a secret', 'aSECRETb', ['SECRET', 'a***b'], '***'],
    ['a short one stays', 'a ab b', ['ab'], 'a ab b'],
  ])('%s', (_name, text, secrets, expected) => {
    expect(redactedWith(text, ...secrets)).toBe(expected);
  });

  test('no derived form survives in any text around it', () => {
    const secretText = fc.oneof(fc.string({ minLength: 4, maxLength: 40 }), fc.string({ unit: 'grapheme', minLength: 4, maxLength: 20 }), fc.stringMatching(/^[a*]{4,9}$/));
    fc.assert(
      fc.property(fc.array(secretText, { minLength: 1, maxLength: 4 }), fc.string(), fc.string({ unit: 'binary' }), fc.nat(), (secrets, before, after, pick) => {
        const redactor = createRedactor();
        secrets.forEach((secret) => {
          redactor.add(secret);
        });
        const forms = secrets.flatMap(derivedForms);
        const chosen = forms.length === 0 ? '' : (forms[pick % forms.length] ?? '');
        const clean = redactor.redact(`${before}${chosen}${after}${secrets.join('')}`);
        expect(forms.filter((form) => clean.includes(form))).toEqual([]);
      }),
      { seed: 11, numRuns: 200 },
    );
  });

  test('leaves text without secrets as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(redactedWith(text, 'a-secret-that-is-never-there')).toBe(text);
      }),
      { seed: 11 },
    );
  });

  test('twenty secrets cost little more than looking at each place of a text once', () => {
    const redactor = createRedactor();
    for (let index = 0; index < 20; index += 1) redactor.add(Buffer.from(`secret number ${index}`).toString('base64'));
    const log = Buffer.from('a log line of a usual kind '.repeat(40_000)).toString('base64').slice(0, 1_000_000);
    const places = new Map([['none', 0]]);
    const look = (): void => {
      for (let index = 0; index < log.length; index += 1) places.get(log.slice(index, index + 4));
    };
    const best = (work: () => void): number =>
      Math.min(
        ...Array.from({ length: 5 }, () => {
          const begun = performance.now();
          work();
          return performance.now() - begun;
        }),
      );
    expect(best(() => redactor.redact(log)) / best(look)).toBeLessThan(10);
  });
});

/** Span is a text and where in it the secret stands, as far as single characters show the secret alone. */
interface Span {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** escaping is an encoding that goes character by character. */
const escaping =
  (encode: (text: string) => string) =>
  ({ text, from, to }: Span): Span => ({ text: encode(text), from: encode(text.slice(0, from)).length, to: encode(text.slice(0, to)).length });

const inBase64 =
  (alphabet: 'base64' | 'base64url') =>
  ({ text, from, to }: Span): Span => {
    const bytesTo = (end: number): number => Buffer.byteLength(text.slice(0, end));
    return { text: Buffer.from(text).toString(alphabet), from: Math.ceil((bytesTo(from) * 8) / 6), to: Math.floor((bytesTo(to) * 8) / 6) };
  };

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
const inAscii = (text: string): string => inJson(text).replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
const inForm = (text: string): string => new URLSearchParams({ a: text }).toString().slice(2);
const smallHex = (text: string): string => text.replace(/%../g, (escape) => escape.toLowerCase());

/** encodings are the forms in which servers, proxies and logs write what they quote. */
const encodings: Readonly<Record<string, (span: Span) => Span>> = {
  plain: escaping((text) => text),
  JSON: escaping(inJson),
  'JSON in ASCII': escaping(inAscii),
  'JSON as PHP writes it': escaping((text) => inAscii(text).replaceAll('/', '\\/')),
  'JSON as Go writes it': escaping((text) => inJson(text).replaceAll('<', '\\u003c').replaceAll('>', '\\u003e').replaceAll('&', '\\u0026')),
  percent: escaping(encodeURIComponent),
  'percent in small letters': escaping((text) => smallHex(encodeURIComponent(text))),
  form: escaping(inForm),
  'form in small letters': escaping((text) => smallHex(inForm(text))),
  markup: escaping((text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;')),
  base64: inBase64('base64'),
  base64url: inBase64('base64url'),
};

describe('a secret of 8 characters or more', () => {
  const around = fc.string({ unit: 'grapheme', maxLength: 9 });
  const secrets = fc
    .oneof(fc.string({ unit: 'grapheme', minLength: 8, maxLength: 40 }), fc.string({ minLength: 8, maxLength: 60 }), fc.stringMatching(/^["\\/<>&='+%éö密]{8,20}$/), fc.stringMatching(/^[\w-]{8,64}$/))
    .filter((secret) => secret.trim().length >= 8);
  const within = (before: string, { text, from, to }: Span, after: string): Span => ({ text: before + text + after, from: from + before.length, to: to + before.length });

  const pairs = Object.keys(encodings).flatMap((inner) => Object.keys(encodings).map((outer) => [inner, outer] as const));

  test.each(pairs)('in %s in %s is hidden, whatever stands around it', (inner, outer) => {
    fc.assert(
      fc.property(secrets, around, around, around, around, (secret, one, two, three, four) => {
        const once = encodings[inner]?.(within(one, { text: secret, from: 0, to: secret.length }, two));
        const twice = once === undefined ? undefined : encodings[outer]?.(within(three, once, four));
        if (twice === undefined) throw new Error('no such encoding');
        const shown = twice.text.slice(twice.from, twice.to);
        expect(shown.length).toBeGreaterThan(7);
        const clean = redactedWith(twice.text, secret);
        expect(clean).toContain('***');
        expect(clean).not.toContain(shown);
      }),
      { seed: 12, numRuns: 12 },
    );
  });
});

describe('secret reader', () => {
  const readerOf = (environment: Readonly<Record<string, string | undefined>>, offline = false) => {
    const masked: string[] = [];
    const notes: string[] = [];
    const reader = createSecretReader({
      environment,
      environmentName: 'pre-production',
      mask: (value) => masked.push(value),
      note: (line) => notes.push(line),
      offline,
    });
    return { reader, masked, notes };
  };

  test('the environment’s own variable wins, values are masked before they are given, and trimmed', () => {
    const { reader, masked, notes } = readerOf({ DIFY_PASSWORD: 'other', DIFY_PASSWORD_PRE_PRODUCTION: ' hunter2\n' });
    expect(reader.read('DIFY_PASSWORD', 'log in')).toEqual({ ok: true, value: 'hunter2' });
    expect(reader.find('DIFY_PASSWORD')).toBe('hunter2');
    expect(masked).toContain(' hunter2\n');
    expect(notes).toEqual(['DIFY_PASSWORD_PRE_PRODUCTION has blanks or line ends around its value; they are left out']);
  });

  test('an empty variable is none, and the next one counts', () => {
    expect(readerOf({ A_PRE_PRODUCTION: ' ', A: 'value' }).reader.find('A')).toBe('value');
    expect(readerOf({ A: '' }).reader.find('A')).toBeUndefined();
  });

  test('a short one is noted', () => {
    expect(readerOf({ A: 'abc' }).reader.find('A')).toBe('abc');
    const { reader, notes } = readerOf({ A: 'abc' });
    reader.find('A');
    expect(notes).toEqual(['A has fewer than 4 characters and cannot be hidden in logs']);
  });

  test('what is missing names the variables and the purpose', () => {
    expect(readerOf({}).reader.read('DIFY_PASSWORD', 'log in to the console')).toMatchObject({
      ok: false,
      problem: { category: 'input', reason: 'the secret DIFY_PASSWORD is not set', tried: 'log in to the console', hint: expect.stringContaining('DIFY_PASSWORD_PRE_PRODUCTION or DIFY_PASSWORD') },
    });
  });

  test('offline nothing is read', () => {
    const { reader, masked } = readerOf({ A: 'hunter2' }, true);
    expect(reader.find('A')).toBeUndefined();
    expect(reader.read('A', 'log in')).toMatchObject({ ok: false, problem: { category: 'input', reason: 'no credentials are read for pull requests' } });
    expect(masked).toEqual([]);
  });
});

describe('mayReceiveCredentials', () => {
  const verdict = (variable: string | undefined, url: string, options: { onCi?: boolean; insecureHttp?: boolean } = {}): string => {
    const hosts = credentialHosts(variable);
    if (!hosts.ok) return hosts.problem.reason;
    const may = mayReceiveCredentials(url, hosts.value, { onCi: true, ...options });
    return may.ok ? (may.value.warning ?? 'yes') : may.problem.reason;
  };

  test.each<[string | undefined, string, { onCi?: boolean; insecureHttp?: boolean }, RegExp]>([
    ['dify.example.com', 'https://dify.example.com/app/1', {}, /^yes$/],
    ['https://Dify.Example.com/x, other.example.com', 'https://dify.example.com:8443', {}, /^yes$/],
    ['dify.example.com:8443', 'https://dify.example.com', {}, /does not list it/],
    ['dify.example.com:443', 'https://dify.example.com.', {}, /^yes$/],
    ['dify.example.com', 'https://dify.example.com.evil.test', {}, /may not go to dify.example.com.evil.test/],
    ['dify.example.com', 'https://dify.example.com@evil.test', {}, /may not go to evil.test/],
    ['bücher.example', 'https://xn--bcher-kva.example', {}, /^yes$/],
    [undefined, 'https://dify.example.com', {}, /SLUICE_HOSTS is not set.*SLUICE_HOSTS=dify.example.com$/],
    [undefined, 'https://dify.example.com', { onCi: false }, /^yes$/],
    ['', 'http://127.0.0.1:8080', {}, /^yes$/],
    ['dify.example.com', 'http://127.0.0.1:8080', {}, /may not go to 127.0.0.1/],
    ['dify.example.com', 'http://dify.example.com', {}, /unencrypted/],
    ['dify.example.com', 'http://dify.example.com', { insecureHttp: true }, /^yes$/],
    [undefined, 'https://169.254.169.254/latest', {}, /link-local or metadata/],
    [undefined, 'https://0xA9FEA9FE/', { onCi: false }, /link-local or metadata/],
    [undefined, 'https://[fe80::1]/', {}, /link-local or metadata/],
    [undefined, 'https://[::ffff:169.254.169.254]/', {}, /link-local or metadata/],
    [undefined, 'https://100.100.100.200/', {}, /link-local or metadata/],
    [undefined, 'http://0.0.0.0/', {}, /link-local or metadata/],
    [undefined, 'ftp://dify.example.com', { insecureHttp: true }, /unencrypted/],
    [undefined, 'not a url', {}, /no URL/],
    ['*.example.com', 'https://a.example.com', {}, /entry that is no host/],
    ['a b:c:d', 'https://a', {}, /entry that is no host: b:c:d/],
  ])('SLUICE_HOSTS=%j, %s', (variable, url, options, expected) => {
    expect(verdict(variable, url, options)).toMatch(expected);
  });
});

test.each([
  ['token', true],
  ['api-key', true],
  ['dingtalkToken', true],
  ['DIFY_PASSWORD', true],
  ['keyboard', false],
  ['tokenizer', false],
  ['environment', false],
])('looksLikeSecretName(%s) is %p', (name, expected) => {
  expect(looksLikeSecretName(name)).toBe(expected);
});
