// node unpack.cjs <folder> <sha256>: writes <folder>/dist from the bundle.json beside this file, if there is one and
// it has the SHA-256, and then checks that the files of <folder>/dist are those. It removes its own folder at the end.
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, existsSync, writeFileSync } = require('node:fs');
const { dirname, join, relative } = require('node:path');

/** pack makes one JSON text of all files of a folder: the same files give the same text. */
const pack = (folder) => {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
  return `${JSON.stringify(Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')])), null, 1)}\n`;
};

/** digest is the SHA-256 of a text, in hex. */
const digest = (text) => createHash('sha256').update(text).digest('hex');

const unpack = (archive, home) => {
  const part = `${home}.${process.pid}.part`;
  for (const [name, text] of Object.entries(JSON.parse(archive))) {
    const path = join(part, 'dist', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  mkdirSync(home, { recursive: true });
  try {
    renameSync(join(part, 'dist'), join(home, 'dist'));
  } catch (error) {
    // Another build on this agent was faster; its files are checked like ours.
    if (!existsSync(join(home, 'dist'))) throw error;
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
};

const check = (home, expected) => {
  if (Number.parseInt(process.versions.node, 10) < 20) return `Sluice needs Node 20 or newer on PATH, and this is ${process.version}.`;
  const delivered = join(__dirname, 'bundle.json');
  if (existsSync(delivered)) {
    const archive = readFileSync(delivered, 'utf8');
    if (digest(archive) !== expected) return `The bundle of Sluice that came to this agent has the SHA-256 ${digest(archive)}, and the library states ${expected}. Nothing of it was run. Was the library updated half-way? Run the build again.`;
    unpack(archive, home);
  }
  const found = digest(pack(join(home, 'dist')));
  return found === expected ? undefined : `The files of Sluice in ${home} have the SHA-256 ${found}, and the library states ${expected}. Nothing of them was run. Somebody changed them: delete the folder and run the build again.`;
};

if (require.main === module) {
  const [home, expected] = process.argv.slice(2);
  try {
    const refusal = check(home, expected);
    if (refusal !== undefined) {
      console.error(refusal);
      process.exitCode = 3;
    }
  } finally {
    rmSync(__dirname, { recursive: true, force: true });
  }
}

module.exports = { pack, digest };
