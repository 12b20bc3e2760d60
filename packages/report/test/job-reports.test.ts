import { describe, expect, test } from '@jest/globals';
import type { Json, Origin, StepEnding, StepResult } from '@sluice/core';
import * as fc from 'fast-check';
import { codeQuality } from '../src/code-quality.ts';
import { foundIn } from '../src/found.ts';
import { attachmentsOf } from '../src/index.ts';
import { junitXml } from '../src/junit.ts';
import { sarif } from '../src/sarif.ts';
import { aborted, release, result } from './fixtures.ts';
import { caseLines, readJunit } from './junit-rules.ts';
import type { parseXml } from './xml.ts';

const bot: Origin = { project: 'support-bot' };
const edge = { rule: 'dify/edge-endpoint-missing', severity: 'error', message: 'no edge leads to "回答"', hint: 'Connect it.', place: { file: 'app/bot.yml', line: 12, column: 3 } } as const;
const model = { rule: 'dify/model', severity: 'warning', message: 'the model is not on the list', place: { file: 'app/bot.yml', line: 40 } } as const;

const validated = (evidence: Json, ending: Partial<StepEnding> = {}, origin: Origin = bot): StepResult => ({
  ...result('validate', { category: 'passed', reason: 'sound', outputs: { errors: '0', findings: '0' }, evidence, ...ending }, 40),
  ...origin,
});
const refused = validated([edge, { ...edge, place: { ...edge.place, line: 30 } }, model], { category: 'gate', reason: 'app/bot.yml:12:3: no edge', hint: 'Connect it.' });

const health = result(
  'health-check',
  {
    category: 'gate',
    reason: '"ping" answered 空',
    evidence: { how: 'draft run', checked: [{ name: 'address', passed: true, said: 'answers', latencyMs: 12 }, { name: '"ping"', passed: false, said: 'empty answer', latencyMs: 1500 }] },
    outputs: { version: '' },
  },
  8200,
);

const quality = (...results: readonly StepResult[]) => JSON.parse(codeQuality(foundIn(results)?.found ?? []));
const runsOf = (...results: readonly StepResult[]) => JSON.parse(sarif(results) ?? '{"runs": []}').runs;

describe('junit.xml', () => {
  test('has a suite for each step, and a case for the verdict, each rule in a file, each check and each guard', () => {
    const document = readJunit(junitXml([refused, { ...health, environment: 'staging' }, { ...health, environment: 'staging' }, aborted]));
    expect(document.children.map(({ attributes }) => `${attributes['name']} ${attributes['tests']} ${attributes['failures']} ${attributes['errors']} ${attributes['skipped']}`)).toEqual([
      'validate 3 2 0 0',
      'health-check (staging) 3 2 0 0',
      'health-check (staging) 3 2 0 0',
      'canary 5 2 0 2',
    ]);
    expect(caseLines(document)).toEqual([
      'sluice.support-bot.validate | validate | failure | app/bot.yml:12:3: no edge',
      'sluice.support-bot.validate | dify/edge-endpoint-missing app/bot.yml | failure | no edge leads to "回答" (and 1 more)',
      'sluice.support-bot.validate | dify/model app/bot.yml | system-out | the model is not on the list\nhttps://github.com/OWNER/sluice/blob/main/docs/rules/dify/model.md\napp/bot.yml:40 warning the model is not on the list',
      'sluice.staging.health-check | health-check | failure | "ping" answered 空',
      'sluice.staging.health-check | address | system-out | answers',
      'sluice.staging.health-check | "ping" | failure | empty answer',
      'sluice.staging.health-check | health-check (2) | failure | "ping" answered 空',
      'sluice.staging.health-check | address (2) | system-out | answers',
      'sluice.staging.health-check | "ping" (2) | failure | empty answer',
      'sluice.canary | canary | failure | The candidate failed in 12 of 60 and stable in 9 of 900 answers; all traffic is back on v1.',
      'sluice.canary | errors: dify run logs | failure | stable 9 of 900 answers (1 %); candidate 12 of 60 answers (20 %)',
      'sluice.canary | latency: dify run logs | system-out | stable 1.2 s on average, 880 answers; candidate 2.4 s on average, 48 answers\nstable: 1.2 s on average, 880 answers\ncandidate: 2.4 s on average, 48 answers\nevidence against the candidate: 3.5 to 1, aborts at 60 to 1',
      'sluice.canary | tokens: dify run logs | skipped | nothing counted',
      'sluice.canary | evidence: paired probes: all 200 pairs are used | skipped | paired probes: all 200 pairs are used',
    ]);
    const [, suite] = document.children;
    expect(suite?.attributes).toMatchObject({ time: '8.200', timestamp: '2026-11-21T03:00:00' });
    expect(suite?.children.map(({ attributes }) => attributes['time'])).toEqual(['8.200', '0.012', '1.500']);
  });

  test.each([
    ['passed', 'system-out'],
    ['skipped', 'skipped'],
    ['gate', 'failure'],
    ['evidence', 'error'],
    ['platform', 'error'],
    ['timeout', 'error'],
    ['cancelled', 'error'],
    ['defect', 'error'],
  ] as const)('a step that ended as %s is %s', (category, element) => {
    const [line] = caseLines(readJunit(junitXml([result('deploy', { category, reason: 'why' })])));
    expect(line).toBe(`sluice.deploy | deploy | ${element} | why`);
  });

  test('what is known of a failure stands in its case', () => {
    const problem = { category: 'platform', reason: 'r', tried: 'publish', where: 'https://dify.example.com', answer: { status: 502, message: '<html>' }, hint: 'Again.' } as const;
    const [suite] = readJunit(junitXml([result('deploy', { category: 'platform', reason: 'the draft was not written', problem })])).children;
    expect(suite?.children[0]?.children[0]?.text).toBe('the draft was not written\ntried: publish\nwhere: https://dify.example.com\nanswer: HTTP 502 <html>\nnext: Again.');
  });

  test('warnings are failures only where they failed the step', () => {
    const outcomesOf = (step: StepResult) => caseLines(readJunit(junitXml([step]))).map((line) => line.split(' | ')[2]);
    expect(outcomesOf(validated([model]))).toEqual(['system-out', 'system-out']);
    expect(outcomesOf(validated([model], { category: 'gate', reason: 'a warning' }))).toEqual(['failure', 'failure']);
    expect(outcomesOf(validated([model, edge], { category: 'gate', reason: 'an error' }))).toEqual(['failure', 'system-out', 'failure']);
  });

  test('checks of a connection are cases, skipped ones too', () => {
    const checks = ['passed', 'failed', 'skipped'].map((status) => ({ rule: `connection/${status}`, severity: 'notice', message: `${status} 了`, status }));
    expect(caseLines(readJunit(junitXml([validated(checks)]))).slice(1)).toEqual([
      'sluice.support-bot.validate | connection/passed | system-out | passed 了',
      'sluice.support-bot.validate | connection/failed | failure | failed 了',
      'sluice.support-bot.validate | connection/skipped | skipped | skipped 了',
    ]);
  });

  test('a release has its verdict alone beside the suites of its steps', () => {
    const all = [...(release.steps ?? []), release];
    const document = readJunit(junitXml(all));
    expect(document.children.map(({ attributes }) => attributes['name'])).toEqual(all.map(({ step }) => step));
    expect(document.children.at(-1)?.attributes).toMatchObject({ tests: '1', failures: '1' });
  });

  test.each([
    ['an open element', '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>'],
    ['a second root', '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites/><testsuites/>'],
    ['a bare ampersand', '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="a & b"/>'],
    ['a control character', '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="\u0001"/>'],
    ['an unknown attribute', '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites colour="red"/>'],
    ['a wrong count', '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites tests="1" failures="0" errors="0"/>'],
  ])('the checker of these tests refuses %s', (_, document) => {
    expect(() => readJunit(document)).toThrow();
  });
});

describe('what was found', () => {
  test('is Code Quality as GitLab documents it', () => {
    const [first, second, third] = quality(refused);
    expect(first).toEqual({
      description: 'no edge leads to "回答" Connect it.',
      check_name: 'dify/edge-endpoint-missing',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      severity: 'major',
      location: { path: 'app/bot.yml', lines: { begin: 12 } },
    });
    expect([second.location.lines.begin, third.severity, third.location.lines.begin]).toEqual([30, 'minor', 40]);
    expect(new Set([first, second, third].map(({ fingerprint }) => fingerprint)).size).toBe(3);
  });

  test('is SARIF with rules, relative addresses and the project', () => {
    const [run, ...others] = runsOf(refused);
    expect(others).toEqual([]);
    expect(run.automationDetails).toEqual({ id: 'sluice/support-bot/' });
    const help = (rule: string, text: string, markdown: string) => {
      const page = `https://github.com/OWNER/sluice/blob/main/docs/rules/${rule}.md`;
      return { helpUri: page, help: { text: `${text}\n${page}`, markdown: `${markdown}[What it means, and how to mend it](${page})` } };
    };
    expect(run.tool.driver.rules).toEqual([
      { id: 'dify/edge-endpoint-missing', shortDescription: { text: 'dify: edge endpoint missing' }, fullDescription: { text: 'dify: edge endpoint missing' }, ...help('dify/edge-endpoint-missing', 'Connect it.', '- Connect it\\.\n\n'), defaultConfiguration: { level: 'error' } },
      { id: 'dify/model', shortDescription: { text: 'dify: model' }, fullDescription: { text: 'dify: model' }, ...help('dify/model', 'Look at the message of each place.', ''), defaultConfiguration: { level: 'warning' } },
    ]);
    expect(run.results[0]).toEqual({
      ruleId: 'dify/edge-endpoint-missing',
      ruleIndex: 0,
      level: 'error',
      message: { text: 'no edge leads to "回答" Connect it.' },
      locations: [{ physicalLocation: { artifactLocation: { uri: 'app/bot.yml', uriBaseId: '%SRCROOT%' }, region: { startLine: 12, startColumn: 3 } } }],
      partialFingerprints: { 'sluiceFinding/v1': quality(refused)[0].fingerprint },
    });
    expect(run.results[2]).toMatchObject({ ruleIndex: 1, locations: [{ physicalLocation: { region: { startLine: 40 } } }] });
    expect(run.invocations).toEqual([{ executionSuccessful: true }]);
  });

  test('keeps its fingerprint when lines move, and not when it is something else', () => {
    const printOf = (message: string, line: number, file = 'app/bot.yml', rule = 'a/b') => quality(validated([{ rule, severity: 'error', message, place: { file, line } }]))[0].fingerprint;
    const print = printOf('as does staging (sluice.yml:4:3)', 8);
    expect(printOf('as does staging (sluice.yml:14:3)', 18)).toBe(print);
    expect(new Set([print, printOf('as does testing (sluice.yml:4:3)', 8), printOf('as does staging (sluice.yml:4:3)', 8, 'other.yml'), printOf('as does staging (sluice.yml:4:3)', 8, 'app/bot.yml', 'a/c')]).size).toBe(4);
  });

  test('is listed once, however many environments it was found for, the gravest first', () => {
    expect(quality(validated([model, edge]), validated([edge, model], {}, { ...bot, environment: 'staging' })).map((one: { check_name: string }) => one.check_name)).toEqual([edge.rule, model.rule]);
  });

  test.each([
    ['below the root', 'services/bot', 'app/机器 人#1%.yml', 'services/bot/app/机器 人#1%.yml', { uri: 'services/bot/app/%E6%9C%BA%E5%99%A8%20%E4%BA%BA%231%25.yml', uriBaseId: '%SRCROOT%' }],
    ['above the working directory', 'services/bot', '../sluice.yml', 'services/sluice.yml', { uri: 'services/sluice.yml', uriBaseId: '%SRCROOT%' }],
    ['named as Windows does', 'services', 'bot\\app.yml', 'services/bot/app.yml', { uri: 'services/bot/app.yml', uriBaseId: '%SRCROOT%' }],
    ['outside, on Windows', 'services', 'C:\\bot\\app.yml', 'C:/bot/app.yml', { uri: 'file:///C:/bot/app.yml' }],
    ['outside', 'services', '/srv/app.yml', '/srv/app.yml', { uri: 'file:///srv/app.yml' }],
    ['outside, by a relative path', '', '../app.yml', '../app.yml', { uri: '../app.yml' }],
  ])('a file %s', (_, folder, file, path, artifactLocation) => {
    const step = validated([{ ...edge, place: { file, line: 1 } }], {}, { ...bot, ...(folder === '' ? {} : { folder }) });
    expect(quality(step)[0].location.path).toBe(path);
    expect(runsOf(step)[0].results[0].locations[0].physicalLocation.artifactLocation).toEqual(artifactLocation);
  });

  test('a configuration that cannot be read is a finding, with all its problems', () => {
    const problem = (line: number) => ({ category: 'input', reason: `line ${line} is wrong`, place: { file: 'sluice.yml', line } }) as const;
    const broken = result('validate', { category: 'input', reason: 'r', outputs: { findings: '' }, problem: { ...problem(2), others: [problem(5)] } });
    expect(quality(broken).map((one: { location: object; check_name: string }) => [one.check_name, one.location])).toEqual([
      ['sluice/unreadable', { path: 'sluice.yml', lines: { begin: 2 } }],
      ['sluice/unreadable', { path: 'sluice.yml', lines: { begin: 5 } }],
    ]);
    expect(sarif([broken])).toBeUndefined();
    expect(runsOf({ ...broken, ...bot })[0].invocations).toEqual([{ executionSuccessful: false, toolExecutionNotifications: [{ level: 'warning', message: { text: 'r' } }] }]);
  });

  test('projects of one job are runs of their own', () => {
    const runs = runsOf(refused, validated([model], {}, { project: 'other' }));
    expect(runs.map((run: { automationDetails: object; results: unknown[] }) => [run.automationDetails, run.results.length])).toEqual([[{ id: 'sluice/support-bot/' }, 3], [{ id: 'sluice/other/' }, 1]]);
  });

  test('more than the services take is cut, and that is said', () => {
    const many = validated(Array.from({ length: 5004 }, (_, line) => ({ ...model, place: { file: 'a.yml', line: line + 1 } })));
    const [run] = runsOf(many);
    expect([run.results.length, run.invocations[0].toolExecutionNotifications]).toEqual([5000, [{ level: 'warning', message: { text: '4 more findings are not listed' } }]]);
  });

  test.each([
    ['a step that looked and found nothing', validated([]), ['junit.xml', 'gl-code-quality-report.json', 'sluice.sarif']],
    ['a step that looks at no files', { ...result('notify', { category: 'passed', reason: 'r', evidence: [] }), ...bot }, ['junit.xml']],
    ['a step that did not come to look', validated(null, { category: 'platform', reason: 'r' }), ['junit.xml']],
  ])('%s leaves its reports and no more', (_, step, names) => {
    expect(Object.keys(attachmentsOf(step, '01-x', [step]))).toEqual(names);
  });
});

describe('text from outside', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
    fc.constantFrom(']]>', '<![CDATA[', '</testcase>', '&#0;', '&', '"\'><failure/>', '\uD800', '\uDC00x', '\uFFFE', '\u0000', '\u001b[31m红', '空\n行', '${{ x }}', '\u202e', '\\', '\u2028'),
  );

  test('makes no other document of any report', () => {
    const made = (text: string): readonly StepResult[] => [
      { ...validated([{ rule: text, severity: 'error', message: text, hint: text, place: { file: `a${text}`, line: 1, column: 1 } }, { rule: text, severity: 'notice', message: text, status: 'failed' }], { category: 'gate', reason: text, hint: text, outputs: { findings: text } }), project: text, environment: text },
      { ...health, step: text, evidence: { checked: [{ name: text, passed: false, said: text, latencyMs: 1 }] } },
      { ...aborted, evidence: { ...(aborted.evidence as object), silent: [text], stable: text } },
      result(text, { category: 'platform', reason: text, problem: { category: 'platform', reason: text, tried: text, where: text, answer: { code: text, message: text }, hint: text } }),
    ];
    const names = (element: ReturnType<typeof parseXml>): unknown => [element.name, Object.keys(element.attributes), element.children.map(names)];
    const plain = names(readJunit(junitXml(made('plain'))));
    fc.assert(
      fc.property(hostile, (text) => {
        const results = made(`x${text}`);
        expect(names(readJunit(junitXml(results)))).toEqual(plain);
        for (const document of [sarif(results) ?? '', codeQuality(foundIn(results)?.found ?? [])]) {
          expect(Buffer.from(document, 'utf8').toString('utf8')).toBe(document);
          // No half of a pair hides behind an escape either, which other parsers refuse.
          expect(document).not.toMatch(/\\ud[89a-f]/i);
          expect(JSON.parse(document)).toBeDefined();
        }
        for (const { uri } of runsOf(...results).map((run: { results: { locations: { physicalLocation: { artifactLocation: { uri: string } } }[] }[] }) => run.results[0]?.locations[0]?.physicalLocation.artifactLocation)) {
          expect(uri).toMatch(/^[\w.!~*'()%/:-]+$/);
        }
      }),
      { seed: 41, numRuns: 400 },
    );
  });

  test('is kept where it is harmless', () => {
    const text = '中文、“引号” <b>&]]> 😀 — ünï';
    expect(caseLines(readJunit(junitXml([result('deploy', { category: 'gate', reason: text })])))).toEqual([`sluice.deploy | deploy | failure | ${text}`]);
    expect(quality(validated([{ ...edge, message: text, hint: '' }]))[0].description).toBe(text);
  });
});
