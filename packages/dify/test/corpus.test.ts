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

/**
 * defects are the errors of the corpus. No run of these files can take that way, shown on Dify 1.12.1; and keys and a
 * password that their authors published.
 */
const defects: Readonly<Record<string, readonly string[]>> = {
  '05.yml': ['dify/secret-plain', 'dify/secret-plain', 'dify/secret-plain', 'dify/secret-plain'],
  '17.yml': ['dify/container-start-ordinary'],
  '19.yml': ['dify/secret-plain'],
  '23.yml': ['dify/dialogue-count-from-one'],
  '39.yml': ['dify/container-start-ordinary', 'dify/container-start-ordinary'],
  '42.yml': ['dify/container-start-ordinary'],
  '43.yml': ['dify/secret-plain'],
};

suite(folder === undefined ? 'real apps (skipped: SLUICE_DSL_CORPUS is not set)' : 'real apps', () => {
  test.each(files)('%s has no error but a real defect, and its canonical YAML is the same app', (file) => {
    const { source, findings } = parse(read(file));
    expect(findings.filter((finding) => finding.severity === 'error').map(({ rule }) => rule)).toEqual(defects[file] ?? []);
    if (!(source instanceof DifySource)) throw new Error('no source');
    const again = parse({ path: file, folder: '', text: renderDsl(source.root) });
    expect(again.source).toMatchObject({ digest: source.digest, kind: source.kind, inputs: source.inputs });
  });

  test('a file without kind is taken with a warning, one without version as 0.1.0', () => {
    const parsed = parse(read('05.yml'));
    expect(parsed.findings.map((finding) => [finding.rule, finding.severity])).toContainEqual(['dify/kind', 'warning']);
    expect(parsed.source).toMatchObject({ dslVersion: '0.1.0' });
  });
});
