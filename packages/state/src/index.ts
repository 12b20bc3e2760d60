export { folderStore } from './folder-store.ts';
export { noStore } from './no-store.ts';
