import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse as parseYaml } from 'yaml';
import { parse } from '../src/source/parse.ts';
import { fuzzed } from './dsl-fuzzer.ts';
import { timed } from '../../../test/cpu-time.ts';

const folder = new URL('./fixtures/', import.meta.url).pathname;
const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
const roots = texts.map((text): unknown => parseYaml(text));

/** SLUICE_FUZZ_FILES is how many files are made; the suite takes a sample of the 10,000. */
const wanted = Number(process.env['SLUICE_FUZZ_FILES'] ?? 200);
const severities = new Set(['error', 'warning', 'notice']);

test(`${wanted} bad files: each ends as findings within a second, and what cannot be read has an error`, () => {
  let slowest = { number: 0, ms: 0 };
  let unreadable = 0;
  for (let number = 0; number < wanted; number += 1) {
    const text = fuzzed(number, texts, roots);
    const { value: { source, findings }, ms } = timed(() => parse({ path: 'app.yml', folder: '', text }, { models: ['*'] }));
    if (ms > slowest.ms) slowest = { number, ms };
    const odd = findings.filter(({ rule, severity, place, message }) => !rule.startsWith('dify/') || !severities.has(severity) || place.file !== 'app.yml' || message === '');
    expect([number, odd]).toEqual([number, []]);
    if (source !== undefined) continue;
    unreadable += 1;
    expect([number, findings.some(({ severity }) => severity === 'error')]).toEqual([number, true]);
  }
  if (process.env['SLUICE_SHOW'] !== undefined) process.stdout.write(`${wanted} files, ${unreadable} unreadable, slowest ${slowest.number}: ${slowest.ms.toFixed(0)} ms of CPU time\n`);
  expect([slowest.number, slowest.ms < 1000]).toEqual([slowest.number, true]);
  expect(unreadable).toBeGreaterThan(wanted / 10);
  expect(unreadable).toBeLessThan(wanted);
}, 3_600_000);
