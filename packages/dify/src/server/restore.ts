import { done, failed, type Marks, type Outcome, type Version } from '@sluice/core';
import { digestOf } from '../source/content.ts';
import { environmentVariables, hasGraph, hiddenSecret } from '../source/dsl.ts';
import { noApplication, type Application } from './application.ts';
import { pin, publishDraft } from './publish.ts';
import { atLeast } from './release.ts';
import type { Workflow } from './shapes.ts';
import { allWorkflows, contentOf } from './versions.ts';

/** oldInto puts an old version into the draft before 1.13.3. The console masks secrets, so they keep what the draft has. */
const oldInto = async (application: Application, old: Workflow): Promise<Outcome<void>> => {
  const current = await application.console.draft(application.id());
  if (!current.ok) return current;
  const stored = environmentVariables(current.value);
  const lost = environmentVariables(old).filter((one) => one.secret && !stored.some((kept) => kept.secret && kept.id === one.id));
  const values = new Map(environmentVariables(application.source.root['workflow']).map((one) => [one.name, one.value]));
  const value = (name: string): unknown => {
    const given = values.get(name);
    return typeof given === 'string' && given !== '' && given !== hiddenSecret ? given : undefined;
  };
  const absent = lost.filter((one) => value(one.name) === undefined);
  if (absent.length > 0) {
    return failed({
      category: 'input',
      reason: `version ${old.id} has the secrets ${absent.map((one) => one.name).join(', ')}, which the app has no more`,
      where: application.address.studio,
      hint: 'Give them by variables in sluice.yml, or restore the version in Studio.',
    });
  }
  const variables = old.environment_variables.map((variable) => {
    if (variable['value_type'] !== 'secret') return variable;
    const removed = lost.find((one) => one.id === variable['id']);
    return { ...variable, value: removed === undefined ? hiddenSecret : value(removed.name) };
  });
  return application.console.syncDraft(application.id(), {
    graph: old.graph,
    features: old.features,
    environment_variables: variables,
    conversation_variables: old.conversation_variables,
    ...(current.value === undefined ? {} : { hash: current.value.hash }),
  });
};

const intoDraft = async (application: Application, old: Workflow): Promise<Outcome<void>> => {
  const release = await application.session.release();
  if (!release.ok) return release;
  return atLeast(release.value, '1.13.3') ? application.console.restoreDraft(application.id(), old.id) : oldInto(application, old);
};

const findVersion = async (application: Application, version: string): Promise<Outcome<Workflow>> => {
  const all = await allWorkflows(application);
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
  const old = await findVersion(application, version);
  if (!old.ok) return old;
  const safe = await pinAt(application, version);
  if (!safe.ok) return safe;
  const before = await application.console.published(application.id());
  if (!before.ok) return before;
  const written = await intoDraft(application, old.value);
  if (!written.ok) return written;
  const digest = digestOf(contentOf(application, old.value));
  const name = `back to ${old.value.marked_name || old.value.id}`;
  const published = await publishDraft(application, name, marks, digest, before.value?.id);
  if (!published.ok) return published;
  const pinned = await pinAt(application, published.value.id);
  return pinned.ok ? published : pinned;
};
