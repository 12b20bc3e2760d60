import { join, resolve } from 'node:path';
import { failed, type Host, type Outcome, type StateStore } from '@sluice/core';
import { folderStore } from '@sluice/state';

const shortLived =
  'what is remembered of this environment, and the lease that keeps a second release out, last only as long as the folder of this job: ' +
  'SLUICE_STATE is not set. Set it to a folder that every release of this environment can write and that is kept between runs.';

/** remedies say for each CI what to add so that records can be written. */
const remedies: Readonly<Record<Host['name'], string>> = {
  github: 'Add to the job: `env: { SLUICE_STATE: /srv/sluice }`, a folder that the runner may write. GitHub throws its own runners away with the job: use a self-hosted one.',
  gitlab: 'Add to the job: `variables: { SLUICE_STATE: /srv/sluice }`, and let the runner keep that folder (config.toml: `volumes = ["/srv/sluice:/srv/sluice"]`).',
  jenkins: "Add to the Jenkinsfile: `withEnv(['SLUICE_STATE=/srv/sluice'])`, a folder on the agent that its user may write.",
  terminal: 'Set SLUICE_STATE to a folder that you may write, as in `export SLUICE_STATE="$HOME/.sluice"`.',
};

/** advised is a store whose refusals say what to do on this CI. */
const advised = (store: StateStore, hint: string): StateStore => {
  const advise = <T>(outcome: Outcome<T>): Outcome<T> =>
    outcome.ok || outcome.problem.category !== 'permission' ? outcome : failed({ ...outcome.problem, hint });
  return {
    where: store.where,
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
    where: store.where,
    prove: () => first(store).prove(),
    read: (...place) => first(store).read(...place),
    write: (...record) => first(store).write(...record),
  };
};

/** redacted is a store that keeps no secret: names of versions, and reasons, come from servers, which may repeat one. */
const redacted = (store: StateStore, redact: (text: string) => string): StateStore => ({
  where: store.where,
  prove: () => store.prove(),
  read: (...place) => store.read(...place),
  write: ({ history, ...record }, revision) =>
    store.write({ ...record, history: history.map((entry) => ({ ...entry, name: redact(entry.name), reason: redact(entry.reason) })) }, revision),
});

/** stateStore is the folder named by SLUICE_STATE, else `.sluice/state` beside sluice.yml, which a CI throws away with its job. */
export const stateStore = (host: Host, folder: string): StateStore => {
  const named = host.environment['SLUICE_STATE'];
  const opened = (path: string): StateStore => redacted(advised(folderStore(path), remedies[host.name]), (text) => host.redact(text));
  if (named !== undefined && named !== '') return opened(resolve(named));
  const store = opened(join(folder, '.sluice', 'state'));
  return host.context.onCi ? warned(store, () => host.warn(shortLived)) : store;
};
