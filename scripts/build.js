// Builds dist/ (or the folder given): tsc → build/, ncc → one bundle with lazy chunks, terser → the chunks, which ncc does not minify.
// The output depends on the sources and the lock file alone: no absolute path, no time, no machine.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { minify } from 'terser';
import { build, compile, root, runScript } from './compile.js';
import { writeJenkinsResources } from './jenkins-resources.js';

const output = process.argv[2] ?? join(root, 'dist');
const bundle = join(build, 'bundle');

const minifyChunks = async (folder) => {
  for (const name of readdirSync(folder).filter((file) => /^\d+\.index\.js$/.test(file))) {
    const path = join(folder, name);
    const { code } = await minify(readFileSync(path, 'utf8'), { format: { comments: false } });
    writeFileSync(path, code);
  }
};

/** writeEntry makes the entry CommonJS: ncc takes the bundle's format from it, and Node starts CommonJS faster than a module. */
const writeEntry = () => {
  const entry = join(build, 'entry');
  mkdirSync(entry);
  writeFileSync(join(entry, 'package.json'), '{"type":"commonjs"}\n');
  writeFileSync(join(entry, 'index.js'), "require('@sluice/cli');\n");
  return join(entry, 'index.js');
};

compile();
runScript(
  join(root, 'node_modules', '@vercel', 'ncc', 'dist', 'ncc', 'cli.js'),
  ...['build', writeEntry(), '--out', bundle],
  ...['--minify', '--no-cache', '--quiet', '--license', 'licenses.txt'],
);
await minifyChunks(bundle);
writeFileSync(join(bundle, 'package.json'), '{"type":"commonjs"}\n');
rmSync(output, { recursive: true, force: true });
cpSync(bundle, output, { recursive: true });
if (output === join(root, 'dist')) writeJenkinsResources(output);
