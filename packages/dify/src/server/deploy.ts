import { done, failed, type Deployment, type DeployOptions, type Outcome, type Problem, type Source } from '@sluice/core';
import { completeModel, modelContent } from '../source/content.ts';
import { diffContent } from '../source/diff.ts';
import { mappingOf } from '../source/shape.ts';
import { isDifySource } from '../source/source.ts';
import { mayHaveHappened } from './answer.ts';
import type { Application } from './application.ts';
import { createApp } from './create.ts';
import { missingPlugins } from './dependencies.ts';
import { runImport } from './import.ts';
import { foretold, planOf, type Change } from './plan.ts';
import { lossText, notKept, readBack, verified } from './read-back.ts';
import { configurationVersion, knownApp, versionOf } from './versions.ts';

/** afterLostAnswer looks at the draft when nobody knows whether an import was carried out. Nothing is sent again. */
const afterLostAnswer = async (application: Application, { kept, notes }: Change, lost: Problem): Promise<Outcome<Deployment>> => {
  const again = 'Run the release again: a draft that already has this content is not written twice.';
  const after = await application.console.draft(application.id());
  if (!after.ok) return failed({ ...lost, hint: `Nothing was published, and whether the draft was written is not known. ${again}` });
  const judged = after.value === undefined ? undefined : await verified(application, kept, after.value);
  if (after.value === undefined || judged?.ok !== true) return failed({ ...lost, hint: `The draft was read again and does not hold this content. Nothing was published. ${again}` });
  const note = 'The answer to the import was lost; the draft was read back and is as deployed.';
  return done({ changed: true, version: versionOf(application, after.value), notes: [...notes, note] });
};

const imported = async (application: Application, change: Change): Promise<Outcome<Deployment>> => {
  const { kept, notes } = change;
  const answer = await runImport(application, kept.source.root, application.id());
  if (!answer.ok) return mayHaveHappened(answer.problem) ? afterLostAnswer(application, change, answer.problem) : answer;
  const missing = await missingPlugins(application, kept.source, answer.value.confirmed);
  return readBack(application, kept, [...notes, ...answer.value.notes, ...missing]);
};

/** configured writes the configuration, which is live with the answer, and reads it back. */
const configured = async (application: Application, { kept: { source }, notes }: Change): Promise<Outcome<Deployment>> => {
  const written = await application.console.configureModel(application.id(), completeModel(mappingOf(source.root['model_config'])));
  if (!written.ok && !mayHaveHappened(written.problem)) {
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

const carryOut = { draft: imported, configuration: configured, app: createApp } as const;

/**
 * deploy decides what is to be written (the draft of the app, its configuration, or a new app), says so before it writes,
 * and reads back what the server has kept. A dry run ends with the decision.
 */
export const deploy = async (application: Application, source: Source, options: DeployOptions): Promise<Outcome<Deployment>> => {
  if (!isDifySource(source)) return failed({ category: 'defect', reason: 'a source of another platform was given to Dify' });
  const plan = await planOf(application, source, options);
  if (!plan.ok) return plan;
  if (plan.value.kind === 'nothing') return done(plan.value.deployment);
  if (options.dryRun) return foretold(application, plan.value);
  const said = await options.writing(plan.value.kept.source.digest);
  return said.ok ? carryOut[plan.value.kind](application, plan.value) : said;
};
