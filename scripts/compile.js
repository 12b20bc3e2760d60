// Emits all rooms as JavaScript into build/ and makes their names resolvable there.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const build = join(root, 'build');

/** runScript runs a Node script with this Node and fails when it fails. */
export const runScript = (script, ...options) =>
  execFileSync(process.execPath, [script, ...options], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });

/** Rooms import each other by package name; in build/ those names must lead to the emitted JavaScript. */
const linkRooms = () => {
  const scope = join(build, 'node_modules', '@sluice');
  mkdirSync(scope, { recursive: true });
  for (const room of readdirSync(join(build, 'packages'))) {
    writeFileSync(join(build, 'packages', room, 'package.json'), '{"type":"module","exports":"./src/index.js","sideEffects":false}\n');
    symlinkSync(join('..', '..', 'packages', room), join(scope, room));
  }
};

/** compile empties build/ and fills it; a type error stops it. */
export const compile = () => {
  rmSync(build, { recursive: true, force: true });
  runScript(join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--project', 'tsconfig.build.json');
  linkRooms();
};
