// Rebuilds the bundle beside dist/ and compares byte for byte: dist/ is what these sources make, or this fails.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jenkinsResources } from './jenkins-resources.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const fresh = join(mkdtempSync(join(tmpdir(), 'sluice-dist-')), 'dist');
execFileSync(process.execPath, [join(root, 'scripts', 'build.js'), fresh], { stdio: 'inherit' });

const names = (folder) => readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
  .sort();
const committed = join(root, 'dist');
const wanted = names(fresh);
const different = [...new Set([...wanted, ...names(committed)])].filter((name) => {
  if (!wanted.includes(name)) return true;
  try {
    return !readFileSync(join(fresh, name)).equals(readFileSync(join(committed, name)));
  } catch (error) {
    if (error.code === 'ENOENT') return true;
    throw error;
  }
});
rmSync(dirname(fresh), { recursive: true });
if (different.length > 0) {
  console.error(`dist/ is not what the sources make. Run "npm run build" and commit. Different: ${different.join(', ')}`);
  process.exit(1);
}
const stale = Object.entries(jenkinsResources(committed)).filter(([name, text]) => readFileSync(join(root, 'resources', 'sluice', name), 'utf8') !== text);
if (stale.length > 0) {
  console.error(`resources/sluice is not what dist/ makes. Run "npm run build" and commit. Different: ${stale.map(([name]) => name).join(', ')}`);
  process.exit(1);
}
console.log(`dist/ is fresh: ${wanted.length} files, byte for byte.`);
