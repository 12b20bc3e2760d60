import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { lintPipeline } from '@sluice/pipelines';
import { parse } from 'yaml';
import { cloneHints } from '../packages/steps/src/diff-clone-hints.ts';
import { loadStep } from '../packages/steps/src/index.ts';
import { repository } from './sluice-process.ts';

const page = readFileSync(join(repository, 'docs/diff.md'), 'utf8');
const blocks = (language: string): readonly string[] => [...page.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(([, text = '']) => text);

interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly { readonly uses?: string; readonly with?: Readonly<Record<string, unknown>> }[] }>>;
}

describe('the page on diff', () => {
  test('gives inputs that the step has', async () => {
    const known = Object.keys((await loadStep('diff')).inputs.shape);
    const flags = [...blocks('sh').join('').matchAll(/--([a-z-]+)/g)].map(([, name]) => name);
    const inputs = blocks('yaml').filter((text) => text.startsWith('on:')).flatMap((text) => Object.values((parse(text) as Workflow).jobs).flatMap(({ steps }) => steps.filter(({ uses }) => uses?.includes('/actions/diff@')).flatMap((step) => Object.keys(step.with ?? {}))));
    expect(flags.length).toBeGreaterThan(5);
    expect(inputs).toEqual(['environment', 'from', 'fail-on-change']);
    for (const name of [...flags, ...inputs]) expect(known).toContain(name);
  });

  test('shows pipelines in which the linter of pipelines finds no error', () => {
    const [request = '', gitlab = '', drift = ''] = blocks('yaml');
    for (const [path, text] of [['.github/workflows/diff.yml', request], ['.gitlab-ci.yml', gitlab], ['.github/workflows/drift.yml', drift]] as const) {
      expect(lintPipeline({ kind: path === '.gitlab-ci.yml' ? 'gitlab' : 'github', path, text }).filter(({ severity }) => severity === 'error')).toEqual([]);
    }
  });

  test('says of each CI what the hint of a missing commit says', () => {
    for (const [ci, word] of [['github', 'fetch-depth'], ['gitlab', 'GIT_DEPTH: 0'], ['bitbucket', 'clone: { depth: full }'], ['circleci', 'checkout: { method: full }']] as const) {
      expect(cloneHints[ci]).toContain(word);
      expect(page).toContain(word);
    }
  });
});
