import { join, resolve } from 'node:path';
import type { Host, StateStore } from '@sluice/core';
import { folderStore } from '@sluice/state';

/** stateStore is the folder named by SLUICE_STATE, else `.sluice/state` beside sluice.yml. */
export const stateStore = (host: Host, folder: string): StateStore => {
  const named = host.environment['SLUICE_STATE'];
  return folderStore(named === undefined || named === '' ? join(folder, '.sluice', 'state') : resolve(named));
};
