import { done, failed, type Deployment, type DeployOptions, type Outcome, type Problem } from '@sluice/core';
import { diffContent } from '../source/diff.ts';
import { modelContent } from '../source/content.ts';
import { hasGraph } from '../source/dsl.ts';
import type { DifySource } from '../source/source.ts';
import { mayHaveHappened } from './answer.ts';
import { noApplication, type Application } from './application.ts';
import { appsNamed, type Named } from './catalogue.ts';
import { complete } from './complete.ts';
import { missingDatasets } from './datasets.ts';
import { missingPlugins } from './dependencies.ts';
import { runImport, type Imported } from './import.ts';
import { liveAtOnce } from './live-at-once.ts';
import { fitToWorkspace } from './names.ts';
import type { Change } from './plan.ts';
import { lossText, notKept, readBack } from './read-back.ts';
import type { Kept } from './secrets.ts';
import { configurationVersion, knownApp } from './versions.ts';

/** linesFor are the lines of sluice.yml that point an environment at an app. */
const linesFor = (application: Application, id: string): readonly string[] => {
  const { dify } = application.connection.environment;
  return typeof dify === 'object' ? ['dify:', `  app: ${id}`] : [`dify: ${application.address.studio}/app/${id}`];
};

const alreadyThere = (application: Application, name: string, found: readonly Named[]): Problem => {
  const [only, ...others] = found;
  const hint =
    only !== undefined && others.length === 0
      ? `To release to it, add to the environment in sluice.yml: dify: { app: ${only.id} }. For a second app, change app.name in the file.`
      : `Choose one and add it to the environment in sluice.yml as dify: { app: <id> }: ${found.map((one) => `${one.id} (${one.note})`).join(', ')}.`;
  return {
    category: 'input',
    reason: only !== undefined && others.length === 0 ? `this workspace has an app named "${name}" already: ${only.id} (${only.note})` : `this workspace has ${found.length} apps named "${name}" already`,
    tried: 'create the app',
    where: application.address.studio,
    hint,
  };
};

/** createdDeployment reads the new app back. */
const createdDeployment = async (application: Application, kept: Kept, notes: readonly string[]): Promise<Outcome<Deployment>> => {
  if (hasGraph(application.mode)) return readBack(application, kept, notes);
  const app = await knownApp(application);
  if (!app.ok) return app;
  const lost = diffContent(kept.source.content, modelContent(application.mode, app.value.model_config)).filter((change) => change.kind !== 'added');
  if (lost.length > 0) return failed(notKept(application, lost.map(lossText)));
  return done({ changed: true, version: configurationVersion(application, app.value), notes });
};

/** leftBehind tells of the empty app that Dify leaves when it refuses the content of a new one. */
const leftBehind = (problem: Problem, found: Outcome<readonly Named[]>): Problem => {
  const left = found.ok ? found.value.map((one) => one.id).join(', ') : '';
  return left === '' ? problem : { ...problem, hint: `The server has left the app ${left} behind. Delete it in Studio before the next try. ${problem.hint ?? ''}`.trim() };
};

const unknownEnd = (application: Application, source: DifySource, problem: Problem): Problem => ({
  ...problem,
  hint: `Whether the app "${source.title}" was made is not known. Run again: Sluice looks for an app of that name before it makes one.`,
  where: problem.where ?? application.address.studio,
});

/** made creates the app. A lost answer may have left one behind, so the workspace is searched and nothing is sent twice. */
const made = async (application: Application, source: DifySource): Promise<Outcome<Imported>> => {
  const answer = await runImport(application, source.root);
  if (answer.ok) return answer;
  const found = await appsNamed(application, source.title);
  if (!mayHaveHappened(answer.problem)) return failed(leftBehind(answer.problem, found));
  const [only, ...others] = found.ok ? found.value : [];
  // There was no app of this name a moment ago, so a single one is the one that was just made.
  if (only === undefined || others.length > 0) return failed(unknownEnd(application, source, answer.problem));
  return done({ app: only.id, notes: ['The answer to the creation was lost; the app was found by its name.'], confirmed: false });
};

/** planCreation decides whether the app can be made: the workspace has none of that name yet, and everything that it needs. */
export const planCreation = async (application: Application, given: DifySource, options: DeployOptions): Promise<Outcome<Change>> => {
  if (!options.create) return noApplication(application.address);
  const refused = liveAtOnce(application);
  if (refused !== undefined) return failed(refused);
  const apps = await appsNamed(application, given.title);
  if (!apps.ok) return apps;
  if (apps.value.length > 0) return failed(alreadyThere(application, given.title, apps.value));
  const fitted = await fitToWorkspace(application, given);
  if (!fitted.ok) return fitted;
  const { source, notes, found } = fitted.value;
  const kept = hasGraph(given.mode) ? complete(source, undefined) : done({ source, given: new Map<string, string>() });
  if (!kept.ok) return kept;
  const datasets = await missingDatasets(application, kept.value.source, found);
  return datasets.ok ? done({ kind: 'app', kept: kept.value, notes: [...notes, ...datasets.value] }) : datasets;
};

/** createApp makes the app by an import without an id, and reads it back. */
export const createApp = async (application: Application, { kept, notes }: Change): Promise<Outcome<Deployment>> => {
  const answer = await made(application, kept.source);
  if (!answer.ok) return answer;
  application.created(answer.value.app);
  const created = { application: answer.value.app, lines: linesFor(application, answer.value.app) };
  const missing = await missingPlugins(application, kept.source, answer.value.confirmed);
  const deployment = await createdDeployment(application, kept, [...notes, ...answer.value.notes, ...missing]);
  if (deployment.ok) return done({ ...deployment.value, created });
  return failed({ ...deployment.problem, hint: `The app was made. Add to sluice.yml: ${created.lines.map((line) => line.trim()).join(' ')}. ${deployment.problem.hint ?? ''}`.trim() });
};
