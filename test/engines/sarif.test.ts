import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { project, repository, sluice } from '../sluice-process.ts';

/* What the bundle leaves for people's tools: the SARIF file against the schema of OASIS, as Microsoft's package carries it. */

const tool = join(repository, '.tools/sarif/node_modules');
const schemaFile = join(tool, '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
if (!existsSync(schemaFile)) process.stderr.write('test/engines/sarif: not shown, there is no .tools/sarif (see .ci/run)\n');

interface Validator {
  (document: unknown): boolean;
  readonly errors?: unknown;
}

/** validator checks against the schema; ajv stands beside it. */
const validator = (): Validator => {
  const require = createRequire(join(tool, 'x.js'));
  const Ajv: new (options: object) => { addMetaSchema(schema: unknown): unknown; compile(schema: unknown): Validator } = require('ajv');
  const ajv = new Ajv({ schemaId: 'auto', meta: false, allErrors: true, unknownFormats: 'ignore', logger: false });
  ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-04.json'));
  return ajv.compile(JSON.parse(readFileSync(schemaFile, 'utf8')));
};

const bot = (environment: string): string => `name: support-bot\nsource: 应用.yml\nenvironments:\n  ${environment}:\n    dify: https://dify.example.com/app/00000000-0000-4000-8000-000000000000/workflow\n`;

(existsSync(schemaFile) ? describe : describe.skip)('sluice.sarif', () => {
  test.each([
    ['of an application with findings', 'app: {mode: workflow, name: 机器人}\nkind: app\nversion: 0.3.0\nworkflow: {graph: {nodes: [], edges: [{source: a, target: b}]}}\n', true],
    ['of one that is sound', readFileSync(join(repository, 'examples/support-bot/app/support-bot.yml'), 'utf8'), false],
  ])('%s is valid', async (_, source, finds) => {
    const folder = await project({ 'sluice.yml': bot('staging'), '应用.yml': source });
    await sluice(['validate'], { folder });
    const document = JSON.parse(readFileSync(join(folder, '.sluice/results/sluice.sarif'), 'utf8'));
    expect(document.runs[0].results.length > 0).toBe(finds);
    const valid = validator();
    expect([valid(document), valid.errors]).toEqual([true, null]);
  });

  test('the schema does refuse what is wrong', () => {
    const valid = validator();
    expect(valid({ version: '2.1.0', runs: [{ tool: { driver: { name: 'x', rules: [{}] } }, results: [{ level: 'fatal', message: {} }] }] })).toBe(false);
  });
});
