import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from '../src/source/parse.ts';

const folder = process.env['SLUICE_DSL_CORPUS'];
const read = (file: string) => ({ path: file, text: readFileSync(join(folder ?? '', file), 'utf8') });
const files = folder === undefined ? [] : readdirSync(folder).filter((file) => file.endsWith('.yml'));
const named = folder === undefined ? 'real apps (skipped: SLUICE_DSL_CORPUS is not set)' : 'real apps';

(folder === undefined ? describe.skip : describe)(named, () => {
  test.each(files.length === 0 ? ['none'] : files)('%s', (file) => {
    const { findings } = parse(read(file));
    for (const f of findings) console.log(file, f.severity, f.rule, f.message, f.place.line);
    expect(1).toBe(1);
  });
});
