// Makes the rollout room's TypeScript loadable by Node alone, without types and without touching build/.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const options = { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' }, swcrc: false };

const asJavaScript = (file, into, core) => {
  const toCore = `${relative(dirname(into), core)}/index.js`;
  return transformSync(readFileSync(file, 'utf8'), { ...options, filename: file })
    .code.replaceAll(/(from\s*|import\()(['"])(\.[^'"]*)\.ts\2/g, '$1$2$3.js$2')
    .replaceAll(/(['"])@sluice\/core\1/g, `'${toCore.startsWith('.') ? toCore : `./${toCore}`}'`);
};

/** emitRollout writes rollout and core as JavaScript into a fresh folder and gives the address of rollout's files. */
export const emitRollout = () => {
  const folder = join(root, 'node_modules', '.cache', `sluice-scoreboard-${process.pid}`);
  for (const room of ['core', 'rollout']) {
    const source = join(root, 'packages', room, 'src');
    for (const name of readdirSync(source, { recursive: true }).filter((file) => file.endsWith('.ts'))) {
      const into = join(folder, room, name.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(into), { recursive: true });
      writeFileSync(into, asJavaScript(join(source, name), into, join(folder, 'core')));
    }
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n');
  return { url: pathToFileURL(join(folder, 'rollout')).href, remove: () => rmSync(folder, { recursive: true, force: true }) };
};
