import { describe, expect, test } from '@jest/globals';
import { displayWidth, type Json } from '@sluice/core';
import * as fc from 'fast-check';
import { niceTop } from '../src/canary-svg.ts';
import { createHash } from 'node:crypto';
import { canaryChart } from '../src/canary-chart.ts';
import { attachmentsOf, canaryEvidenceOf, canarySvg, htmlReport, releaseSummary, stepsTable, type CanaryPoint } from '../src/index.ts';
import { aborted, canaryEvidence, exposure, labels, release, result } from './fixtures.ts';

const hostile = fc.oneof(
  fc.string(),
  fc.constantFrom('<script>alert(1)</script>', '| a | b |', '```\n::set-output name=a::b', '"]; click s0 "javascript:x"', '@everyone #1', '[x](http://evil.example)', '\u001b[31mred', '文字\n---\n# 标题', '--> end', '${{ secrets.X }}', '<!--', '&amp;', "' onload='x"),
);

describe('the summary of a validate', () => {
  const finding = { rule: 'dify/cycle', severity: 'warning', message: '圈 | <b>', hint: 'Cut one.', place: { file: 'app/bot.yml', line: 4 } };
  const checks = [{ rule: 'connection/login', severity: 'notice', message: 'connection/login: as 小李', status: 'passed' }];
  const summaryOf = (evidence: Json): string => releaseSummary(result('validate', { category: 'passed', reason: 'r', outputs: { findings: '1' }, evidence }), { filesUrl: 'https://git.example.com/acme/bot/blob/0123' });

  test('lists what was found and asked, with the line and the page of each rule', () => {
    expect(summaryOf([finding, ...checks]).split('\n').filter((line) => line.startsWith('|'))).toEqual([
      '| severity | place | finding | rule |',
      '| --- | --- | --- | --- |',
      '| warning | [app/bot\\.yml\\:4](https://git.example.com/acme/bot/blob/0123/app/bot.yml#L4) | 圈 \\| &lt;b&gt; Cut one\\. | [dify/cycle](https://github.com/OWNER/sluice/blob/main/docs/rules/dify/cycle.md) |',
      '| check | status | said |',
      '| --- | --- | --- |',
      '| connection/login | passed | as 小李 |',
    ]);
  });

  test('keeps below what GitHub takes, and says what is left out', () => {
    const text = summaryOf(Array.from({ length: 300 }, (_, line) => ({ ...finding, message: '字'.repeat(2000), place: { file: `${'文件/'.repeat(60)}a.yml`, line: line + 1 } })));
    expect(Buffer.byteLength(text)).toBeLessThan(1024 * 1024);
    expect(text).toContain('And 100 more: the result document and the reports of the job have them.');
  });
});

describe('releaseSummary', () => {
  const lines = releaseSummary(release, { exposure }).split('\n');

  test('says first what failed and what to do', () => {
    expect(lines[0]).toBe('## release: failed');
    const text = lines.join('\n');
    expect(text.indexOf('What failed')).toBeLessThan(text.indexOf('### Steps'));
    expect(text).toContain('- **canary**: The candidate failed in 12 of 60');
    expect(text).toContain('next\\: Read the failed runs of v2');
    expect(text).toContain('answer\\: HTTP 502 bad\\_gateway &lt;html&gt;\\|bad\\|&lt;/html&gt; \\(request id r\\-1\\)');
    expect(text).not.toContain('not shown');
  });

  test('has a flow and a table of the steps, in order', () => {
    expect(lines.filter((line) => /^ {2}s\d+\["/.test(line))).toHaveLength(8);
    expect(lines.filter((line) => /^ {2}s\d+ --> s\d+$/.test(line))).toHaveLength(7);
    expect(lines).toContain('  s5["canary<br/>failed"]:::failed');
    expect(lines).toContain('| validate | passed | 40\u00a0ms | app/support\\-bot\\.yml is sound |');
    expect(lines).toContain('12 m 40 s in all, from 2026\\-11\\-21T03\\:00\\:00\\.000Z.');
  });

  test('shows the canary and the exposure', () => {
    expect(lines).toContain('| errors | dify run logs | 9 of 900 answers (1 %) | 12 of 60 answers (20 %) | 4,210 to 1, aborts at 60 to 1 |');
    expect(lines).toContain('| latency | dify run logs | 1.2 s on average, 880 answers | 2.4 s on average, 48 answers | 3.5 to 1, aborts at 60 to 1 |');
    expect(lines).toContain('| tokens | dify run logs | nothing counted | nothing counted | 1 to 1, aborts at 60 to 1 |');
    expect(lines).toContain('| canary | a share | by weights |');
    expect(lines).toContain('- the web app at /chat/&lt;code&gt;');
  });

  test('a single passed step is short', () => {
    expect(releaseSummary(result('validate', { category: 'passed', reason: 'sound' }))).toBe('## validate: passed\n\nsound\n\n');
  });

  test('a single step that failed says its reason once, and below it what to do', () => {
    expect(releaseSummary(result('validate', { category: 'gate', reason: 'broken', hint: 'Mend it.' }))).toBe('## validate: failed\n\nbroken\n\n- next\\: Mend it\\.\n\n');
    expect(releaseSummary(result('validate', { category: 'gate', reason: 'broken' }))).toBe('## validate: failed\n\nbroken\n\n');
  });

  test('a way back that failed is said first, with what to do about it, beside the step that failed', () => {
    const hint = 'Users may still meet the new version. Run rollback now.';
    const problem = { category: 'gate', reason: 'the weights could not be set', where: 'https://gateway.example.com', hint: 'not shown' } as const;
    const text = releaseSummary({ ...release, hint, problem });
    expect(text.indexOf('- **release**')).toBeGreaterThan(text.indexOf('What failed'));
    expect(text.indexOf('Run rollback now\\.')).toBeLessThan(text.indexOf('- **canary**'));
    expect(text).toContain('  - where\\: https\\://gateway\\.example\\.com');
    expect(text).not.toContain('not shown');
  });

  test('a release that knows no more than its steps is not blamed beside them', () => {
    expect(releaseSummary({ ...release, hint: aborted.hint })).not.toContain('- **release**');
  });

  test('the reason of the whole is not cut: it says where the users are', () => {
    const reason = `${'very '.repeat(200)}long, all traffic is back`;
    expect(releaseSummary(result('release', { category: 'gate', reason }))).toContain('long, all traffic is back');
  });

  test('a failure that no step explains is explained by the release', () => {
    const text = releaseSummary(result('release', { category: 'timeout', reason: 'too late', hint: 'more time', steps: [result('validate', { category: 'passed', reason: 'ok' })] }));
    expect(text).toContain('## release: error\n\ntoo late\n\n- next\\: more time');
  });

  test('text from outside adds no line, no cell, no tag and no fence', () => {
    const shape = (reason: string): readonly string[] => {
      const steps = [
        result('validate', { category: 'passed', reason }),
        result('canary', { category: 'gate', reason, evidence: { ...canaryEvidence, stable: reason, silent: [reason], readings: [{ ...canaryEvidence.readings[0], source: reason }] }, problem: { category: 'gate', reason, where: reason, answer: { message: reason }, hint: reason } }),
      ];
      return releaseSummary(result('release', { category: 'gate', reason, steps }), { exposure: { title: reason, rows: [{ step: reason, served: 'nobody', note: reason }], bypasses: [reason] } }).split('\n');
    };
    const plain = shape('plain');
    const bars = (line: string): number => (line.match(/(?<!\\)\|/g) ?? []).length;
    fc.assert(
      fc.property(hostile, (reason) => {
        const lines = shape(`x${reason}`);
        expect(lines).toHaveLength(plain.length);
        for (const [index, line] of lines.entries()) {
          expect(bars(line)).toBe(bars(plain[index] ?? ''));
          expect(line.replaceAll('<br/>', '').replace(/^```(?:mermaid)?$/, '')).not.toMatch(/<|(?<!\\)`|^\s*::/);
        }
      }),
      { seed: 9, numRuns: 300 },
    );
  });
});

describe('canaryEvidenceOf', () => {
  test.each<[string, unknown]>([
    ['nothing', null],
    ['another step', { checked: [] }],
    ['a weight above 100', { ...canaryEvidence, weights: [101] }],
    ['a point that is no number', { ...canaryEvidence, history: [{ atMs: 'x', weight: 5, stable: 1, candidate: 1 }] }],
  ])('is undefined for %s', (_, evidence) => {
    expect(canaryEvidenceOf({ ...aborted, evidence: evidence as null })).toBeUndefined();
  });

  test('reads what the rollout wrote', () => {
    expect(canaryEvidenceOf({ ...aborted, outputs: {} })).toEqual(canaryEvidence);
  });

  test.each([['v1', 0], ['v2', 100]])('ends with the split that was read back: %s alone is %d %%', (observed, weight) => {
    const history = canaryEvidenceOf({ ...aborted, outputs: { observed } })?.history;
    expect(history?.slice(0, -1)).toEqual(canaryEvidence.history);
    expect(history?.at(-1)).toEqual({ atMs: 720_000, weight, stable: 900, candidate: 60 });
  });

  test.each([['v1,v2=25%'], ['v3'], ['']])('ends with the last look when %j was read back', (observed) => {
    expect(canaryEvidenceOf({ ...aborted, outputs: { observed } })?.history).toEqual(canaryEvidence.history);
  });

  test('of answers that were compared without traffic has no split to end with', () => {
    const history = canaryEvidence.history.map((point) => ({ ...point, weight: 0 }));
    expect(canaryEvidenceOf({ ...aborted, evidence: { ...canaryEvidence, history }, outputs: { observed: 'v1' } })?.history).toEqual(history);
  });
});

describe('stepsTable', () => {
  test('lines its columns up, CJK included', () => {
    const lines = stepsTable(release).split('\n');
    expect(lines).toHaveLength(8);
    const columns = lines.map((line) => displayWidth(line.slice(0, line.search(/(passed|failed|error|skipped) /))));
    expect(new Set(columns).size).toBe(1);
    expect(lines[1]).toBe('snapshot         passed   900 ms  已保存线上版本');
    const names = stepsTable({ ...release, steps: [result('发布', { category: 'passed', reason: 'a' }), result('ab', { category: 'passed', reason: 'b' })] });
    expect(names).toBe('发布  passed  1.2 s  a\nab    passed  1.2 s  b');
  });

  test('is one line a step, and no command for a CI', () => {
    fc.assert(
      fc.property(hostile, hostile, (step, reason) => {
        const lines = stepsTable(result(step, { category: 'passed', reason })).split('\n');
        expect(lines).toHaveLength(1);
        expect(lines[0]).not.toMatch(/^\s*::|##\[|\u001b/);
      }),
      { seed: 13, numRuns: 200 },
    );
  });
});

describe('canarySvg', () => {
  const pathsOf = (svg: string): string[] => [...svg.matchAll(/<path d="([^"]+)"/g)].map((match) => match[1] ?? '');

  test('draws the weights as steps and the answers as lines', () => {
    const paths = pathsOf(canarySvg(canaryEvidence.history, labels));
    expect(paths).toHaveLength(5);
    // At 25 % the line is a quarter up: 132 - 84 / 4 = 111; it changes at 600 s of 720 s: 56 + 474 * 600 / 720 = 451.
    expect(paths[1]).toMatch(/^M56 132L56 127\.8H.*L451 111H490\.5L490\.5 111H530V132$/);
    // 900 of 1,000 answers: 260 - 92 * 0.9.
    expect(paths[3]).toMatch(/L530 177\.2$/);
    expect(paths[4]).toMatch(/L530 254\.5$/);
  });

  test('names are shown, cut by width', () => {
    const svg = canarySvg(canaryEvidence.history, { ...labels, candidate: '一二三四五六七八九十' });
    expect(svg).toContain('v1 稳定版 900');
    expect(svg).toContain('一二三四五六… 60');
    expect(svg).toContain('support-bot, production：灰度发布');
  });

  test.each([
    ['no point', []],
    ['points that are no numbers', [{ atMs: Number.NaN, weight: 5, stable: 1, candidate: 1 }, { atMs: 1, weight: 500, stable: 1, candidate: 1 }]],
  ])('%s says that nothing was observed', (_, history) => {
    expect(canarySvg(history, labels)).toContain('Nothing was observed.');
  });

  test('is well formed and inside its frame, whatever it is given', () => {
    const points = fc.array(
      fc.record({ atMs: fc.double(), weight: fc.double(), stable: fc.double(), candidate: fc.nat() }),
      { maxLength: 8 },
    );
    const good = fc.array(
      fc.record({ atMs: fc.nat(4_000_000), weight: fc.double({ min: 0, max: 100, noNaN: true }), stable: fc.nat(), candidate: fc.nat() }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(fc.oneof(points, good), hostile, (history: readonly CanaryPoint[], name) => {
        const svg = canarySvg(history, { title: name, stable: name, candidate: name });
        expect(svg).not.toMatch(/NaN|Infinity|undefined|<script|<!--/);
        expect(svg.replace(/<\/?(svg|text|path)\b[^<>]*>/g, '')).not.toMatch(/[<>]/);
        expect((svg.match(/<text/g) ?? []).length).toBe((svg.match(/<\/text>/g) ?? []).length);
        for (const [, x, y] of svg.matchAll(/<text x="([-\d.e+]+)" y="([-\d.e+]+)"/g)) {
          expect(Number(x) >= 0 && Number(x) <= 680 && Number(y) >= 0 && Number(y) <= 420).toBe(true);
        }
      }),
      { seed: 17, numRuns: 300 },
    );
  });

  test.each([[0, 1], [1, 1], [1.5, 2], [7, 10], [10, 10], [11, 20], [900, 1000], [1001, 2000]])('the axis of %d ends at %d', (value, top) => {
    expect(niceTop(value)).toBe(top);
  });
});

describe('the evidence in the picture', () => {
  const at = (evidence: number): string => canarySvg([{ atMs: 1000, weight: 5, stable: 9, candidate: 1, evidence: 1, needed: 60 }, { atMs: 2000, weight: 5, stable: 90, candidate: 10, evidence, needed: 60 }], { title: 't', stable: 's', candidate: 'c' });
  /** heightOf is how far above its axis the line of the evidence ends. */
  const heightOf = (svg: string): number => 380 - Number(/M56 380L[^"]* ([\d.]+)" fill="none" stroke="#d97a2b"/.exec(svg)?.[1]);

  test('is drawn on the way to its boundary, as it multiplies', () => {
    const boundary = 380 - Number(/M56 ([\d.]+)H[^"]*" fill="none" stroke="#d1495b" stroke-dasharray/.exec(at(1))?.[1]);
    expect(boundary).toBeCloseTo(70, 0);
    expect([heightOf(at(0.2)), heightOf(at(1))]).toEqual([0, 0]);
    expect(heightOf(at(Math.sqrt(60)))).toBeCloseTo(boundary / 2, 0);
    expect(heightOf(at(60))).toBeCloseTo(boundary, 0);
    expect(heightOf(at(1e6))).toBeCloseTo(84, 0);
    for (const part of ['aborts: 60 to 1', '7.75 to 1']) expect(at(Math.sqrt(60))).toContain(part);
  });

  test('the page says the rates in force, what could be seen and what was missing; older documents say nothing', () => {
    const evidence = { ...canaryEvidence, falseAbort: 0.05, miss: 0.1, lack: '<b>too few', moreAnswers: { stable: 0, candidate: 12 }, smallestChange: 0.031 };
    const page = htmlReport(result('canary', { category: 'evidence', reason: 'r', evidence }));
    for (const part of ['at most 5 % of rollouts', '3.1 percentage points more errors', 'Missing at the end: &lt;b&gt;too few.', '12 more answers of the candidate and 0 of stable']) expect(page).toContain(part);
    const claimText = 'logs counts requests; the false-abort rate is claimed only when canary.clump says how many can';
    const unclaimed = htmlReport(result('canary', { category: 'evidence', reason: 'r', evidence: { ...evidence, readings: canaryEvidence.readings.map((one) => ({ ...one, claimText })) } }));
    expect(unclaimed.split(claimText)).toHaveLength(2);
    expect(unclaimed).not.toContain('at most 5 %');
    expect(htmlReport(aborted)).not.toMatch(/of rollouts|Missing at the end/);
    expect(htmlReport(result('canary', { category: 'gate', reason: 'r', evidence }))).not.toMatch(/Missing at the end|Needed besides/);
  });
});

describe('canaryChart', () => {
  const valuesOf = (chart: string): number[] => (/line \[(.*)\]/.exec(chart)?.[1] ?? '').split(', ').map(Number);

  test('draws the share of users over time, and its end', () => {
    const chart = canaryChart(canaryEvidenceOf(aborted) ?? { history: [] });
    expect(chart).toContain('x-axis "minutes" 0 --> 12\n');
    expect(chart).toContain('y-axis "per cent of users" 0 --> 100');
    const values = valuesOf(chart);
    expect(values).toHaveLength(49);
    expect(values.filter((value, index) => value !== values[index - 1])).toEqual([5, 25, 0]);
    // 600 s of 720 s is sample 40, which is the last to show 5 %; the split at the end is the last sample alone.
    expect([values.indexOf(25), values.indexOf(0)]).toEqual([41, 48]);
  });

  test('draws the answers that were compared where no traffic was moved', () => {
    const chart = canaryChart({ history: [{ atMs: 1000, weight: 0, stable: 7, candidate: 7 }, { atMs: 2000, weight: 0, stable: 14, candidate: 14 }] });
    expect(chart).toContain('x-axis "seconds" 0 --> 2\n  y-axis "answers compared" 0 --> 14');
    expect(valuesOf(chart).at(-1)).toBe(14);
  });

  test.each([['nothing', []], ['one look', [{ atMs: 5, weight: 5, stable: 1, candidate: 1 }]], ['no time', [{ atMs: 0, weight: 5, stable: 1, candidate: 1 }, { atMs: 0, weight: 5, stable: 1, candidate: 1 }]]])(
    '%s is no chart',
    (_, history) => {
      expect(canaryChart({ history })).toBe('');
    },
  );

  test('is seven lines of numbers, whatever was counted', () => {
    const point = fc.record({ atMs: fc.nat(), weight: fc.double({ min: 0, max: 100, noNaN: true }), stable: fc.nat(), candidate: fc.nat() });
    fc.assert(
      fc.property(fc.array(point, { maxLength: 30 }), (points) => {
        const chart = canaryChart({ history: points.toSorted((one, other) => one.atMs - other.atMs) });
        if (chart === '') return;
        expect(chart.split('\n')).toHaveLength(7);
        expect(valuesOf(chart).every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
      }),
      { seed: 31, numRuns: 200 },
    );
  });
});

describe('htmlReport', () => {
  const page = htmlReport({ ...release, outputs: { version: 'v2', verdict: '' } });
  const style = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? '';

  test('may load nothing and run nothing: only its own style is let in', () => {
    const hash = createHash('sha256').update(style).digest('base64');
    expect(page).toContain(`content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'"`);
    expect(page).not.toMatch(/<script|<img|<link|<iframe|<form|<a |style="|\bon\w+=|url\(|@import/i);
  });

  test('has what failed, the steps, the picture of the canary and the outputs', () => {
    for (const part of ['<h1>release <b class="failed">failed</b></h1>', '灰度发布在 25 % 时中止', 'next: Run rollback again.', 'HTTP 502 bad_gateway &lt;html&gt;|bad|&lt;/html&gt; (request id r-1)', '<td>snapshot</td><td><b class="passed">passed</b></td><td>900 ms</td><td>已保存线上版本</td>', '<td>12 of 60 answers (20 %)</td>', '<svg ', '<td>version</td><td>v2</td>']) {
      expect(page).toContain(part);
    }
    expect(page).not.toContain('verdict');
  });

  test('text from outside adds no tag, whatever it is', () => {
    const tagsOf = (text: string): readonly string[] => {
      const evidence = { ...canaryEvidence, stable: text, candidate: text, silent: [text], readings: [{ ...canaryEvidence.readings[0], source: text }] };
      const steps = [result('validate', { category: 'passed', reason: text }), result(text, { category: 'gate', reason: text, evidence, problem: { category: 'gate', reason: text, where: text, answer: { message: text }, hint: text } })];
      return [...htmlReport(result(text, { category: 'gate', reason: text, outputs: { [text]: text }, steps })).matchAll(/<\/?[a-z!][^\s>]*/gi)].map(([tag]) => tag);
    };
    const plain = tagsOf('plain');
    fc.assert(fc.property(hostile, (text) => expect(tagsOf(`x${text}`)).toEqual(plain)), { seed: 37, numRuns: 200 });
  });
});

describe('attachmentsOf', () => {
  test('a canary has its picture beside its document, a release its report', () => {
    expect(Object.keys(attachmentsOf(aborted, '06-canary', [aborted]))).toEqual(['06-canary.svg', 'junit.xml']);
    expect(attachmentsOf(aborted, '06-canary', [aborted])['06-canary.svg']).toContain('stable v1 900');
    expect(Object.keys(attachmentsOf(release, '09-release', [release]))).toEqual(['report.html', 'junit.xml']);
  });

  test.each([['a step without a picture', result('deploy', { category: 'passed', reason: '' })], ['a canary that looked at nothing', { ...aborted, evidence: { ...canaryEvidence, history: [] } }]])('%s has the report of the job alone', (_, made) => {
    expect(Object.keys(attachmentsOf(made, '03-x', [made]))).toEqual(['junit.xml']);
  });
});

test.each([
  ['with evidence', canaryEvidence.history.map((point) => ({ ...point, evidence: 2, needed: 60 })), 420],
  ['without', canaryEvidence.history, 300],
  ['of nothing', [], 88],
] as const)('a picture %s has no room for a plot that is not there', (_, history, height) => {
  const svg = canarySvg(history, labels);
  expect(svg).toContain(`viewBox="0 0 680 ${height}"`);
  const lowest = Math.max(...[...svg.matchAll(/<text x="[^"]*" y="([^"]*)"/g)].map(([, y]) => Number(y)));
  expect([lowest <= height - 20, height - lowest < 70]).toEqual([true, true]);
});
