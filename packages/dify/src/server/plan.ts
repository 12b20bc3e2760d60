import { done, draft, failed, live, type Deployment, type DeployOptions, type Outcome, type Problem, type Version } from '@sluice/core';
import { keepCredentials, sameBindings } from '../source/bindings.ts';
import { digestOf } from '../source/content.ts';
import { hasGraph } from '../source/dsl.ts';
import { mappingOf, textOf } from '../source/shape.ts';
import type { DifySource } from '../source/source.ts';
import type { Application } from './application.ts';
import { complete } from './complete.ts';
import { conflictWith, edited, versionsThatTell } from './conflict.ts';
import { planCreation } from './create.ts';
import { missingDatasets } from './datasets.ts';
import { absentPlugins } from './dependencies.ts';
import { liveAtOnce } from './live-at-once.ts';
import { fitToWorkspace } from './names.ts';
import { presentOf, unpublished } from './present.ts';
import { readSecrets } from './read-back.ts';
import { blankSecrets, type Kept } from './secrets.ts';
import type { App, Workflow } from './shapes.ts';
import { configurationVersion, contentOf, knownApp, versionOf } from './versions.ts';

/** Change is what a deployment is about to write: an app's draft, its configuration, or an app that is not there yet. */
export interface Change {
  readonly kind: 'draft' | 'configuration' | 'app';
  readonly kept: Kept;
  readonly notes: readonly string[];
}

/** Plan is how a deployment was decided: there is nothing to write, or this change. */
export type Plan = { readonly kind: 'nothing'; readonly deployment: Deployment } | Change;

const wrongMode = (source: DifySource, app: App): Problem => ({
  category: 'input',
  reason: `the file is a ${source.mode} app, but app ${app.id} on the server is a ${app.mode} app`,
  where: source.path,
  hint: 'Point the environment at an app of the same mode. The server would take the file and leave an app that does not run.',
});

const nothing = (version: Version, notes: readonly string[], said: string): Outcome<Plan> =>
  done({ kind: 'nothing', deployment: { changed: false, version, notes: [...notes, said] } });

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

const planGraph = async (application: Application, given: DifySource, app: App, options: DeployOptions): Promise<Outcome<Plan>> => {
  const present = await (app.workflow === null ? unpublished(application) : presentOf(application, versionsThatTell(options)));
  if (!present.ok) return present;
  const current = present.value.draft;
  const fitted = await fitToWorkspace(application, given);
  if (!fitted.ok) return fitted;
  const { notes, found } = fitted.value;
  const kept = complete(fitted.value.source, current);
  if (!kept.ok) return kept;
  const { source } = kept.value;
  const there = current === undefined ? done(false) : await isDeployed(application, kept.value, app, current);
  if (!there.ok) return there;
  if (current !== undefined && there.value) return nothing(versionOf(application, current), notes, 'The draft already has this content; nothing was imported.');
  const conflict = conflictWith(application, present.value, source.digest, options);
  if (conflict !== undefined) return failed(conflict);
  const datasets = await missingDatasets(application, source, found);
  return datasets.ok ? done({ kind: 'draft', kept: kept.value, notes: [...notes, ...datasets.value] }) : datasets;
};

const planConfiguration = async (application: Application, given: DifySource, app: App, options: DeployOptions): Promise<Outcome<Plan>> => {
  const refused = liveAtOnce(application);
  if (refused !== undefined) return failed(refused);
  const fitted = await fitToWorkspace(application, given);
  if (!fitted.ok) return fitted;
  const { notes, found } = fitted.value;
  const model = mappingOf(keepCredentials(fitted.value.source.root['model_config'], app.model_config));
  const source = fitted.value.source.with({ ...fitted.value.source.root, model_config: model });
  const version = configurationVersion(application, app);
  if (version.digest === source.digest) return nothing(version, notes, 'The app already has this configuration.');
  const ours = options.overwrite || options.ours.length === 0 || options.ours.includes(version.digest ?? '');
  if (!ours) return failed(edited(application, true));
  const datasets = await missingDatasets(application, source, found);
  return datasets.ok ? done({ kind: 'configuration', kept: { source, given: new Map() }, notes: [...notes, ...datasets.value] }) : datasets;
};

/** planOf decides what a deployment would write, or why it cannot. It reads only. */
export const planOf = async (application: Application, source: DifySource, options: DeployOptions): Promise<Outcome<Plan>> => {
  if (application.id() === '') return planCreation(application, source, options);
  const app = await knownApp(application);
  if (!app.ok) return app;
  if (app.value.mode !== source.mode) return failed(wrongMode(source, app.value));
  return hasGraph(source.mode) ? planGraph(application, source, app.value, options) : planConfiguration(application, source, app.value, options);
};

/**
 * foretold is the deployment that a change would make, for a dry run. It reads what a deployment reads after the write:
 * a stored secret that is blank, and plugins that the workspace lacks.
 */
export const foretold = async (application: Application, { kind, kept, notes }: Change): Promise<Outcome<Deployment>> => {
  if (kind === 'draft') {
    const secrets = await readSecrets(application, kept);
    if (!secrets.ok) return secrets;
    if (secrets.value.blank.length > 0) return failed(blankSecrets(kept.source, secrets.value.blank));
  }
  const id = hasGraph(application.mode) ? draft : live;
  const version: Version = { id, name: id, digest: kept.source.digest, comment: '', publishedAt: '' };
  const missing = kind === 'configuration' ? [] : await absentPlugins(application, kept.source);
  return done({ changed: true, version, notes: [...notes, ...missing] });
};
