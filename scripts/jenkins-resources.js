// The bundle as a Jenkins library can hand it out: one JSON object of dist's files, and its SHA-256. A library keeps
// only vars, src and resources on the controller, so dist/ itself never gets there.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
// What is packed here is packed again on the agent, to be compared.
import { digest, pack } from '../resources/sluice/unpack.cjs';
import { root } from './compile.js';

/** jenkinsResources gives the files of resources/sluice that follow from a dist folder, by name. */
export const jenkinsResources = (dist) => {
  const archive = pack(dist);
  return { 'bundle.json': archive, 'bundle.sha256': `${digest(archive)}\n` };
};

/** writeJenkinsResources writes them. */
export const writeJenkinsResources = (dist) => {
  const folder = join(root, 'resources', 'sluice');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(jenkinsResources(dist))) writeFileSync(join(folder, name), text);
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeJenkinsResources(join(root, 'dist'));
