import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { configJsonSchema, readConfig } from '@sluice/core';
import { stringify } from 'yaml';
import { repository } from '../sluice-process.ts';

/* What an editor makes of our schema: the YAML language server, which VS Code and others run, with the line that the page shows. */

const tool = join(repository, '.tools/yaml-language-server/node_modules');
const program = join(tool, 'yaml-language-server/bin/yaml-language-server');
const ready = existsSync(program);
if (!ready) process.stderr.write('test/engines/editor-schema: not shown, there is no .tools/yaml-language-server (see .ci/run)\n');

interface Connection {
  listen(): void;
  dispose(): void;
  sendRequest(method: string, parameters: unknown): Promise<unknown>;
  sendNotification(method: string, parameters?: unknown): Promise<void>;
  onNotification(method: string, handle: (parameters: { readonly uri: string; readonly diagnostics: readonly { readonly message: string }[] }) => void): void;
  onRequest(method: string, handle: (parameters: { readonly items?: readonly unknown[] }) => unknown): void;
}

let child: ChildProcess;
let connection: Connection;
const waiting = new Map<string, (messages: readonly string[]) => void>();

const start = async (): Promise<void> => {
  const { createMessageConnection, StreamMessageReader, StreamMessageWriter } = createRequire(join(tool, 'x.js'))('vscode-jsonrpc/node');
  child = spawn(process.execPath, [program, '--stdio'], { stdio: ['pipe', 'pipe', 'ignore'] });
  connection = createMessageConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin));
  connection.onNotification('textDocument/publishDiagnostics', ({ uri, diagnostics }) => waiting.get(uri)?.(diagnostics.map(({ message }) => message)));
  const settings = { validate: true, completion: true, hover: true, schemaStore: { enable: false } };
  connection.onRequest('workspace/configuration', ({ items = [] }) => items.map((_, index) => (index === 0 ? settings : null)));
  connection.onRequest('client/registerCapability', () => null);
  connection.listen();
  await connection.sendRequest('initialize', { processId: process.pid, rootUri: null, capabilities: { workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: true } }, textDocument: { completion: { completionItem: { documentationFormat: ['markdown'] } } } } });
  await connection.sendNotification('initialized', {});
};

const modeline = `# yaml-language-server: $schema=${pathToFileURL(join(repository, 'schema/sluice.schema.json')).href}\n`;
let opened = 0;

/** open gives a text to the editor as a file with our line above it, and its address. */
const open = async (text: string): Promise<string> => {
  const uri = `file:///project${(opened += 1)}/sluice.yml`;
  await connection.sendNotification('textDocument/didOpen', { textDocument: { uri, languageId: 'yaml', version: 1, text: modeline + text } });
  return uri;
};

/** complaints are what the editor marks. */
const complaints = (text: string): Promise<readonly string[]> =>
  new Promise((resolve, reject) => {
    waiting.set(`file:///project${opened + 1}/sluice.yml`, resolve);
    open(text).catch(reject);
  });

/** offered is what the editor proposes at the end of a text, each with what it says of it. */
const offered = async (text: string): Promise<Readonly<Record<string, string>>> => {
  const uri = await open(text);
  const lines = (modeline + text).split('\n');
  const answer = (await connection.sendRequest('textDocument/completion', { textDocument: { uri }, position: { line: lines.length - 1, character: lines.at(-1)?.length ?? 0 } })) as { readonly items: readonly { readonly label: string; readonly documentation?: string | { readonly value: string } }[] };
  return Object.fromEntries(answer.items.map(({ label, documentation = '' }) => [label, typeof documentation === 'string' ? documentation : documentation.value]));
};

const bot = 'name: bot\nsource: app.yml\nenvironments:\n  staging:\n    dify: https://dify.example.com/app/5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f\n';

(ready ? describe : describe.skip)('sluice.yml in an editor', () => {
  beforeAll(start);
  afterAll(() => {
    connection.dispose();
    child.kill();
  });

  test.each(['support-bot', 'order-agent'])('nothing is marked in the example %s', async (example) => {
    expect(await complaints(readFileSync(join(repository, `examples/${example}/sluice.yml`), 'utf8'))).toEqual([]);
  });

  test.each([
    ['an unknown key', bot.replace('source', 'sorce'), /sorce/],
    ['a wrong type', bot.replace('name: bot', 'name: [bot]'), /type|string/i],
    ['a word that is none of the known', `${bot}lint: { rules: { dify/cycle: never } }\n`, /off.*warning.*error/i],
  ])('%s is marked', async (_, text, wanted) => {
    expect((await complaints(text)).join('\n')).toMatch(wanted);
  });

  test('keys are proposed with what they are for, and words of a list', async () => {
    const keys = await offered(`${bot}    `);
    expect(Object.keys(keys)).toEqual(expect.arrayContaining(['canary', 'variables', 'gateway', 'branches']));
    expect(keys['canary']).toContain('How a candidate is judged');
    expect(Object.keys(await offered(`${bot}    canary:\n      decide: `))).toEqual(expect.arrayContaining(['act', 'advise']));
  });

  test('every key that is proposed at the top has a description', async () => {
    const keys = await offered('');
    expect(Object.keys(keys).length).toBeGreaterThan(5);
    expect(Object.entries(keys).filter(([, said]) => said === '')).toEqual([]);
  });
});

/** places are all keys and items below a value, as paths. */
const places = (value: unknown): readonly (readonly (string | number)[])[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = Array.isArray(value) ? Number(key) : key;
    return [[here], ...places(inner).map((path) => [here, ...path])];
  });
};

/** changed is a copy of a value in which something else stands at a path; nothing, where that is undefined. */
const changed = (value: unknown, [first, ...rest]: readonly (string | number)[], into: unknown): unknown => {
  if (typeof value !== 'object' || value === null || first === undefined) return into;
  const put = (inner: unknown): unknown => (rest.length === 0 ? into : changed(inner, rest, into));
  if (Array.isArray(value)) return value.map((inner: unknown, index) => (index === first ? put(inner) : inner)).filter((inner) => inner !== undefined);
  return Object.fromEntries(Object.entries({ ...value, [first]: put(Reflect.get(value, first)) }).filter(([, inner]) => inner !== undefined));
};

/** everything has a key of each kind. */
const everything = {
  name: 'bot',
  source: 'app.yml',
  environments: {
    staging: {
      dify: 'https://dify.example.com/app/x',
      variables: { TOKEN: { env: 'TOKEN' }, URL: 'x' },
      canary: { steps: ['5%', 50], every: '10m', 'false-abort': 5, miss: '10%', margins: { errors: 0.5 }, 'on-inconclusive': 'hold' },
    },
    pull: { agentrun: { source: 's.yaml', account: '12345' }, preview: { keep: '14d' } },
  },
  health: { ask: [{ query: 'ping', expect: { contains: ['pong'], within: 30 } }] },
  notify: [{ slack: { env: 'SLACK' }, 'at-least': 'P1' }],
  lint: { rules: { 'dify/cycle': 'off' }, models: ['gpt-4o'] },
  state: { git: 'sluice-state' },
};

/** beyond are the complaints that the schema leaves to the parser: about two keys at once. */
const beyond = /must be more than the step before it|needs agentrun\.endpoint, but for previews/;

(ready ? test : test.skip)('the schema takes all that the parser takes, and what it takes beyond that is known', () => {
  const { default: Ajv } = createRequire(join(tool, 'x.js'))('ajv/dist/2020');
  const fits: (value: unknown) => boolean = new Ajv({ strict: false, validateFormats: false }).compile(configJsonSchema());
  const into: readonly unknown[] = [undefined, null, -1, 101, '5%', '10m', 'ftp://a', [1], {}, { env: 'CI_TOKEN' }];
  const [seen, surprises] = [{ both: 0, neither: 0 }, new Set<string>()];
  for (const path of places(everything)) {
    for (const value of into.map((one) => changed(everything, path, one))) {
      const read = readConfig('sluice.yml', stringify(value), '/project');
      const fit = fits(value);
      if (read.ok && !fit) surprises.add(`refused by the schema alone: ${path.join('.')} in ${JSON.stringify(value)}`);
      if (!read.ok && fit && !beyond.test(read.problem.reason)) surprises.add(`taken by the schema alone: ${read.problem.reason}`);
      if (read.ok === fit) seen[fit ? 'both' : 'neither'] += 1;
    }
  }
  expect([...surprises]).toEqual([]);
  expect([seen.both > 50, seen.neither > 300]).toEqual([true, true]);
});
