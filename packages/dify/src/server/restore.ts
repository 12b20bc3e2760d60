import { done, failed, type Marks, type Outcome, type Problem, type Version } from '@sluice/core';
import { digestOf } from '../source/content.ts';
import { environmentVariables, hasGraph } from '../source/dsl.ts';
import type { Mapping } from '../source/shape.ts';
import { mayHaveHappened } from './answer.ts';
import { noApplication, type Application } from './application.ts';
import { commitIn } from './marks.ts';
import { presentOf } from './present.ts';
import { pin, publishDraft } from './publish.ts';
import { atLeast } from './release.ts';
import { givenSecrets, presentSecrets, type Present } from './secrets.ts';
import type { Workflow } from './shapes.ts';
import { allWorkflows, contentOf, knownDraft } from './versions.ts';

/** draftBody is a version in the form in which the draft is written; `hash` is of the draft that it replaces. */
const draftBody = (old: Workflow, variables: readonly Mapping[], hash: string | undefined): Mapping => ({
  graph: old.graph,
  features: old.features,
  environment_variables: variables,
  conversation_variables: old.conversation_variables,
  ...(hash === undefined ? {} : { hash }),
});

/**
 * withRemoved goes back to a version with secrets that the app has no more. Only the server knows their values: it
 * copies the version with its secrets, and the present values of the others are written over that.
 */
const withRemoved = async (application: Application, old: Workflow, present: Present): Promise<Outcome<void>> => {
  const release = await application.session.release();
  if (!release.ok) return release;
  if (!atLeast(release.value, '1.13.3')) {
    return failed({
      category: 'input',
      reason: `version ${old.id} has the secrets ${present.removed.join(', ')}, which the app has no more, and Dify ${release.value} does not give them back`,
      where: application.address.studio,
      hint: 'Deploy the commit of that version, with their values as variables in sluice.yml; or restore the version in Studio, set them there and publish.',
    });
  }
  const stored = await application.console.draftSecrets(application.id());
  if (!stored.ok) return stored;
  const restored = await application.console.restoreDraft(application.id(), old.id);
  if (!restored.ok) return restored;
  const variables = old.environment_variables.map((variable) => present.over(variable, stored.value));
  return application.console.syncDraft(application.id(), draftBody(old, variables, restored.value));
};

/**
 * intoDraft writes an old version into the draft. A secret keeps the value that the draft has now, or takes the one that
 * the environment gives: what Dify would restore with a version is the value of that time, perhaps a key revoked since.
 */
const intoDraft = async (application: Application, old: Workflow, current: Workflow | undefined): Promise<Outcome<void>> => {
  const present = presentSecrets(old, environmentVariables(current), givenSecrets(application.source));
  if (present.removed.length > 0) return withRemoved(application, old, present);
  return application.console.syncDraft(application.id(), draftBody(old, present.variables, current?.hash));
};

/** arrived says whether a write whose answer was lost was carried out: the draft changed, and to this content. */
const arrived = async (application: Application, lost: Problem, before: Workflow | undefined, digest: string): Promise<boolean> => {
  if (!mayHaveHappened(lost)) return false;
  const after = await knownDraft(application);
  return after.ok && after.value !== undefined && after.value.hash !== before?.hash && digestOf(contentOf(application, after.value)) === digest;
};

/** pageOfVersions is how many versions are read with the draft; an older one is looked for page by page. */
const pageOfVersions = 19;

const findVersion = async (application: Application, version: string, newestFew: readonly Workflow[]): Promise<Outcome<Workflow>> => {
  const near = newestFew.find((one) => one.id === version);
  if (near !== undefined) return done(near);
  const all = newestFew.length < pageOfVersions ? done(newestFew) : await allWorkflows(application, (one) => one.id === version);
  if (!all.ok) return all;
  const found = all.value.find((one) => one.id === version);
  if (found !== undefined) return done(found);
  const newest = all.value.slice(0, 5).map((one) => `${one.id} (${one.marked_name || one.version})`);
  return failed({
    category: 'input',
    reason: `app ${application.id()} has no version ${version}`,
    where: application.address.studio,
    hint: newest.length === 0 ? 'Nothing has been published yet.' : `The newest are ${newest.join(', ')}.`,
  });
};

/** pinAt pins a version at the gateway, where there is one, whatever it splits now. */
const pinAt = async ({ traffic }: Application, version: string): Promise<Outcome<void>> => {
  if (traffic === undefined) return done(undefined);
  const observed = await traffic.read();
  return observed.ok ? pin(traffic, observed.value.split, version) : observed;
};

/** sayLost tells of work in the draft that nobody has published: going back replaces it. */
const sayLost = (application: Application, current: Workflow | undefined, live: Workflow | undefined): void => {
  if (current === undefined || digestOf(contentOf(application, current)) === (live === undefined ? '' : digestOf(contentOf(application, live)))) return;
  application.connection.log(`The draft of app ${application.id()} differs from what was published; going back replaces it.`);
};

/**
 * restore makes the content of a published version live again. Dify has no switch between versions: the content goes
 * into the draft and is published, so the result is a new version with the old digest. A gateway is pinned to the old
 * version first, so that its users are safe at once, and to the new one last.
 */
export const restore = async (application: Application, version: string, marks: Marks): Promise<Outcome<Version>> => {
  if (application.id() === '') return noApplication(application.address);
  if (!hasGraph(application.mode)) {
    return failed({ category: 'input', reason: `${application.mode} apps of Dify keep no versions to go back to`, hint: 'Deploy the snapshot that was taken before the release, or the commit before it.' });
  }
  const present = await presentOf(application, pageOfVersions);
  if (!present.ok) return present;
  const { draft: current, newest: [before] } = present.value;
  const old = await findVersion(application, version, present.value.newest);
  if (!old.ok) return old;
  const safe = await pinAt(application, version);
  if (!safe.ok) return safe;
  sayLost(application, current, before);
  const digest = digestOf(contentOf(application, old.value));
  const written = await intoDraft(application, old.value, current);
  if (!written.ok && !(await arrived(application, written.problem, current, digest))) return written;
  const name = `back to ${old.value.marked_name.replace(/^(?:back to )+/, '') || old.value.id}`;
  // The commit beside a version is that of its content, not of the run that went back to it.
  const commit = commitIn(old.value.marked_comment);
  const published = await publishDraft(application, name, commit === undefined ? marks : { ...marks, commit }, digest, before?.id);
  if (!published.ok) return published;
  const pinned = await pinAt(application, published.value.id);
  return pinned.ok ? published : pinned;
};
