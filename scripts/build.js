// Builds dist/ (or the folder given): tsc → build/, ncc → one bundle with lazy chunks, terser → the chunks, which ncc does not minify.
// The output depends on the sources and the lock file alone: no absolute path, no time, no machine.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { minify } from 'terser';
import { build, compile, root, runScript } from './compile.js';

const output = process.argv[2] ?? join(root, 'dist');
const bundle = join(build, 'bundle');

const minifyChunks = async (folder) => {
  for (const name of readdirSync(folder).filter((file) => /^\d+\.index\.js$/.test(file))) {
    const path = join(folder, name);
    const { code } = await minify(readFileSync(path, 'utf8'), { module: true, format: { comments: false } });
    writeFileSync(path, code);
  }
};

compile();
runScript(
  join(root, 'node_modules', '@vercel', 'ncc', 'dist', 'ncc', 'cli.js'),
  ...['build', join(build, 'packages', 'cli', 'src', 'index.js'), '--out', bundle],
  ...['--minify', '--no-cache', '--quiet', '--license', 'licenses.txt'],
);
await minifyChunks(bundle);
rmSync(output, { recursive: true, force: true });
cpSync(bundle, output, { recursive: true });
