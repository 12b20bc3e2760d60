import { done, failed, sameSplit, type Marks, type Outcome, type Problem, type PublishRequest, type Split, type Traffic, type Version } from '@sluice/core';
import { digestOf } from '../source/content.ts';
import { hasGraph } from '../source/dsl.ts';
import { mayHaveHappened } from './answer.ts';
import { noApplication, type Application } from './application.ts';
import { markedComment, markedName } from './marks.ts';
import { presentOf } from './present.ts';
import type { Workflow } from './shapes.ts';
import { configurationVersion, contentOf, knownApp, versionOf } from './versions.ts';

const changedDraft = (application: Application, wanted: string, found: string): Problem => ({
  category: 'conflict',
  reason: 'the draft is not the one that was judged: somebody changed it in the meantime',
  tried: `publish app ${application.id()}`,
  where: application.address.studio,
  hint: `Nothing was published. Judged was ${wanted}, the draft is ${found}. Run the release again.`,
});

/** judgedDigest is the draft's digest, which must be the one that was judged. */
const judgedDigest = (application: Application, draft: Workflow | undefined, judged: string | undefined): Outcome<string> => {
  if (draft === undefined) return failed({ category: 'input', reason: 'the app has no draft to publish', where: application.address.studio, hint: 'Deploy first.' });
  const found = digestOf(contentOf(application, draft));
  return judged === undefined || judged === found ? done(found) : failed(changedDraft(application, judged, found));
};

/** pin makes a gateway serve one version to everybody and reads that back. */
export const pin = async (traffic: Traffic, before: Split, stable: string): Promise<Outcome<void>> => {
  const wanted: Split = { stable, weight: 0 };
  const set = await traffic.set(before, wanted);
  if (!set.ok) return set;
  const observed = await traffic.read();
  if (!observed.ok) return observed;
  if (sameSplit(observed.value.split, wanted)) return done(undefined);
  return failed({ category: 'platform', reason: `the gateway does not pin version ${stable}, although it was told to`, hint: 'See what the gateway serves before the next try.' });
};

/**
 * pinBefore pins the live version at the gateway, because a publication flips the default at once. It refuses while
 * another candidate still gets users. Before the first publication there is nothing to pin.
 */
const pinBefore = async (application: Application, live: Workflow | undefined): Promise<Outcome<void>> => {
  const { traffic } = application;
  if (traffic === undefined) return done(undefined);
  const observed = await traffic.read();
  if (!observed.ok) return observed;
  const { split } = observed.value;
  if (split.weight > 0) {
    return failed({
      category: 'conflict',
      reason: `the gateway still gives ${split.weight} % of users to ${split.candidate ?? 'a candidate'}`,
      tried: `publish app ${application.id()}`,
      hint: 'Finish or abort that canary first.',
    });
  }
  const stable = split.stable === '' ? live?.id : split.stable;
  if (stable === undefined) {
    application.connection.log('Nothing is published yet, so the gateway has no version to pin: the first version serves everybody at once.');
    return done(undefined);
  }
  return pin(traffic, split, stable);
};

/** publishedAfter reads the id of what was published: the answer to a publication carries none. */
const publishedAfter = async (application: Application, before: string | undefined, digest: string): Promise<Outcome<Version>> => {
  const now = await application.console.published(application.id());
  if (!now.ok) return now;
  const problem = (reason: string) =>
    failed({ category: 'platform' as const, reason, tried: `publish app ${application.id()}`, where: application.address.studio, hint: 'Look at the version history in Studio before the next try.' });
  if (now.value === undefined || now.value.id === before) return problem('the server took the publication, but shows no new version');
  const version = versionOf(application, now.value);
  return version.digest === digest ? done(version) : problem(`the published version ${version.id} does not have the content of the draft`);
};

/** publishDraft publishes the draft under a name. When the answer is lost, it looks before it gives up, and never sends twice. */
export const publishDraft = async (application: Application, name: string, marks: Marks, digest: string, before: string | undefined): Promise<Outcome<Version>> => {
  const sent = await application.console.publish(application.id(), markedName(name), markedComment(marks));
  if (sent.ok) return publishedAfter(application, before, digest);
  if (!mayHaveHappened(sent.problem)) return sent;
  const found = await publishedAfter(application, before, digest);
  return found.ok ? found : sent;
};

/** publish makes the draft the published version. With a gateway the live version is pinned first, and that is read back. */
export const publish = async (application: Application, request: PublishRequest): Promise<Outcome<Version>> => {
  if (application.id() === '') return noApplication(application.address);
  if (!hasGraph(application.mode)) {
    const app = await knownApp(application);
    return app.ok ? done(configurationVersion(application, app.value)) : app;
  }
  const present = await presentOf(application, 1);
  if (!present.ok) return present;
  const [live] = present.value.newest;
  const digest = judgedDigest(application, present.value.draft, request.digest);
  if (!digest.ok) return digest;
  const pinned = await pinBefore(application, live);
  if (!pinned.ok) return pinned;
  return publishDraft(application, request.name, request.marks, digest.value, live?.id);
};
