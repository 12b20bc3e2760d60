import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { test, expect } from '@jest/globals';
import { parse } from '../src/source/parse.ts';
import { renderDsl } from '../src/source/render.ts';
import { referencesOf } from '../src/source/references.ts';
import { graphNodes } from '../src/source/dsl.ts';
import { mappingOf } from '../src/source/shape.ts';
import { DifySource } from '../src/source/source.ts';
test('x', () => {
  const dir = '/work/shared/dsl-corpus';
  let refs = 0; let t0 = performance.now(); let same = 0;
  for (const f of readdirSync(dir).filter((f) => f.endsWith('.yml'))) {
    const { source } = parse({ path: f, text: readFileSync(`${dir}/${f}`, 'utf8') });
    const s = source as DifySource;
    const out = renderDsl(s.root);
    writeFileSync(`/tmp/d5/${f}`, out);
    const again = parse({ path: f, text: out }).source;
    if (again?.digest === s.digest) same += 1;
    refs += graphNodes(mappingOf(s.root['workflow'])['graph']).reduce((n, node) => n + referencesOf(node).length, 0);
  }
  console.log('refs', refs, 'same', same, performance.now() - t0);
});
