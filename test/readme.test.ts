import { beforeAll, describe, expect, test } from '@jest/globals';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { project, repository, sluice } from './sluice-process.ts';

interface Block {
  readonly language: string;
  readonly text: string;
}

let readme = '';
let blocks: readonly Block[] = [];
beforeAll(async () => {
  readme = await readFile(join(repository, 'README.md'), 'utf8');
  blocks = [...readme.matchAll(/```(\w+)\n([^]*?)```/g)].map(([, language = '', text = '']) => ({ language, text }));
});

const blockWith = (word: string): string => blocks.find(({ text }) => text.includes(word))?.text ?? '';

/** neededVariables are what the README's sluice.yml needs from the environment. */
const neededVariables = (): readonly string[] => ['DIFY_EMAIL', 'DIFY_PASSWORD', 'SLUICE_HOSTS', ...[...blockWith('environments:').matchAll(/env: (\w+)/g)].map(([, name = '']) => name)];

describe('the README', () => {
  test('has a sluice.yml that validate finds nothing wrong with', async () => {
    const app = await readFile(join(repository, 'examples/support-bot/app/support-bot.yml'), 'utf8');
    const folder = await project({ 'sluice.yml': blockWith('environments:'), 'app/support-bot.yml': app });
    const ended = await sluice(['validate', '--json'], { folder });
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'passed', outputs: { findings: '0' } });
  });

  test('hands over on every CI what its sluice.yml needs', () => {
    expect(neededVariables()).toContain('SLACK_WEBHOOK');
    const onGitlab = /GitLab \(`\.gitlab-ci\.yml`; ([^\n]*)\)/.exec(readme)?.[1] ?? '';
    for (const [place, text] of Object.entries({ github: blockWith('runs-on:'), gitlab: onGitlab, jenkins: blockWith('checkout scm') })) {
      expect({ place, missing: neededVariables().filter((name) => !text.includes(name)) }).toEqual({ place, missing: [] });
    }
  });

  test('has examples of at most twelve lines, and YAML that can be read', () => {
    const examples = blocks.filter(({ language }) => language !== 'console');
    expect(examples.length).toBeGreaterThan(3);
    for (const { language, text } of examples) {
      expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(12);
      if (language === 'yaml') expect(parse(text)).toEqual(expect.any(Object));
    }
  });

  test('links to nothing that is not there', async () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, path = '']) => path);
    expect(links).toContain('LICENSE');
    for (const path of new Set(links)) await access(join(repository, path));
  });
});
