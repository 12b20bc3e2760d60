import { done, failed, readYaml, type Outcome, type Snapshot, type SnapshotOptions } from '@sluice/core';
import { digestOf } from '../source/content.ts';
import { hasGraph } from '../source/dsl.ts';
import { renderDsl } from '../source/render.ts';
import { isMapping, listOf, mappingOf, textOf, type Mapping } from '../source/shape.ts';
import type { Application } from './application.ts';
import { presentOf, type Present } from './present.ts';
import { atLeast } from './release.ts';
import type { App, Workflow } from './shapes.ts';
import { configurationVersion, contentOf, knownApp, versionOf } from './versions.ts';

const fileName = 'app.yml';
const draftName = 'draft.yml';

/** nothing is the copy of an app that has nothing to copy. */
const nothing: Snapshot = { files: {}, digest: '' };

/** withIcon takes the icon from the app's own entry: an export of 1.12.1 replaces every emoji (api/services/app_dsl_service.py). */
const withIcon = (root: Mapping, app: App): Mapping =>
  app.icon_type === 'image' || app.icon === ''
    ? root
    : { ...root, app: { ...mappingOf(root['app']), icon: app.icon, ...(app.icon_background === '' ? {} : { icon_background: app.icon_background }) } };

/**
 * withoutSecrets blanks secrets, which an export leaves out by itself, and what the environment gives from a variable: on
 * the server that stands in plain text where it is no `secret`.
 */
export const withoutSecrets = (root: Mapping, given: ReadonlySet<string>): Mapping => {
  const workflow = root['workflow'];
  if (!isMapping(workflow) || !('environment_variables' in workflow)) return root;
  const variables = listOf(workflow['environment_variables']).map((item) => {
    const variable = mappingOf(item);
    return variable['value_type'] === 'secret' || given.has(textOf(variable['name'])) ? { ...variable, value: typeof variable['value'] === 'number' ? 0 : '' } : item;
  });
  return { ...root, workflow: { ...workflow, environment_variables: variables } };
};

/**
 * ofPublished puts the published workflow into an export of the draft: before 1.8.1 a server exports nothing else, whatever
 * version it is asked for (api/controllers/console/app/app.py).
 */
const ofPublished = (root: Mapping, { graph, features, environment_variables, conversation_variables }: Workflow): Mapping => ({
  ...root,
  workflow: {
    ...mappingOf(root['workflow']),
    graph,
    features,
    environment_variables,
    conversation_variables,
  },
});

/** givenNames are the variables whose values the environment reads from a variable of the CI. */
export const givenNames = (application: Application): ReadonlySet<string> =>
  new Set(Object.entries(application.connection.environment.variables ?? {}).flatMap(([name, value]) => (typeof value === 'object' ? [name] : [])));

/** exported gives the DSL of the published version, or of the draft or configuration, as canonical YAML without secrets. */
const exported = async (application: Application, app: App, published: Workflow | undefined): Promise<Outcome<string>> => {
  const release = await application.session.release();
  if (!release.ok) return release;
  const yaml = await application.console.exportDsl(application.id(), published?.id);
  if (!yaml.ok) {
    const broken = (yaml.problem.answer?.status ?? 0) >= 500;
    return broken ? failed({ ...yaml.problem, hint: 'Every export asks the plugin daemon; check that it runs.' }) : yaml;
  }
  const document = readYaml(fileName, yaml.value);
  if (!document.ok) return document;
  const root = document.value.value;
  if (!isMapping(root)) return failed({ category: 'platform', reason: 'the export of the app is no DSL', where: application.address.studio });
  const live = published === undefined || atLeast(release.value, '1.8.1') ? root : ofPublished(root, published);
  return done(renderDsl(withoutSecrets(withIcon(live, app), givenNames(application))));
};

/** Live is what users get: the published version, or the draft of an app that was never published. */
interface Live {
  readonly workflow: Workflow;
  readonly published: boolean;
}

/** liveOf is undefined for an app that has neither a version nor a draft. */
const liveOf = ({ newest: [published], draft }: Present): Live | undefined => {
  if (published !== undefined) return { workflow: published, published: true };
  return draft === undefined ? undefined : { workflow: draft, published: false };
};

const ofGraph = async (application: Application, app: App, options: SnapshotOptions): Promise<Outcome<Snapshot>> => {
  const present = await presentOf(application, 1);
  if (!present.ok) return present;
  const live = liveOf(present.value);
  if (live === undefined) return done(nothing);
  const yaml = await exported(application, app, live.published ? live.workflow : undefined);
  if (!yaml.ok) return yaml;
  const version = versionOf(application, live.workflow);
  const digest = digestOf(contentOf(application, live.workflow));
  const { draft } = present.value;
  const other = options.draft && draft !== undefined && digestOf(contentOf(application, draft)) !== digest;
  const theirs = other ? await exported(application, app, undefined) : done(undefined);
  if (!theirs.ok) return theirs;
  return done({
    files: { [fileName]: yaml.value, ...(theirs.value === undefined ? {} : { [draftName]: theirs.value }) },
    digest,
    ...(live.published ? { version } : {}),
  });
};

/**
 * snapshot is what is live, or the draft when nothing is published yet, and on request the draft beside it, where it is
 * another. Its digest is the server's, not the export's. Of an app that is still to be made, or is empty, there is none.
 */
export const snapshot = async (application: Application, options: SnapshotOptions = { draft: false }): Promise<Outcome<Snapshot>> => {
  if (application.id() === '') return done(nothing);
  const app = await knownApp(application);
  if (!app.ok) return app;
  if (hasGraph(application.mode)) return ofGraph(application, app.value, options);
  const yaml = await exported(application, app.value, undefined);
  if (!yaml.ok) return yaml;
  const version = configurationVersion(application, app.value);
  return done({ files: { [fileName]: yaml.value }, digest: version.digest ?? '', version });
};
