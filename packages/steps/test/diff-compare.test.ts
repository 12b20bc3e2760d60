import { expect, test } from '@jest/globals';
import type { Application, Platform } from '@sluice/core';
import { readable } from '../src/diff-compare.ts';

test('why a side cannot be read quotes no secret', () => {
  const key = ['sk', 'ant', 'q7Rt2Lm9Xc4Vb8Nz1Kj5'].join('-');
  const platform: Platform = { name: 'dify', secrets: {}, settings: {}, exposures: [], parse: () => ({ findings: [] }), overlay: () => ({ ok: false, problem: { category: 'defect', reason: 'unused' } }), diff: () => [], connect: () => Promise.reject(new Error('unused')) };
  const application: Application = {
    platform,
    files: [{ path: 'app.yml', folder: '', text: '' }],
    parsed: { findings: [{ rule: 'dify/yaml', severity: 'error', message: `The file cannot be read at "${key}".`, place: { file: 'app.yml', line: 3 } }] },
  };
  const found = readable(application, { name: 'main' });
  expect(found).toMatchObject({ ok: false, problem: { category: 'gate', reason: 'app.yml:3 of main cannot be compared: The file cannot be read at "•••"', where: 'app.yml:3' } });
});
