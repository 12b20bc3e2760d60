import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { previewKeepMs, readConfig } from '@sluice/core';
import { parse } from 'yaml';
import { loadStep } from '../packages/steps/src/index.ts';
import { repository } from './sluice-process.ts';

const page = readFileSync(join(repository, 'docs/preview.md'), 'utf8');
const blocks = (language: string): readonly string[] => [...page.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(([, text = '']) => text);
const [configuration = '', ...pipelines] = blocks('yaml');

interface Workflow {
  readonly on: { readonly pull_request: { readonly types: readonly string[] } };
  readonly jobs: Readonly<Record<string, { readonly if?: string; readonly environment?: { readonly name: string; readonly url: string }; readonly steps?: readonly { readonly with?: Readonly<Record<string, string>> }[]; readonly with?: Readonly<Record<string, string>> }>>;
}

describe('the page on previews', () => {
  test('shows a sluice.yml that is right', () => {
    const read = readConfig('sluice.yml', configuration, repository);
    const environment = read.ok ? read.value.config.environments['previews'] : undefined;
    expect(environment === undefined ? read : previewKeepMs(environment)).toBe(14 * 86_400_000);
  });

  test('shows workflows that run on what opens, changes and closes a request', () => {
    const workflows = pipelines.filter((text) => text.startsWith('on:')).map((text) => parse(text) as Workflow);
    expect(workflows).toHaveLength(2);
    for (const { on } of workflows) expect(on.pull_request.types).toEqual(['opened', 'synchronize', 'reopened', 'closed']);
  });

  test('keeps forks out of its own workflow, as the called one does', () => {
    const own = parse(pipelines[0] ?? '') as Workflow;
    const called = parse(readFileSync(join(repository, '.github/workflows/preview.yml'), 'utf8')) as Workflow;
    for (const workflow of [own, called]) {
      expect(workflow.jobs['preview']).toMatchObject({ if: expect.stringContaining('github.event.pull_request.head.repo.full_name == github.repository'), environment: { url: '${{ steps.preview.outputs.url }}' } });
      expect(workflow.jobs['preview']?.steps?.at(-1)?.with).toMatchObject({ remove: "${{ github.event.action == 'closed' }}" });
    }
  });

  test('gives inputs that the step has', async () => {
    const known = Object.keys((await loadStep('preview')).inputs.shape);
    const given = [...blocks('sh').join('').matchAll(/preview.*/g)].flatMap(([line]) => [...line.matchAll(/--([a-z-]+)/g)].map(([, name]) => name));
    expect(given.length).toBeGreaterThan(4);
    for (const name of given) expect(known).toContain(name);
    const components = parse(pipelines.find((text) => text.startsWith('include:')) ?? '') as { readonly include: readonly { readonly inputs: Readonly<Record<string, string>> }[] };
    for (const { inputs } of components.include) for (const name of Object.keys(inputs)) expect([...known, 'job', 'stage']).toContain(name);
  });

  test('names messages that the source has', () => {
    const messages = [...page.slice(page.indexOf('## Message, cause, fix')).matchAll(/^\| `([^`]+)` \|/gm)].map(([, message = '']) => message);
    expect(messages.length).toBeGreaterThan(4);
    for (const message of messages) {
      for (const part of message.split('…').map((text) => text.replaceAll('"', '').trim()).filter((text) => text.length > 6)) {
        expect(execFileSync('grep', ['-rlF', '--include=*.ts', part, 'packages'], { cwd: repository, encoding: 'utf8' })).not.toBe('');
      }
    }
  });
});
