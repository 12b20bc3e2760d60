import { done, failed, readYaml, type Outcome, type Snapshot } from '@sluice/core';
import { digestOf } from '../source/content.ts';
import { hasGraph } from '../source/dsl.ts';
import { renderDsl } from '../source/render.ts';
import { isMapping } from '../source/shape.ts';
import { noApplication, type Application } from './application.ts';
import { configurationVersion, contentOf, knownApp, publishedWorkflow, versionOf } from './versions.ts';

const fileName = 'app.yml';

/** exported gives the DSL of the published version, or of the draft or configuration, as canonical YAML without secrets. */
const exported = async (application: Application, workflow: string | undefined): Promise<Outcome<string>> => {
  const yaml = await application.console.exportDsl(application.id(), workflow);
  if (!yaml.ok) {
    const broken = (yaml.problem.answer?.status ?? 0) >= 500;
    return broken ? failed({ ...yaml.problem, hint: 'Every export asks the plugin daemon; check that it runs.' }) : yaml;
  }
  const document = readYaml(fileName, yaml.value);
  if (!document.ok) return document;
  if (isMapping(document.value.value)) return done(renderDsl(document.value.value));
  return failed({ category: 'platform', reason: 'the export of the app is no DSL', where: application.address.studio });
};

/** snapshot is what is live, or the draft when nothing is published yet. Its digest is the server's, not the export's. */
export const snapshot = async (application: Application): Promise<Outcome<Snapshot>> => {
  if (application.id() === '') return noApplication(application.address);
  const published = await publishedWorkflow(application);
  if (!published.ok) return published;
  const yaml = await exported(application, published.value?.id);
  if (!yaml.ok) return yaml;
  const files = { [fileName]: yaml.value };
  if (!hasGraph(application.mode)) {
    const app = await knownApp(application);
    if (!app.ok) return app;
    const version = configurationVersion(application, app.value);
    return done({ files, digest: version.digest ?? '', version });
  }
  if (published.value !== undefined) {
    return done({ files, digest: digestOf(contentOf(application, published.value)), version: versionOf(application, published.value) });
  }
  const current = await application.console.draft(application.id());
  if (!current.ok) return current;
  if (current.value === undefined) return failed({ category: 'input', reason: 'the app has neither a draft nor a published version', where: application.address.studio });
  return done({ files, digest: digestOf(contentOf(application, current.value)) });
};
