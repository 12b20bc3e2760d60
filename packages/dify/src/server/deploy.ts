import { done, failed, type Change, type Deployment, type DeployOptions, type Outcome, type Problem, type Source } from '@sluice/core';
import { digestOf, modelContent } from '../source/content.ts';
import { diffContent } from '../source/diff.ts';
import { environmentVariables, hasGraph } from '../source/dsl.ts';
import { renderDsl } from '../source/render.ts';
import { mappingOf, textOf } from '../source/shape.ts';
import { isDifySource, type DifySource } from '../source/source.ts';
import { mayHaveHappened } from './answer.ts';
import type { Application } from './application.ts';
import { createApp } from './create.ts';
import { withDatasets } from './datasets.ts';
import { runImport } from './import.ts';
import { liveAtOnce } from './live-at-once.ts';
import { atLeast } from './release.ts';
import { keepSecrets, type Kept } from './secrets.ts';
import type { App, Workflow } from './shapes.ts';
import { configurationVersion, contentOf, knownApp, versionOf } from './versions.ts';

const longestList = 8;

const changeLines = (changes: readonly Change[]): string => {
  const subjects = changes.map((change) => `${change.subject} ${change.kind}`);
  const more = subjects.length - longestList;
  return `${subjects.slice(0, longestList).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
};

const wrongMode = (source: DifySource, app: App): Problem => ({
  category: 'input',
  reason: `the file is a ${source.mode} app, but app ${app.id} on the server is a ${app.mode} app`,
  where: source.path,
  hint: 'Point the environment at an app of the same mode. The server would take the file and leave an app that does not run.',
});

/** edited is the conflict with somebody's unpublished work; undefined when the state on the server is one that we know. */
const edited = (application: Application, now: string, known: readonly (string | undefined)[], options: DeployOptions): Problem | undefined =>
  options.overwrite || known.includes(now)
    ? undefined
    : {
        category: 'conflict',
        reason: `the ${hasGraph(application.mode) ? 'draft' : 'configuration'} of app ${application.id()} was edited since the last release; deploying would lose that work`,
        where: application.address.studio,
        hint: 'Export the app from Studio and commit what is worth keeping, then deploy with overwrite.',
      };

const differs = (application: Application, changes: readonly Change[]): Problem => ({
  category: 'platform',
  reason: `the server did not keep everything that was deployed: ${changeLines(changes)}`,
  tried: `deploy app ${application.id()}`,
  where: application.address.studio,
  hint: 'Nothing was published. Compare the draft in Studio with the file; a dataset, tool or model that this workspace does not have may have been dropped.',
});

/** secretsChanged says whether an import would change a stored secret; a server that cannot tell counts as changed. */
const secretsChanged = async (application: Application, { given }: Kept): Promise<Outcome<boolean>> => {
  if (given.size === 0) return done(false);
  const release = await application.session.release();
  if (!release.ok) return release;
  if (!atLeast(release.value, '1.5.0')) return done(true);
  const stored = await application.console.draftSecrets(application.id());
  if (!stored.ok) return stored;
  return done([...given].some(([id, value]) => stored.value.get(id) !== value));
};

const sameHead = (source: DifySource, app: App): boolean => {
  const head = mappingOf(source.root['app']);
  return textOf(head['name']) === app.name && textOf(head['description']) === app.description;
};

/** readBack compares the draft with what was deployed, so that nothing is lost silently. */
const readBack = async (application: Application, source: DifySource, notes: readonly string[]): Promise<Outcome<Deployment>> => {
  const after = await application.console.draft(application.id());
  if (!after.ok) return after;
  if (after.value === undefined) return failed({ category: 'platform', reason: `app ${application.id()} has no draft after the import`, where: application.address.studio });
  const changes = diffContent(source.content, contentOf(application, after.value));
  if (changes.length > 0) return failed(differs(application, changes));
  return done({ changed: true, version: versionOf(application, after.value), notes });
};

const missingPlugins = async (application: Application): Promise<readonly string[]> => {
  const missing = await application.console.missingPlugins(application.id());
  if (!missing.ok) return [`Whether all plugins are installed is not known: ${missing.problem.reason}`];
  return missing.value.map((item) => {
    const value = mappingOf(item['value']);
    const name = ['marketplace_plugin_unique_identifier', 'plugin_unique_identifier', 'github_plugin_unique_identifier', 'repo'].map((key) => textOf(value[key])).find((text) => text !== '');
    return `The workspace lacks the plugin ${name ?? 'that the file names'}; nodes that use it will fail.`;
  });
};

/** imported writes the draft. When the answer was lost, the draft is looked at before anything is sent again. */
const imported = async (application: Application, source: DifySource): Promise<Outcome<Deployment>> => {
  const answer = await runImport(application, renderDsl(source.root), application.id());
  if (!answer.ok) {
    if (!mayHaveHappened(answer.problem)) return answer;
    const after = await readBack(application, source, ['The answer to the import was lost; the draft was read back and is as deployed.']);
    return after.ok ? after : answer;
  }
  return readBack(application, source, [...answer.value.notes, ...(await missingPlugins(application))]);
};

const deployGraph = async (application: Application, given: DifySource, app: App, options: DeployOptions): Promise<Outcome<Deployment>> => {
  const current = await application.console.draft(application.id());
  if (!current.ok) return current;
  const published = await application.console.published(application.id());
  if (!published.ok) return published;
  const source = await withDatasets(application, given);
  if (!source.ok) return source;
  const stored = current.value ?? published.value;
  const kept = keepSecrets(source.value, environmentVariables(stored));
  if (!kept.ok) return kept;
  if (current.value !== undefined) {
    const now = digestOf(contentOf(application, current.value));
    const wanted = kept.value.source.digest;
    const secrets = now === wanted ? await secretsChanged(application, kept.value) : done(true);
    if (!secrets.ok) return secrets;
    if (!secrets.value && sameHead(given, app)) return unchanged(application, current.value);
    const conflict = edited(application, now, [wanted, options.lastDigest, digestOfWorkflow(application, published.value)], options);
    if (conflict !== undefined) return failed(conflict);
  }
  return imported(application, kept.value.source);
};

const digestOfWorkflow = (application: Application, workflow: Workflow | undefined): string | undefined =>
  workflow === undefined ? undefined : digestOf(contentOf(application, workflow));

const unchanged = (application: Application, current: Workflow): Outcome<Deployment> =>
  done({ changed: false, version: versionOf(application, current), notes: ['The draft already has this content; nothing was imported.'] });

const deployConfiguration = async (application: Application, given: DifySource, app: App, options: DeployOptions): Promise<Outcome<Deployment>> => {
  const refused = liveAtOnce(application);
  if (refused !== undefined) return failed(refused);
  const source = await withDatasets(application, given);
  if (!source.ok) return source;
  const version = configurationVersion(application, app);
  const { digest = '' } = version;
  if (digest === source.value.digest) return done({ changed: false, version, notes: ['The app already has this configuration.'] });
  const conflict = options.lastDigest === undefined ? undefined : edited(application, digest, [options.lastDigest], options);
  if (conflict !== undefined) return failed(conflict);
  const written = await application.console.configureModel(application.id(), mappingOf(source.value.root['model_config']));
  if (!written.ok) return written;
  const after = await knownApp(application);
  if (!after.ok) return after;
  // The server fills in defaults, which is no loss; what is gone or different is.
  const lost = diffContent(source.value.content, modelContent(application.mode, after.value.model_config)).filter((change) => change.kind !== 'added');
  if (lost.length > 0) return failed(differs(application, lost));
  return done({ changed: true, version: configurationVersion(application, after.value), notes: ['The configuration is live for everybody.'] });
};

/** deploy writes the draft of the app, or makes the app, and reads back what the server has kept. */
export const deploy = async (application: Application, source: Source, options: DeployOptions): Promise<Outcome<Deployment>> => {
  if (!isDifySource(source)) return failed({ category: 'defect', reason: 'a source of another platform was given to Dify' });
  if (application.id() === '') return createApp(application, source, options);
  const app = await knownApp(application);
  if (!app.ok) return app;
  if (app.value.mode !== source.mode) return failed(wrongMode(source, app.value));
  return hasGraph(source.mode) ? deployGraph(application, source, app.value, options) : deployConfiguration(application, source, app.value, options);
};

