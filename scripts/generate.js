// Writes the generated files, or with --check fails when one of them is not what the step definitions make.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, compile, root } from './compile.js';

compile();
const room = (name) => import(pathToFileURL(join(build, 'packages', name, 'src', 'index.js')).href);
const [{ generatedFiles }, { loadSteps }, dify, agentrun] = await Promise.all([room('faces'), room('steps'), room('dify'), room('agentrun')]);

const steps = await loadSteps();
const files = generatedFiles({
  steps,
  whole: steps.find(({ name }) => name === 'release'),
  rights: await agentrun.ramRights(),
  exposures: [...dify.difyPlatform.exposures, ...agentrun.agentrunPlatform.exposures],
  origin: { repository: 'https://github.com/OWNER/sluice', reference: 'v1' },
  readme: readFileSync(join(root, 'README.md'), 'utf8'),
});

const current = (path) => {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
};
const stale = Object.entries(files).filter(([path, text]) => current(path) !== text);
if (process.argv.includes('--check')) {
  if (stale.length > 0) {
    console.error(`Not fresh: ${stale.map(([path]) => path).join(', ')}. Run "npm run generate" and commit.`);
    process.exit(1);
  }
  console.log(`${Object.keys(files).length} generated files are fresh.`);
} else {
  for (const [path, text] of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    console.log(`wrote ${path}`);
  }
}
