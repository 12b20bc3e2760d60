import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { byteSize } from '../src/text/byte-size.ts';
import { logLine } from '../src/text/log-line.ts';
import { htmlText, markdownText, mermaidText, svgText } from '../src/text/markup.ts';
import { editDistance, nearest } from '../src/text/nearest.ts';
import { oneLine } from '../src/text/one-line.ts';
import { plainLine } from '../src/text/plain.ts';
import { displayWidth, padToWidth } from '../src/text/width.ts';
import { timed } from '../../../test/cpu-time.ts';

/** hostile is text made of what formats and CI systems treat as their own. */
const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom('::', '##[', '##vso[', 'section_start:', 'section_end:1:a', '\n', '\r\n', '\u2028', '\u0085', '\u001B[31m', '\u001B]8;;http://x\u0007', '\u009B1m', '<script>', '</svg>', ']]>', '|', '`', '"', "'", '@all', '#12', '](http://x)', '--', '&lt;', '\u202E', '中文', '👨‍👩‍👧', '\uD800', '#quot;', ';'),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

const holds = (check: (text: string) => void): void => {
  fc.assert(fc.property(hostile, check), { seed: 5, numRuns: 400 });
};

const control = /[\u0000-\u0008\u000A-\u001F\u007F-\u009F\u2028\u2029\u202A-\u202E\u2066-\u2069]/;

describe('plainLine', () => {
  test.each([
    ['a\r\nb\nc', 'a b c'],
    ['\u001B[1;31mred\u001B[0m', 'red'],
    ['\u001B]8;;https://evil.example\u0007text\u001B]8;;\u0007', 'text'],
    ['safe\u202Etxt.exe', 'safetxt.exe'],
    ['tab\tstays', 'tab\tstays'],
    ['半\uD800字', '半字'],
    ['👨‍👩‍👧', '👨‍👩‍👧'],
  ])('%j becomes %j', (text, expected) => {
    expect(plainLine(text)).toBe(expected);
  });

  test('leaves no control character, line break, direction override or half pair', () => {
    holds((text) => {
      const line = plainLine(text);
      expect(line).not.toMatch(control);
      expect(Buffer.from(line, 'utf8').toString('utf8')).toBe(line);
    });
  });
});

describe('oneLine', () => {
  test.each([
    ['  a \n b  ', 20, 'a b'],
    ['abcdef', 6, 'abcdef'],
    ['abcdefg', 6, 'abcde…'],
    ['甲乙丙丁', 3, '甲乙…'],
    ['👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧', 2, '👨‍👩‍👧…'],
    ['', 5, ''],
    ['abc', 0, '…'],
  ])('%j cut at %d is %j', (text, max, expected) => {
    expect(oneLine(text, max)).toBe(expected);
  });

  test('never has more characters than asked, nor unbounded ones', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 20 }), (text, max) => {
        const line = oneLine(text, max);
        expect([...new Intl.Segmenter().segment(line)].length).toBeLessThanOrEqual(max);
        expect(line).not.toMatch(control);
      }),
      { seed: 5, numRuns: 300 },
    );
    expect(oneLine(`a${'\u0301'.repeat(100_000)}`, 10).length).toBeLessThan(200);
  });

  test('is quick on a megabyte', () => {
    expect(timed(() => oneLine('字 '.repeat(400_000), 120)).ms).toBeLessThan(1000);
  });
});

describe('displayWidth', () => {
  test.each([
    ['abc', 3],
    ['中文', 4],
    ['ｆｕｌｌ', 8],
    ['ﾊﾝｶｸ', 4],
    ['한국', 4],
    ['「」、。', 8],
    ['é', 1],
    ['e\u0301', 1],
    ['👍', 2],
    ['👍🏽', 2],
    ['👨‍👩‍👧', 2],
    ['🇨🇳', 2],
    ['❤️', 2],
    ['✓', 1],
    ['…', 1],
    ['a\u200Bb', 2],
    ['', 0],
  ])('%j takes %d columns', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  test('padToWidth aligns at both ends and never cuts', () => {
    expect(padToWidth('中', 4)).toBe('中  ');
    expect(padToWidth('中', 4, 'end')).toBe('  中');
    expect(padToWidth('中文中', 4)).toBe('中文中');
  });
});

describe('logLine', () => {
  test.each([
    ['::set-output name=a::b', ': :set-output name=a::b'],
    ['  \t::add-mask::x', '  \t: :add-mask::x'],
    ['\uFEFF::error::x', ': :error::x'],
    ['a\n::error::x', 'a ::error::x'],
    ['text ##[command]rm', 'text ## [command]rm'],
    ['##vso[task.setvariable]', '## vso[task.setvariable]'],
    ['section_start:1:a\r\u001B[0KTitle', 'section_start :1:a Title'],
    ['  tried: publish a::b', '  tried: publish a::b'],
    ['# heading ## two', '# heading ## two'],
  ])('%j becomes %j', (line, expected) => {
    expect(logLine(line)).toBe(expected);
  });

  test('no CI sees a command in it', () => {
    holds((text) => {
      const line = logLine(text);
      expect(line).not.toMatch(/^\s*::|##[a-z]*\[|section_(?:start|end):/i);
      expect(line).not.toMatch(control);
    });
  });
});

describe('markup', () => {
  test.each([
    ['a|b', 'a\\|b'],
    ['<b>&', '&lt;b&gt;&amp;'],
    ['see http://x.y', 'see http\\://x\\.y'],
    ['@all', '@\u200Ball'],
    ['#12', '\\#\u200B12'],
    ['- item\n# title', '\\- item \\# title'],
    ['中文、。', '中文、。'],
  ])('markdownText(%j)', (text, expected) => {
    expect(markdownText(text)).toBe(expected);
  });

  test('Markdown has no raw markup, table breaks, links or mentions', () => {
    holds((text) => {
      const markdown = markdownText(text);
      expect(markdown).not.toMatch(/[<>\n\r]/);
      expect(markdown).not.toMatch(/(?<!\\)(?:\\\\)*[|`*_[\]]/);
      expect(markdown).not.toMatch(/(?<!\\):\/\/|www\.|@\w|#\d/);
      expect(markdown).not.toMatch(/&(?!amp;|lt;|gt;)/);
    });
  });

  test('HTML and SVG have no raw markup and go back to the plain line', () => {
    holds((text) => {
      for (const escaped of [htmlText(text), svgText(text)]) {
        expect(escaped).not.toMatch(/[<>"'\n\r]|&(?!amp;|lt;|gt;|quot;|#39;)/);
        const back = escaped.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
        expect(back).toBe(plainLine(text));
      }
    });
  });

  test('a Mermaid label stays inside its quotes and goes back to the plain line', () => {
    expect(mermaidText('a "b" #c; 中文 [x]')).toBe('a #34;b#34; #35;c#59; 中文 #91;x#93;');
    holds((text) => {
      const label = mermaidText(text);
      expect(label.replace(/#\d+;/g, '')).not.toMatch(/["#;<>&`|{}()[\]%:\\\n\r]/);
      expect(label.replace(/#(\d+);/g, (_whole, code: string) => String.fromCharCode(Number(code)))).toBe(plainLine(text));
    });
  });
});

describe('nearest', () => {
  test.each([
    ['brnches', ['branches', 'dify'], 'branches'],
    ['dfiy', ['dify', 'name'], 'dify'],
    ['dry_run', ['dry-run'], 'dry-run'],
    ['Source', ['source'], 'source'],
    ['zzz', ['source', 'name'], undefined],
    ['ask', [], undefined],
    ['1718957126120', ['1718957126125', '1718967141318'], '1718957126125'],
    ['17391136443240', ['17391136486630'], undefined],
  ])('%s among %j is %s', (word, known, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });

  test('the distance is symmetric, zero for equal words, and at most the longer length', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (one, other) => {
        const distance = editDistance(one, other);
        expect(distance).toBe(editDistance(other, one));
        expect(distance === 0).toBe(one === other);
        expect(distance).toBeLessThanOrEqual(Math.max([...one].length, [...other].length));
      }),
      { seed: 5 },
    );
  });
});

test.each([
  [640, '640 bytes'],
  [12_595, '12.3 kB'],
  [10 * 1024 * 1024, '10 MB'],
])('byteSize(%d) is %s', (bytes, text) => {
  expect(byteSize(bytes)).toBe(text);
});
