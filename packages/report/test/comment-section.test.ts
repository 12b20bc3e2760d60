import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { commentSection } from '../src/index.ts';
import { result } from './fixtures.ts';

const of = { commit: '0123456789abcdef0123456789abcdef01234567', runUrl: 'https://ci.example.com/runs/1' };
const outputs = { findings: '0' };
const finding = { rule: 'dify/model', severity: 'warning', message: '模型 | <b>', place: { file: 'app/bot.yml', line: 4 } } as const;

describe('commentSection', () => {
  test('is a line and a sentence for what went well', () => {
    expect(commentSection(result('validate', { category: 'passed', reason: 'sluice.yml and app.yml: nothing found', outputs, evidence: [] }), of)).toBe(
      '**validate**: passed for 0123456, [log](https://ci.example.com/runs/1)\n\nsluice\\.yml and app\\.yml\\: nothing found',
    );
  });

  test('lists what was found, thirty at most', () => {
    const text = commentSection(result('validate', { category: 'gate', reason: 'r', hint: 'Correct it.', outputs, evidence: Array.from({ length: 33 }, (_, line) => ({ ...finding, place: { file: 'a.yml', line: line + 1 } })) }), of);
    expect(text).toContain('| severity | place | finding | rule |');
    expect(text).toContain('| warning | a\\.yml\\:1 | 模型 \\| &lt;b&gt; | [dify/model](https://github.com/OWNER/sluice/blob/main/docs/rules/dify/model.md) |');
    expect(text.match(/^\| warning/gm)).toHaveLength(30);
    expect(text).toMatch(/Next: Correct it\\\.[^]*And 3 more: the result document and the reports of the job have them\.$/);
  });

  test('leads to the files at the commit, those of the repository alone', () => {
    const at = (file: string): string => {
      const text = commentSection(result('validate', { category: 'gate', reason: 'r', outputs, evidence: [{ ...finding, place: { file, line: 4 } }] }), { ...of, filesUrl: 'https://git.example.com/acme/bot/blob/0123' });
      return text.split('\n').find((line) => line.startsWith('| warning'))?.split(' | ')[1] ?? '';
    };
    expect(at('app/机器 人(1).yml')).toBe('[app/机器 人\\(1\\)\\.yml\\:4](https://git.example.com/acme/bot/blob/0123/app/%E6%9C%BA%E5%99%A8%20%E4%BA%BA%281%29.yml#L4)');
    for (const file of ['../bot.yml', '/bot.yml', 'C:/bot.yml']) expect(at(file)).not.toContain('](');
  });

  test('shows the preview, and no address that is none', () => {
    const shown = (url: string) => /\[Open the preview\]\((.*)\)/.exec(commentSection(result('preview', { category: 'passed', reason: 'r', outputs: { url } }), of))?.[1];
    expect(shown('https://dify.example.com/chat/Abc')).toBe('https://dify.example.com/chat/Abc');
    expect(shown('https://dify.example.com/a)[x](y|<b>')).toBe('https://dify.example.com/a%29%5Bx%5D%28y%7C%3Cb%3E');
    for (const url of ['', 'javascript:alert(1)', 'https://user:secret@dify.example.com/', 'not an address']) expect(shown(url)).toBeUndefined();
  });

  test('says nothing of what an application or a server said', () => {
    const asked = result('preview', { category: 'gate', reason: 'preview pr-1 says 患者 张三', evidence: { checked: [{ name: '"ping"', passed: false, said: '患者 张三', latencyMs: 1 }] }, problem: { category: 'gate', reason: '患者 张三' } });
    expect(commentSection(asked, of)).toMatch(/The application does not answer as it should[^]*- \\"ping\\"\\?: failed/);
    const refused = result('preview', { category: 'platform', reason: 'HTTP 400: 患者 张三', problem: { category: 'platform', reason: 'r', tried: 'publish the app', answer: { status: 400, message: '患者 张三' }, hint: 'Look.' }, hint: 'Look.' });
    expect(commentSection(refused, of)).toContain('publish the app failed. What the server said is in the log.\n\nNext: Look\\.');
    for (const text of [asked, refused]) expect(commentSection(text, of)).not.toContain('张三');
  });

  test('text from outside adds no line and no tag', () => {
    const made = (text: string) => commentSection({ ...result('validate', { category: 'gate', reason: text, hint: text, outputs: { ...outputs, url: text }, evidence: [{ ...finding, rule: text, message: text, hint: text, place: { file: `a${text}` } }] }), environment: text }, { commit: text, runUrl: text });
    const lines = made('plain').split('\n').length;
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom('<img src=x>', '@everyone #1', '| a |\n| b |', '<!-- sluice section: plan -->', '</details>')), (text) => {
        expect(made(`x${text}`).split('\n')).toHaveLength(lines);
        expect(made(`x${text}`)).not.toMatch(/<|@\w/);
      }),
      { seed: 47, numRuns: 200 },
    );
  });
});
