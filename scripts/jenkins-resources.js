// The bundle as a Jenkins library can hand it out: one JSON object of dist's files, and its SHA-256. A library keeps
// only vars, src and resources on the controller, so dist/ itself never gets there.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './compile.js';

const namesIn = (folder) => readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1).replaceAll('\\', '/'))
  .sort();

/** jenkinsResources gives the files of resources/sluice that follow from a dist folder, by name. */
export const jenkinsResources = (dist) => {
  const archive = `${JSON.stringify(Object.fromEntries(namesIn(dist).map((name) => [name, readFileSync(join(dist, name), 'utf8')])), null, 1)}\n`;
  return { 'bundle.json': archive, 'bundle.sha256': `${createHash('sha256').update(archive).digest('hex')}\n` };
};

/** writeJenkinsResources writes them. */
export const writeJenkinsResources = (dist) => {
  const folder = join(root, 'resources', 'sluice');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(jenkinsResources(dist))) writeFileSync(join(folder, name), text);
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeJenkinsResources(join(root, 'dist'));
