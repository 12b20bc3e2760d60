import { join, resolve } from 'node:path';
import { done, failed, type Host, type Json, type Outcome, type StateStore } from '@sluice/core';
import { folderStore } from '@sluice/state';
import type { GitStateParts } from './git-state.ts';
import { sealKey } from './seal-key.ts';

const shortLived =
  'what is remembered of this environment, and the lease that keeps a second release out, last only as long as the folder of this job. ' +
  'Keep them on a branch of this repository, with `state: { git: sluice-state }` in sluice.yml, or set SLUICE_STATE to a folder that every release of this environment can write and that is kept between runs.';

/** remedies say for each CI what to add so that records can be written into a folder. */
const remedies: Readonly<Record<Host['name'], string>> = {
  github: 'Add to the job: `env: { SLUICE_STATE: /srv/sluice }`, a folder that the runner may write. GitHub throws its own runners away with the job: use a self-hosted one, or `state: { git: sluice-state }` in sluice.yml.',
  gitlab: 'Add to the job: `variables: { SLUICE_STATE: /srv/sluice }`, and let the runner keep that folder (config.toml: `volumes = ["/srv/sluice:/srv/sluice"]`).',
  jenkins: "Add to the Jenkinsfile: `withEnv(['SLUICE_STATE=/srv/sluice'])`, a folder on the agent that its user may write.",
  bitbucket: 'Bitbucket throws the container away with the step: use `state: { git: sluice-state }` in sluice.yml; or a runner of your own, and SLUICE_STATE set to a folder that it keeps.',
  circleci: 'CircleCI throws its own executors away with the job: use `state: { git: sluice-state }` in sluice.yml; or a runner of your own, with `environment: { SLUICE_STATE: /srv/sluice }` on the job.',
  yunxiao: 'Yunxiao throws its own build machines away with the job: use `state: { git: sluice-state }` in sluice.yml; or a build cluster of your own, and SLUICE_STATE set to a folder that its machine keeps.',
  terminal: 'Set SLUICE_STATE to a folder that you may write, as in `export SLUICE_STATE="$HOME/.sluice"`.',
};

/** advised is a store whose refusals say what to do on this CI. */
const advised = (store: StateStore, hint: string): StateStore => {
  const advise = <T>(outcome: Outcome<T>): Outcome<T> =>
    outcome.ok || outcome.problem.category !== 'permission' ? outcome : failed({ ...outcome.problem, hint });
  return {
    ...store,
    prove: async () => advise(await store.prove()),
    read: async (...place) => advise(await store.read(...place)),
    write: async (...record) => advise(await store.write(...record)),
  };
};

/** warned is a store that says once, when it is first used, what is wrong with it. */
const warned = (store: StateStore, warn: () => void): StateStore => {
  let silent = false;
  const first = <T>(value: T): T => {
    if (!silent) warn();
    silent = true;
    return value;
  };
  return {
    ...store,
    prove: () => first(store).prove(),
    read: (...place) => first(store).read(...place),
    write: (...record) => first(store).write(...record),
  };
};

type Redact = (text: string) => string;

/** redactedTexts hides secrets in every text of a value, and leaves its keys. */
const redactedTexts = (value: Json, redact: Redact): Json => JSON.parse(JSON.stringify(value), (_key, part: unknown) => (typeof part === 'string' ? redact(part) : part)) as Json;

/** redacted is a store that keeps no secret: names of versions, reasons, and why evidence is missing come from servers, which may repeat one. */
const redacted = (store: StateStore, redact: Redact): StateStore => ({
  ...store,
  write: ({ history, rollout, ...record }, revision) =>
    store.write(
      {
        ...record,
        ...(rollout === undefined ? {} : { rollout: redactedTexts(rollout, redact) }),
        history: history.map((entry) => ({ ...entry, name: redact(entry.name), reason: redact(entry.reason), runUrl: redact(entry.runUrl) })),
      },
      revision,
    ),
});

/** StateParts are what a branch needs beside a folder. */
export type StateParts = Omit<GitStateParts, 'host'>;

/**
 * stateStore is the folder named by SLUICE_STATE, else the branch that sluice.yml names, else `.sluice/state` beside
 * sluice.yml, which a CI throws away with its job.
 */
export const stateStore = async (host: Host, parts: StateParts): Promise<Outcome<StateStore>> => {
  const named = host.environment['SLUICE_STATE'];
  const redact: Redact = (text) => host.redact(text);
  const opened = (path: string): StateStore => redacted(advised(folderStore(path, sealKey(host)), remedies[host.name]), redact);
  if (named !== undefined && named !== '') return done(opened(resolve(host.folder, named)));
  if (parts.project.config.state !== undefined) {
    const branch = await (await import('./git-state.ts')).gitState({ ...parts, host });
    return branch.ok ? done(redacted(branch.value, redact)) : branch;
  }
  const store = opened(join(parts.project.folder, '.sluice', 'state'));
  return done(host.context.onCi ? warned(store, () => host.warn(shortLived)) : store);
};
