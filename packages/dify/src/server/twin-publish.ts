import { done, failed, type Marks, type Outcome, type PublishRequest, type Version } from '@sluice/core';
import { completeModel, digestOf } from '../source/content.ts';
import { hasGraph } from '../source/dsl.ts';
import type { Mapping } from '../source/shape.ts';
import { mayHaveHappened } from './answer.ts';
import { noApplication } from './application.ts';
import { pin, publish } from './publish.ts';
import { restore } from './restore.ts';
import { backToApp } from './twin-deploy.ts';
import { mainVersion, twinVersion, type Twins } from './twin-versions.ts';
import { contentOf, knownApp, versionOf } from './versions.ts';

/** Overwritten are the configurations that this run has replaced in an app without versions, by the id that they had. */
export type Overwritten = Map<string, { readonly model: Mapping; readonly digest: string | undefined }>;

const tried = ({ main }: Twins): string => `publish app ${main.id()}`;

/** judgedContent is what the twin serves, which must still be what was judged. */
const judgedContent = async (twins: Twins, wanted: string | undefined): Promise<Outcome<string>> => {
  const where = twins.app.address.studio;
  const found = await twinVersion(twins);
  if (!found.ok) return found;
  const digest = found.value?.digest;
  if (digest === undefined) return failed({ category: 'input', reason: 'the twin has nothing to publish', where, hint: 'Deploy first.' });
  if (wanted === undefined || wanted === digest) return done(digest);
  return failed({
    category: 'conflict',
    reason: 'the twin does not have what was judged: somebody changed it in the meantime',
    tried: tried(twins),
    where,
    hint: `Nothing was published. Judged was ${wanted}, the twin has ${digest}. Run the release again.`,
  });
};

/** publishGraph publishes the app's draft, unless this candidate is published already: a run that was killed has done so. */
const publishGraph = async (twins: Twins, request: PublishRequest & { readonly digest: string }): Promise<Outcome<Version>> => {
  const { main, app } = twins;
  const [live, candidate] = await Promise.all([main.console.published(main.id()), app.console.published(app.id())]);
  if (!live.ok) return live;
  if (!candidate.ok) return candidate;
  // A new secret changes no digest, so the same content counts only when it was published after the candidate was.
  const standing = live.value !== undefined && live.value.created_at >= (candidate.value?.created_at ?? 0) && digestOf(contentOf(main, live.value)) === request.digest;
  return standing && live.value !== undefined ? done(versionOf(main, live.value)) : publish(main, request);
};

/** configure writes a configuration into the app and reads it back. */
const configure = async (twins: Twins, model: Mapping, digest: string | undefined): Promise<Outcome<Version>> => {
  const { main } = twins;
  const written = await main.console.configureModel(main.id(), completeModel(model));
  if (!written.ok && !mayHaveHappened(written.problem)) return written;
  const version = await mainVersion(twins);
  if (!version.ok) return version;
  if (version.value?.digest === digest && version.value !== undefined) return done(version.value);
  if (!written.ok) return written;
  return failed({ category: 'platform', reason: 'the app did not keep the configuration that it was given', tried: tried(twins), where: main.address.studio, hint: 'Compare the app in Studio with its twin. Users are where the gateway sends them.' });
};

/** publishConfiguration gives the app the twin's own configuration, and remembers what it replaces. */
const publishConfiguration = async (twins: Twins, digest: string, overwritten: Overwritten): Promise<Outcome<Version>> => {
  const [before, version, candidate] = await Promise.all([knownApp(twins.main), mainVersion(twins), knownApp(twins.app)]);
  if (!before.ok) return before;
  if (!version.ok) return version;
  if (!candidate.ok) return candidate;
  if (version.value === undefined || version.value.digest === digest) return version.value === undefined ? noApplication(twins.main.address) : done(version.value);
  overwritten.set(version.value.id, { model: before.value.model_config, digest: version.value.digest });
  return configure(twins, candidate.value.model_config, digest);
};

/**
 * publishFromTwin gives the app the content that was judged in its twin, and then sends everybody to the app. It may be
 * killed anywhere and run again: users are in the twin until the app has the same content, and nothing is published twice.
 */
export const publishFromTwin = async (twins: Twins, request: PublishRequest, overwritten: Overwritten): Promise<Outcome<Version>> => {
  const { main, gateway } = twins;
  if (main.id() === '') return noApplication(main.address);
  const observed = await gateway.read();
  if (!observed.ok) return observed;
  const { split } = observed.value;
  if (split.weight > 0 && split.weight < 100) {
    return failed({ category: 'conflict', reason: `the gateway still gives ${split.weight} % of users to the twin`, tried: tried(twins), where: main.address.studio, hint: 'Finish that canary, or run rollback.' });
  }
  const digest = await judgedContent(twins, request.digest);
  if (!digest.ok) return digest;
  const published = hasGraph(main.mode) ? await publishGraph(twins, { ...request, digest: digest.value }) : await publishConfiguration(twins, digest.value, overwritten);
  if (!published.ok) return published;
  const back = await pin(gateway, split, main.id());
  return back.ok ? published : failed({ ...back.problem, reason: `version ${published.value.id} is published, but the gateway was not set to it: ${back.problem.reason}` });
};

const noVersions = (twins: Twins, version: string, live: Version | undefined): Outcome<Version> =>
  failed({
    category: 'input',
    reason: `the app has no configuration ${version} any more: it has ${live?.id ?? 'none'}, and ${twins.main.mode} apps keep no versions`,
    where: twins.main.address.studio,
    hint: 'Everybody gets the app itself, not its twin. Release the commit before, or import the app.yml of the snapshot that was taken before the release.',
  });

/** restoreBesideTwin sends everybody to the app itself first, which helps at once where only the candidate is bad, and then goes back in the app. */
export const restoreBesideTwin = async (twins: Twins, version: string, marks: Marks, overwritten: Overwritten): Promise<Outcome<Version>> => {
  const { main } = twins;
  if (main.id() === '') return noApplication(main.address);
  const back = await backToApp(twins);
  if (!back.ok) return back;
  const live = await mainVersion(twins);
  if (!live.ok) return live;
  if (live.value?.id === version) return done(live.value);
  if (hasGraph(main.mode)) return restore(main, version, marks);
  const before = overwritten.get(version);
  return before === undefined ? noVersions(twins, version, live.value) : configure(twins, before.model, before.digest);
};
