import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../sluice-process.ts';

/** filesIn are the paths of what a folder of the repository holds, from its root. */
export const filesIn = (folder: string): readonly string[] =>
  existsSync(join(repository, folder)) ? readdirSync(join(repository, folder)).map((name) => `${folder}/${name}`) : [];

export const read = (path: string): string => readFileSync(join(repository, path), 'utf8');

/** workflowFiles are our own workflows and those of the examples. */
export const workflowFiles = ['.github/workflows', ...filesIn('examples').map((example) => `${example}/.github/workflows`)].flatMap(filesIn);

/** actionFiles are the definitions of the root action and of every step's. */
export const actionFiles = ['action.yml', ...filesIn('actions').filter((path) => !path.endsWith('.sh')).map((folder) => `${folder}/action.yml`)];

/** shownWorkflows are the workflows that our pages show, each under its page and number: `docs/github.md-0.yml`. */
export const shownWorkflows: Readonly<Record<string, string>> = Object.fromEntries(
  ['README.md', ...filesIn('docs').filter((path) => path.endsWith('.md'))].flatMap((page) =>
    [...read(page).matchAll(/```yaml\n(on:[^]*?)```/g)].map(([, text = ''], index) => [`${page}-${index}.yml`, text] as const),
  ),
);
