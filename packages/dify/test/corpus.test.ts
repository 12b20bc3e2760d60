import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from '../src/source/parse.ts';
import { renderDsl } from '../src/source/render.ts';
import { DifySource } from '../src/source/source.ts';

const folder = process.env['SLUICE_DSL_CORPUS'];
const files = folder === undefined ? ['none'] : readdirSync(folder).filter((file) => file.endsWith('.yml'));
const read = (file: string) => ({ path: file, folder: folder ?? '', text: readFileSync(join(folder ?? '', file), 'utf8') });

const suite = folder === undefined ? describe.skip : describe;

suite(folder === undefined ? 'real apps (skipped: SLUICE_DSL_CORPUS is not set)' : 'real apps', () => {
  test.each(files)('%s has no error, and its canonical YAML is the same app', (file) => {
    const { source, findings } = parse(read(file));
    expect(findings.filter((finding) => finding.severity === 'error')).toEqual([]);
    if (!(source instanceof DifySource)) throw new Error('no source');
    const again = parse({ path: file, folder: '', text: renderDsl(source.root) });
    expect(again.source).toMatchObject({ digest: source.digest, kind: source.kind, inputs: source.inputs });
  });

  test('a file without kind is taken with a warning, one without version as 0.1.0', () => {
    const parsed = parse(read('05.yml'));
    expect(parsed.findings.map((finding) => [finding.rule, finding.severity])).toEqual([['dify/kind', 'warning']]);
    expect(parsed.source).toMatchObject({ dslVersion: '0.1.0' });
  });
});
