import { done, failed, type Against, type Outcome, type Source } from '@sluice/core';
import { keepBindings, keepCredentials } from '../source/bindings.ts';
import { hasGraph } from '../source/dsl.ts';
import { mappingOf, type Mapping } from '../source/shape.ts';
import { isDifySource, type DifySource } from '../source/source.ts';
import type { Application } from './application.ts';
import { fitToWorkspace } from './names.ts';
import type { App, Workflow } from './shapes.ts';
import { givenNames, withoutSecrets } from './snapshot.ts';
import { allWorkflows, knownApp, otherMode, pinnedVersion, publishedWorkflow } from './versions.ts';

/**
 * headed puts the app's own name, description and icon into a root. An import leaves the colour behind the icon as it is
 * where the file has none (Dify 1.12.1, api/services/app_dsl_service.py), so that it is compared only where the file has one.
 */
const headed = (root: Mapping, { name, description, icon, icon_background }: App): Mapping => {
  const app = mappingOf(root['app']);
  const coloured = icon_background !== '' && typeof app['icon_background'] === 'string';
  return { ...root, app: { ...app, name, description, ...(icon === '' ? {} : { icon }), ...(coloured ? { icon_background } : {}) } };
};

/** liveWorkflow is what users get: what the gateway pins, else what is published; undefined before the first publication. */
const liveWorkflow = async (application: Application): Promise<Outcome<Workflow | undefined>> => {
  const pinned = await pinnedVersion(application);
  if (!pinned.ok) return pinned;
  const published = await publishedWorkflow(application);
  if (!published.ok || pinned.value === '' || published.value?.id === pinned.value) return published;
  const all = await allWorkflows(application, ({ id }) => id === pinned.value);
  if (!all.ok) return all;
  const users = all.value.find(({ id }) => id === pinned.value);
  return users === undefined
    ? failed({ category: 'platform', reason: `the gateway pins version ${pinned.value}, which app ${application.id()} does not have`, where: application.address.studio, hint: 'Restore a version.' })
    : done(users);
};

/** withGraph puts a workflow of the server into the place of a source's own. */
const withGraph = (source: DifySource, { graph, features, environment_variables, conversation_variables }: Workflow, app: App): DifySource =>
  source.with(headed({ ...source.root, workflow: { ...mappingOf(source.root['workflow']), graph, features, environment_variables, conversation_variables } }, app));

/** unsecret hides on both sides what the environment gives as a secret. */
const unsecret = (application: Application, source: DifySource): DifySource => source.with(withoutSecrets(source.root, givenNames(application)));

const ofGraph = async (application: Application, source: DifySource, app: App): Promise<Outcome<Against>> => {
  const live = await liveWorkflow(application);
  if (!live.ok) return live;
  if (live.value === undefined) return done({ source: unsecret(application, source) });
  const workflow = mappingOf(source.root['workflow']);
  const bound = source.with({ ...source.root, workflow: { ...workflow, graph: keepBindings(mappingOf(workflow['graph']), live.value.graph) } });
  return done({ running: unsecret(application, withGraph(source, live.value, app)), source: unsecret(application, bound) });
};

const ofConfiguration = (source: DifySource, app: App): Against => ({
  running: source.with(headed({ ...source.root, model_config: app.model_config }, app)),
  source: source.with({ ...source.root, model_config: keepCredentials(source.root['model_config'], app.model_config) }),
});

/**
 * against puts what users get beside a source, whose names are then ids of the workspace, as a deployment would send it:
 * with the bindings that the app has, and without secrets. What a gateway pins is what users get.
 */
export const against = async (application: Application, given: Source): Promise<Outcome<Against>> => {
  if (!isDifySource(given)) return failed({ category: 'defect', reason: 'a source of another platform was given to Dify' });
  if (application.id() === '') return done({ source: unsecret(application, given) });
  const app = await knownApp(application);
  if (!app.ok) return app;
  if (app.value.mode !== given.mode) return failed(otherMode(application, app.value));
  const fitted = await fitToWorkspace(application, given);
  if (!fitted.ok) return fitted;
  return hasGraph(given.mode) ? ofGraph(application, fitted.value.source, app.value) : done(ofConfiguration(fitted.value.source, app.value));
};
