import { done, failed, type Deployment, type DeployOptions, type Outcome } from '@sluice/core';
import { diffContent } from '../source/diff.ts';
import { hasGraph } from '../source/dsl.ts';
import { renderDsl } from '../source/render.ts';
import type { DifySource } from '../source/source.ts';
import { mayHaveHappened } from './answer.ts';
import { noApplication, type Application } from './application.ts';
import { withDatasets } from './datasets.ts';
import { runImport } from './import.ts';
import { liveAtOnce } from './live-at-once.ts';
import { keepSecrets } from './secrets.ts';
import { configurationVersion, contentOf, knownApp, versionOf } from './versions.ts';

const linesFor = (application: Application, id: string): readonly string[] => {
  const { dify } = application.connection.environment;
  return typeof dify === 'object' ? ['dify:', `  app: ${id}`] : [`dify: ${application.address.studio}/app/${id}`];
};

/** createdVersion reads the new app back. */
const createdVersion = async (application: Application, source: DifySource) => {
  if (!hasGraph(application.mode)) {
    const app = await knownApp(application);
    return app.ok ? done(configurationVersion(application, app.value)) : app;
  }
  const current = await application.console.draft(application.id());
  if (!current.ok) return current;
  const changes = current.value === undefined ? undefined : diffContent(source.content, contentOf(application, current.value));
  if (current.value !== undefined && changes?.length === 0) return done(versionOf(application, current.value));
  return failed({
    category: 'platform' as const,
    reason: `the new app ${application.id()} does not have the content of the file${changes === undefined ? '' : `: ${changes[0]?.subject ?? ''} differs`}`,
    where: application.address.studio,
    hint: 'Delete the app in Studio before the next try, or put its id into sluice.yml.',
  });
};

/** createApp makes the app by an import without an id. A lost answer may leave an app behind, so it is never sent twice. */
export const createApp = async (application: Application, given: DifySource, options: DeployOptions): Promise<Outcome<Deployment>> => {
  if (!options.create) return noApplication(application.address);
  const refused = liveAtOnce(application);
  if (refused !== undefined) return failed(refused);
  const source = await withDatasets(application, given);
  if (!source.ok) return source;
  const complete = hasGraph(given.mode) ? keepSecrets(source.value, []) : done({ source: source.value });
  if (!complete.ok) return complete;
  const answer = await runImport(application, renderDsl(complete.value.source.root));
  if (!answer.ok) {
    return !mayHaveHappened(answer.problem)
      ? answer
      : failed({ ...answer.problem, hint: `Look in Studio whether the app "${given.title}" was made; if so, put its address into sluice.yml. Sluice does not send this again by itself.` });
  }
  application.created(answer.value.app);
  const version = await createdVersion(application, complete.value.source);
  if (!version.ok) return version;
  return done({
    changed: true,
    version: version.value,
    created: { application: answer.value.app, lines: linesFor(application, answer.value.app) },
    notes: answer.value.notes,
  });
};
