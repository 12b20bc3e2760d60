import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { configRules, systemClock, type Json } from '@sluice/core';
import { detectHost } from '@sluice/hosts';
import { loadStep } from '@sluice/steps';
import { parse, stringify } from 'yaml';
import { runStepCommand } from '../packages/cli/src/step-command.ts';
import { captures } from '../packages/hosts/test/fakes.ts';
import { project } from './sluice-process.ts';

const folder = new URL('../docs/rules/', import.meta.url);
const index = readFileSync(new URL('README.md', folder), 'utf8');

const agent = ['edition: 3.0.0', 'resources:', '  agent:', '    component: agentrun@1.0.12', '    props:', '      region: cn-hangzhou', '      agent: { name: guide, cpu: 1, memory: 2048, port: 9000, customContainerConfig: { image: "registry.example.com/a/b:1" } }'].join('\n');
const config = { name: 'guide', source: 's.yaml', environments: { production: { agentrun: { endpoint: 'production' } } } };

/** foundIn are the ids of the rules that the step finds in a project with a part of its own. */
const foundIn = async (part: { readonly config?: object; readonly agent?: string }): Promise<readonly string[]> => {
  const place = await project({ 'sluice.yml': stringify({ ...config, ...part.config }), 's.yaml': `${part.agent ?? 'name: guide'}\n${agent}\n` });
  const host = await detectHost({}, captures(), { folder: place, clock: systemClock() });
  const { signal } = new AbortController();
  const result = await runStepCommand(host, await loadStep('validate'), { command: 'validate', flags: { config: join(place, 'sluice.yml') }, positionals: [], json: false, dryRun: false, help: false }, { signal, connection: signal });
  const evidence: readonly Json[] = Array.isArray(result.evidence) ? result.evidence : [];
  // What is asked of an environment stands there too.
  return evidence.flatMap((one) => (typeof one === 'object' && one !== null && 'rule' in one && !String(one['rule']).startsWith('environment/') ? [String(one['rule'])] : []));
};

test('every rule on sluice.yml has its page and its row, and none is left over', () => {
  expect(readdirSync(new URL('config/', folder)).map((name) => `config/${name.replace(/\.md$/, '')}`).toSorted()).toEqual(configRules.map(({ id }) => id).toSorted());
  expect(index.split('\n').filter((line) => line.startsWith('| [`config/'))).toEqual(configRules.map(({ id, summary }) => `| [\`${id}\`](${id}.md) | ${summary} |`));
});

describe.each(configRules.map(({ id, summary, scope }) => ({ id, summary, scope })))('the page of $id', ({ id, summary, scope }) => {
  const page = readFileSync(new URL(`${id}.md`, folder), 'utf8');
  const blocks = [...page.matchAll(/^```yaml ?(\w*)\n([^]*?)^```$/gm)].map(([, kind, text = '']) => (kind === 'file' ? { agent: text } : { config: parse(text) as object }));

  test('says what is wrong and who may change it', () => {
    expect(page.startsWith(`# ${id}\n\n${summary}\n`)).toBe(true);
    expect(page.includes('Its severity cannot be changed')).toBe(scope === 'shape');
  });

  test('has an example that breaks it alone, and one that breaks none', async () => {
    expect(await Promise.all(blocks.map(foundIn))).toEqual([[id], []]);
  });
});

test.each([
  ['a family that there is not', { 'agentrn/value': 'off' }, ['config/unknown-rule']],
  ['a rule on sluice.yml that is locked', { 'config/locked-rule': 'off' }, ['config/locked-rule']],
  ['rules of each family', { 'agentrun/image-tag': 'off', 'dify/cycle': 'warning', 'pipeline/cli-unpinned': 'off', 'config/shared-environment': 'warning' }, []],
])('%s', async (_name, rules, wanted) => {
  expect(await foundIn({ config: { lint: { rules } } })).toEqual(wanted);
});

test('environments that release to the same place can be allowed to', async () => {
  const environments = { staging: { agentrun: { endpoint: 'live' } }, production: { agentrun: { endpoint: 'live' } } };
  expect(await foundIn({ config: { environments, lint: { rules: { 'config/shared-environment': 'off' } } } })).toEqual([]);
});

describe('rules for s.yaml', () => {
  test('are set by sluice.yml, and disabled by a comment with a reason', async () => {
    const hook = 'actions: { pre-deploy: [{ run: make }] }';
    expect(await foundIn({ agent: hook })).toEqual(['agentrun/actions']);
    expect(await foundIn({ agent: hook, config: { lint: { rules: { 'agentrun/actions': 'off' } } } })).toEqual([]);
    expect(await foundIn({ agent: `${hook} # sluice-disable agentrun/actions -- the pipeline runs make itself` })).toEqual([]);
    expect(await foundIn({ agent: `${hook} # sluice-disable agentrun/actions` })).toEqual(['agentrun/actions', 'config/disable-without-reason']);
  });
});
