import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fittingReport, readReport, reportLimit } from '../src/gitlab-report.ts';

const value = fc.oneof(fc.string({ maxLength: 3000, unit: 'grapheme' }), fc.constantFrom('', '$', '$$', '$X', 'a=b')).map((text) => text.replace(/[\n\r]/g, ' '));
const values = fc.dictionary(fc.stringMatching(/^SLUICE_[A-Z_]{1,12}$/), value, { maxKeys: 40 });

test('every report is one that GitLab takes: under 5120 bytes, each value in one line and its beginning unchanged', () => {
  fc.assert(
    fc.property(values, (given) => {
      const { text, shortened } = fittingReport(given);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(reportLimit);
      expect(text.split('\n')).toHaveLength(Object.keys(given).length + 1);
      const back = readReport(text);
      expect(Object.keys(back)).toEqual(Object.keys(given));
      for (const [name, whole] of Object.entries(given)) {
        if (!shortened.includes(name)) expect(back[name]).toBe(whole);
        else expect(whole.startsWith((back[name] ?? '').replace(/…$/, ''))).toBe(true);
      }
    }),
    { seed: 17, numRuns: 300 },
  );
});

test('nothing is cut that fits', () => {
  const whole = { SLUICE_A: 'x'.repeat(4096), SLUICE_B: 'y'.repeat(900) };
  expect(fittingReport(whole)).toEqual({ text: `SLUICE_A=${whole.SLUICE_A}\nSLUICE_B=${whole.SLUICE_B}\n`, shortened: [] });
});
