import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
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
