import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openProject } from '../lab-project.ts';
import { repository, sluice } from '../sluice-process.ts';

/* The bundle on the oldest Node that is promised, and on the two lines after it. */

const nodeOf = (folder: string): string => join(repository, '.tools', folder, 'node_modules/node/bin/node');

const versions: readonly (readonly [version: string, node: string])[] = [
  ['20.18.1', nodeOf('node20')],
  ['22.23.3', nodeOf('node22')],
  ['24.19.0', nodeOf('node24')],
];

for (const [version, node] of versions) if (!existsSync(node)) process.stderr.write(`test/engines/node-versions: Node ${version} is not shown, it is not in .tools (see .ci/run)\n`);

interface Document {
  readonly status: string;
  readonly outputs: Readonly<Record<string, string>>;
}

const rehearsal = async (node: string, ...argv: readonly string[]): Promise<unknown> => {
  const { code, stdout, stderr } = await sluice(['rehearse', ...argv, '--json'], { node, deadlineMs: 110_000 });
  const { status, outputs } = JSON.parse(stdout) as Document;
  // A word on standard error of the kind "(node:1) Warning" would be of this version alone.
  return { code, status, verdict: outputs['verdict'], warned: /\(node:\d+\)/.test(stderr) };
};

const release = async (node: string): Promise<unknown> => {
  const house = await openProject({ steps: ['50%'], every: '5s', minimum: 5, watch: ['errors'] });
  try {
    const { code, document, stderr } = await house.run(['release'], { node, deadlineMs: 110_000 });
    return { code, status: document.status, verdict: document.outputs['verdict'], warned: /\(node:\d+\)/.test(stderr) };
  } finally {
    await house.close();
  }
};

const good = { code: 0, status: 'passed', verdict: 'promote', warned: false };

describe('the bundle', () => {
  const here = versions.filter(([, node]) => existsSync(node));

  test.each(here)('on Node %s releases at the lab', async (version, node) => {
    expect(execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()).toBe(`v${version}`);
    expect(await release(node)).toEqual(good);
  });

  test.each(here.filter(([version]) => !version.startsWith('22.')))('on Node %s rehearses both examples', async (_, node) => {
    expect(await Promise.all([rehearsal(node), rehearsal(node, 'examples/order-agent/sluice.yml')])).toEqual([good, good]);
  });
});

/** newer are the names in the bundle that the oldest Node does not have, and why they may stand there. */
const newer: Readonly<Record<string, string>> = {
  getCACertificates: 'asked for before it is used',
  DatabaseSync: "undici's cache in a database, which is not used",
  createZstdDecompress: 'undici asks for it first',
  ZSTD_e_continue: 'undici asks for it first',
  ZSTD_e_end: 'undici asks for it first',
  markAsUncloneable: 'undici asks for it first',
  setTypeOfService: 'undici asks for it first',
  rawJSON: 'of JSON; for numbers over 2^53 alone, which no answer of ours has, and asked for first where one is read',
  CloseEvent: 'a class of undici itself',
  WebSocket: 'a class of undici itself',
  binaryType: 'of a class of undici itself',
  bufferedAmount: 'of a class of undici itself',
  initMessageEvent: 'of a class of undici itself',
  userAgent: 'a word of our own',
  wasClean: 'of a class of undici itself',
};

const [oldest = '', , newest = ''] = versions.map(([, node]) => node);

(existsSync(oldest) && existsSync(newest) ? test : test.skip)('the bundle names nothing that is newer than Node 20.18.1 and is not asked for first', () => {
  const namesOf = (node: string): readonly string[] => execFileSync(node, ['--no-warnings', join(repository, 'test/engines/node-names.cjs')], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 }).split('\n');
  const before = new Set(namesOf(oldest));
  // A name in one word of small letters is anybody's.
  const since = namesOf(newest).filter((name) => !before.has(name) && /^(?:[A-Z]\w+|[a-z]+[A-Z]\w*)$/.test(name) && !/^[A-Z]+$/.test(name));
  expect(since).toContain('getCACertificates');
  const bundle = readdirSync(join(repository, 'dist')).filter((name) => name.endsWith('.js')).map((name) => readFileSync(join(repository, 'dist', name), 'utf8')).join('\n');
  expect(since.filter((name) => new RegExp(`[.?{,]${name}\\b`).test(bundle)).sort()).toEqual(Object.keys(newer).sort());
});
