import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { configSchema, done, failed, fileErrorCode, readConfig, readFileText, readYaml, type Outcome, type Project } from '@sluice/core';

/** configName is the file that a folder is looked into for. */
const configName = 'sluice.yml';

const isFolder = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    // A path that is not there is reported by whoever reads it, with a better sentence.
    if (fileErrorCode(error) !== undefined) return false;
    throw error;
  }
};

/** shownIn is a path as people in a folder write it: relative to where they are when that is shorter. */
const shownIn = (folder: string, path: string): string => {
  const short = relative(folder, path);
  return short.length < path.length && short !== '' ? short : path;
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** isBareDify tells a Dify DSL file from a sluice.yml by the keys that only it has. */
const isBareDify = (value: unknown): boolean =>
  isRecord(value) && !('environments' in value) && (value['kind'] === 'app' || 'app' in value || 'workflow' in value || 'model_config' in value);

/** isAgentYaml tells an s.yaml from a sluice.yml: what AgentRun needs to know beside it stands in sluice.yml. */
const isAgentYaml = (value: unknown): boolean => isRecord(value) && !('environments' in value) && 'edition' in value && 'resources' in value;

const slugOf = (file: string): string => {
  const slug = basename(file, extname(file))
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60);
  return slug === '' ? 'app' : slug;
};

/** nowhere stands for the app that a bare file's own configuration would name; nothing connects there. */
const nowhere = 'https://dify.example.com/app/00000000-0000-4000-8000-000000000000';

/** bareProject is the configuration of a Dify DSL file that has none: one environment, judged on paired answers. */
const bareProject = (path: string, file: string): Project => ({
  config: configSchema.parse({
    name: slugOf(path),
    source: basename(path),
    environments: { production: { dify: nowhere, canary: true } },
  }),
  folder: dirname(path),
  file,
  placeOf: () => ({ file }),
});

/** Loaded is a project, and whether it was made from a bare source file. */
export interface Loaded {
  readonly project: Project;
  readonly bare: boolean;
}

const missingHint = `Run in the folder that holds it, or name it: a ${configName} elsewhere, or for validate and rehearse a Dify app alone, as in \`validate app/bot.yml\`. On a CI, check that the repository is checked out.`;

/** loadProject reads sluice.yml, a folder that holds one, or a bare Dify DSL file; `working` is the folder that a relative path starts from. */
export const loadProject = async (working: string, given: string): Promise<Outcome<Loaded>> => {
  const absolute = resolve(working, given);
  const path = (await isFolder(absolute)) ? join(absolute, configName) : absolute;
  const shown = shownIn(working, path);
  const text = await readFileText(path, shown);
  if (!text.ok) {
    const missing = basename(path) === configName && text.problem.reason.endsWith('does not exist');
    return failed(missing ? { ...text.problem, hint: missingHint } : text.problem);
  }
  if (basename(path) !== configName) {
    const yaml = readYaml(shown, text.value);
    if (!yaml.ok) return yaml;
    if (isBareDify(yaml.value.value)) return done({ project: bareProject(path, shown), bare: true });
    if (isAgentYaml(yaml.value.value)) {
      return failed({
        category: 'input',
        reason: `${shown} is an s.yaml, not a ${configName}`,
        tried: 'read the configuration',
        where: shown,
        hint: `Write a ${configName} beside it, with source: ${basename(path)} and an environment that has agentrun, and name that file or run in its folder.`,
      });
    }
  }
  const project = readConfig(shown, text.value, dirname(path));
  return project.ok ? done({ project: project.value, bare: false }) : project;
};
