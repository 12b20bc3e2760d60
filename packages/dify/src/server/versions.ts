import { done, draft, failed, live, type Outcome, type Problem, type Version } from '@sluice/core';
import { digestOf, modelContent, workflowContent, type Content } from '../source/content.ts';
import { hasGraph } from '../source/dsl.ts';
import type { Application } from './application.ts';
import { unknownApplication } from './application.ts';
import type { App, Workflow } from './shapes.ts';

/** mostPages bounds the version list: 50 pages of 20. */
const mostPages = 50;

/** contentOf is the content of a workflow that the server gave. */
export const contentOf = (application: Application, workflow: Workflow): Content => workflowContent(application.mode, workflow);

/** versionOf is a workflow of the server as a version. */
export const versionOf = (application: Application, workflow: Workflow): Version => {
  const isDraft = workflow.version === 'draft';
  return {
    id: isDraft ? draft : workflow.id,
    name: isDraft ? draft : workflow.marked_name || workflow.version,
    digest: digestOf(contentOf(application, workflow)),
    comment: workflow.marked_comment,
    publishedAt: isDraft ? '' : new Date(workflow.created_at * 1000).toISOString(),
  };
};

/** configurationVersion is the only state of an app without a graph: what is configured is live. */
export const configurationVersion = (application: Application, app: App): Version => ({
  id: live,
  name: live,
  digest: digestOf(modelContent(application.mode, app.model_config)),
  comment: '',
  publishedAt: '',
});

/** allWorkflows lists the published workflows, newest first; `until` ends the list with the page that has what is looked for. */
export const allWorkflows = async (application: Application, until: (workflow: Workflow) => boolean = () => false): Promise<Outcome<readonly Workflow[]>> => {
  const found: Workflow[] = [];
  for (let page = 1; page <= mostPages; page += 1) {
    const list = await application.console.versions(application.id(), page);
    if (!list.ok) return list;
    found.push(...list.value.items);
    if (!list.value.more || list.value.items.some(until)) break;
  }
  return done(found);
};

/** knownApp reads the app's entry; an id that the server does not know is a problem. */
export const knownApp = async (application: Application): Promise<Outcome<App>> => {
  const app = await application.console.app(application.id());
  if (!app.ok) return app;
  return app.value === undefined ? failed(unknownApplication(application)) : done(app.value);
};

/**
 * knownDraft reads the draft, undefined when the app has none. The server answers 404 for an unknown app and for one of
 * another mode alike, so the app's own entry is read then to say which.
 */
export const knownDraft = async (application: Application): Promise<Outcome<Workflow | undefined>> => {
  const current = await application.console.draft(application.id());
  if (current.ok || current.problem.answer?.status !== 404) return current;
  const app = await knownApp(application);
  if (!app.ok) return app;
  return app.value.mode === application.mode ? current : failed(otherMode(application, app.value));
};

/** otherMode is the problem of an app that is not what the file is. */
export const otherMode = (application: Application, app: App): Problem => ({
  category: 'input',
  reason: `the file is a ${application.mode} app, but app ${app.id} on the server is a ${app.mode} app`,
  where: application.address.studio,
  hint: 'Point the environment at an app of the same mode.',
});

/** pinnedVersion is the version that a gateway pins for the users; empty without a gateway or pin. */
export const pinnedVersion = async (application: Application): Promise<Outcome<string>> => {
  if (application.traffic === undefined) return done('');
  const observed = await application.traffic.read();
  return observed.ok ? done(observed.value.split.stable) : observed;
};

/** publishedWorkflow is what the server has published; undefined before the first publication and for apps without a graph. */
export const publishedWorkflow = async (application: Application): Promise<Outcome<Workflow | undefined>> =>
  hasGraph(application.mode) ? application.console.published(application.id()) : done(undefined);
