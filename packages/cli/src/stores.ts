import { join, resolve } from 'node:path';
import type { Host, StateStore } from '@sluice/core';
import { folderStore } from '@sluice/state';

const shortLived =
  'what is remembered of this environment, and the lease that keeps a second release out, last only as long as the folder of this job: ' +
  'SLUICE_STATE is not set. Set it to a folder that every release of this environment can write and that is kept between runs.';

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

/** stateStore is the folder named by SLUICE_STATE, else `.sluice/state` beside sluice.yml, which a CI throws away with its job. */
export const stateStore = (host: Host, folder: string): StateStore => {
  const named = host.environment['SLUICE_STATE'];
  if (named !== undefined && named !== '') return folderStore(resolve(named));
  const store = folderStore(join(folder, '.sluice', 'state'));
  return host.context.onCi ? warned(store, () => host.warn(shortLived)) : store;
};
