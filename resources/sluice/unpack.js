// node unpack.js <folder> <sha256>: writes <folder>/dist from <folder>/bundle.json, if that has the SHA-256.
// It is whole or absent: the files go beside it first.
const { createHash } = require('node:crypto');
const { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, existsSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');

const [folder, expected] = process.argv.slice(2);
const archive = readFileSync(join(folder, 'bundle.json'));
const found = createHash('sha256').update(archive).digest('hex');
if (found !== expected) {
  console.error(`The bundle of Sluice on this agent has the SHA-256 ${found}, and the library states ${expected}. Nothing of it was run. Was ${folder} changed, or the library updated half-way? Delete the folder and run the build again.`);
  process.exit(3);
}
const part = mkdtempSync(join(folder, 'part-'));
for (const [name, text] of Object.entries(JSON.parse(archive))) {
  const path = join(part, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
const dist = join(folder, 'dist');
try {
  renameSync(part, dist);
} catch (error) {
  // Another build on this agent was faster.
  if (!existsSync(join(dist, 'index.js'))) throw error;
  rmSync(part, { recursive: true });
}
