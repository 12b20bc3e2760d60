import { done, failed, type Deployment, type DeployOptions, type Outcome, type Problem, type Source } from '@sluice/core';
import { keepCredentials, sameBindings } from '../source/bindings.ts';
import { completeModel, digestOf, modelContent } from '../source/content.ts';
import { diffContent } from '../source/diff.ts';
import { hasGraph } from '../source/dsl.ts';
import { renderDsl } from '../source/render.ts';
import { mappingOf, textOf } from '../source/shape.ts';
import { isDifySource, type DifySource } from '../source/source.ts';
import type { Application } from './application.ts';
import { complete } from './complete.ts';
import { edited, unknownDraft } from './conflict.ts';
import { createApp } from './create.ts';
import { missingDatasets } from './datasets.ts';
import { missingPlugins } from './dependencies.ts';
import { mayBeImported, runImport } from './import.ts';
import { liveAtOnce } from './live-at-once.ts';
import { fitToWorkspace } from './names.ts';
import { lossText, notKept, readBack, readSecrets, verified } from './read-back.ts';
import { blankSecrets, type Kept } from './secrets.ts';
import type { App, Workflow } from './shapes.ts';
import { configurationVersion, contentOf, knownApp, versionOf } from './versions.ts';

const wrongMode = (source: DifySource, app: App): Problem => ({
  category: 'input',
  reason: `the file is a ${source.mode} app, but app ${app.id} on the server is a ${app.mode} app`,
  where: source.path,
  hint: 'Point the environment at an app of the same mode. The server would take the file and leave an app that does not run.',
});

const sameHead = (source: DifySource, app: App): boolean => {
  const head = mappingOf(source.root['app']);
  return textOf(head['name']) === app.name && textOf(head['description']) === app.description;
};

/** isDeployed says whether the draft already is what a deployment would make of it. */
const isDeployed = async (application: Application, kept: Kept, app: App, current: Workflow): Promise<Outcome<boolean>> => {
  const { source } = kept;
  const same = digestOf(contentOf(application, current)) === source.digest && sameHead(source, app);
  if (!same || !sameBindings(mappingOf(mappingOf(source.root['workflow'])['graph']), current.graph)) return done(false);
  const secrets = await readSecrets(application, kept);
  if (!secrets.ok) return secrets;
  const { known, blank, lost } = secrets.value;
  if (blank.length > 0) return failed(blankSecrets(source, blank));
  // A server that does not show its secrets is sent those that were given.
  return done(known ? lost.length === 0 : kept.given.size === 0);
};

/** afterLostAnswer looks at the draft when nobody knows whether an import was carried out. Nothing is sent again. */
const afterLostAnswer = async (application: Application, kept: Kept, notes: readonly string[], lost: Problem): Promise<Outcome<Deployment>> => {
  const again = 'Run the release again: a draft that already has this content is not written twice.';
  const after = await application.console.draft(application.id());
  if (!after.ok) return failed({ ...lost, hint: `Nothing was published, and whether the draft was written is not known. ${again}` });
  const judged = after.value === undefined ? undefined : await verified(application, kept, after.value);
  if (after.value === undefined || judged?.ok !== true) return failed({ ...lost, hint: `The draft was read again and does not hold this content. Nothing was published. ${again}` });
  const note = 'The answer to the import was lost; the draft was read back and is as deployed.';
  return done({ changed: true, version: versionOf(application, after.value), notes: [...notes, note] });
};

const imported = async (application: Application, kept: Kept, notes: readonly string[]): Promise<Outcome<Deployment>> => {
  const answer = await runImport(application, renderDsl(kept.source.root), application.id());
  if (!answer.ok) return mayBeImported(answer.problem) ? afterLostAnswer(application, kept, notes, answer.problem) : answer;
  const missing = await missingPlugins(application, kept.source, answer.value.confirmed);
  return readBack(application, kept, [...notes, ...answer.value.notes, ...missing]);
};

const deployGraph = async (application: Application, given: DifySource, app: App, options: DeployOptions): Promise<Outcome<Deployment>> => {
  const current = await application.console.draft(application.id());
  if (!current.ok) return current;
  const fitted = await fitToWorkspace(application, given);
  if (!fitted.ok) return fitted;
  const kept = complete(fitted.value.source, current.value);
  if (!kept.ok) return kept;
  if (current.value !== undefined) {
    const there = await isDeployed(application, kept.value, app, current.value);
    if (!there.ok) return there;
    if (there.value) return unchanged(application, current.value, fitted.value.notes);
    const digest = digestOf(contentOf(application, current.value));
    const ours = digest === kept.value.source.digest || digest === options.lastDigest;
    const judged = ours ? done(undefined) : await unknownDraft(application, current.value, options);
    if (!judged.ok) return judged;
  }
  const datasets = await missingDatasets(application, kept.value.source);
  return datasets.ok ? imported(application, kept.value, [...fitted.value.notes, ...datasets.value]) : datasets;
};

const unchanged = (application: Application, current: Workflow, notes: readonly string[]): Outcome<Deployment> =>
  done({ changed: false, version: versionOf(application, current), notes: [...notes, 'The draft already has this content; nothing was imported.'] });

/** configured writes the configuration, which is live with the answer, and reads it back. */
const configured = async (application: Application, source: DifySource, notes: readonly string[]): Promise<Outcome<Deployment>> => {
  const written = await application.console.configureModel(application.id(), completeModel(mappingOf(source.root['model_config'])));
  if (!written.ok && !mayBeImported(written.problem)) {
    return failed({ ...written.problem, hint: 'Nothing was changed. The server checks that the workspace has every model and dataset of the file: add what it misses, or map it by models and datasets in sluice.yml.' });
  }
  const after = await knownApp(application);
  if (!after.ok) return failed({ ...after.problem, hint: 'Whether the configuration was written is not known. Run the release again: a configuration that is there already is not written twice.' });
  // The server fills in defaults, which is no loss; what is gone or different is.
  const lost = diffContent(source.content, modelContent(application.mode, after.value.model_config)).filter((change) => change.kind !== 'added');
  if (lost.length > 0 && !written.ok) return written;
  if (lost.length > 0) return failed({ ...notKept(application, lost.map(lossText)), hint: 'The configuration is live for everybody. Compare it in Studio with the file.' });
  return done({ changed: true, version: configurationVersion(application, after.value), notes: [...notes, 'The configuration is live for everybody.'] });
};

const deployConfiguration = async (application: Application, given: DifySource, app: App, options: DeployOptions): Promise<Outcome<Deployment>> => {
  const refused = liveAtOnce(application);
  if (refused !== undefined) return failed(refused);
  const fitted = await fitToWorkspace(application, given);
  if (!fitted.ok) return fitted;
  const { notes } = fitted.value;
  const model = mappingOf(keepCredentials(fitted.value.source.root['model_config'], app.model_config));
  const source = fitted.value.source.with({ ...fitted.value.source.root, model_config: model });
  const version = configurationVersion(application, app);
  if (version.digest === source.digest) return done({ changed: false, version, notes: [...notes, 'The app already has this configuration.'] });
  const ours = options.overwrite || options.lastDigest === undefined || options.lastDigest === version.digest;
  if (!ours) return failed(edited(application, true));
  const datasets = await missingDatasets(application, source);
  return datasets.ok ? configured(application, source, [...notes, ...datasets.value]) : datasets;
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
