export { folderStore, type SealOptions } from './folder-store.ts';
export { gitStore, type GitStoreOptions } from './git-store.ts';
export { remoteOf, type Remote } from './git/remote.ts';
export { noStore } from './no-store.ts';
