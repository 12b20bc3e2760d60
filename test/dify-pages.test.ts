/*
 * The pages on Dify say what one would see. Their sluice.yml are read, their commands run against the lab, and what they print
 * compared line by line, after addresses, ids and times have been made the page's own.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startLabDify, type LabDify } from '@sluice/lab';
import { parse, stringify } from 'yaml';
import { chatflow, edge, node, textOf, type Dsl } from '../packages/dify/test/dsl.ts';
import { project, repository, sluice } from './sluice-process.ts';

const pages = ['docs/dify-credentials.md', 'docs/dify-environments.md'] as const;

/** published is the app's id on the pages, and what it has of another workspace's. */
const published = '5f6c8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f';
const elsewhere = { dataset: '4c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e60', tool: '7c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f' };

const supportBot = (): Dsl => {
  const dsl = chatflow();
  const [start, llm, answer] = dsl.workflow.graph?.nodes ?? [];
  if (start === undefined || llm === undefined || answer === undefined) throw new Error('the app has lost a node');
  dsl.app = { ...dsl.app, name: 'support-bot' };
  dsl.workflow.environment_variables = [
    ['CRM_TOKEN', 'secret', '', '7f1b7c52-3f0e-4f0b-9a55-1d2f6e0c8b41'],
    ['CRM_URL', 'string', 'https://crm.staging.example.com', '2c6a9f0d-8f57-4f36-8a1b-5b9f0e7d3c22'],
    ['LIMIT', 'number', 3, '3c6a9f0d-8f57-4f36-8a1b-5b9f0e7d3c22'],
  ].map(([name, value_type, value, id]) => ({ id, name, value_type, value, description: '', selector: ['env', name] }));
  dsl.workflow.graph = {
    nodes: [
      start,
      node('kb', 'knowledge-retrieval', { title: 'Search', dataset_ids: [elsewhere.dataset], query_variable_selector: ['sys', 'query'], retrieval_mode: 'multiple', multiple_retrieval_config: { top_k: 3 } }),
      llm,
      node('refund', 'tool', { title: 'Refund', provider_id: elsewhere.tool, provider_type: 'workflow', provider_name: 'refund', tool_name: 'refund', tool_label: 'Refund', tool_configurations: {}, tool_parameters: {} }),
      answer,
    ],
    edges: [edge('start', 'kb'), edge('kb', 'llm'), edge('llm', 'refund'), edge('refund', 'answer')],
  };
  return dsl;
};

const nightly = (): Dsl => {
  const dsl = chatflow();
  dsl.app = { ...dsl.app, mode: 'workflow', name: 'nightly' };
  dsl.workflow.environment_variables = [];
  const template = node('report', 'template-transform', { title: 'Report', template: 'done', variables: [] });
  const end = node('end', 'end', { title: 'End', outputs: [{ variable: 'text', value_selector: ['report', 'output'] }] });
  dsl.workflow.graph = {
    nodes: [
      node('every', 'trigger-schedule', { title: 'Every morning', mode: 'visual', frequency: 'daily', visual_config: { time: '12:00 AM' }, timezone: 'UTC' }),
      node('issue', 'trigger-plugin', { title: 'New issue', provider_id: 'langgenius/github_trigger/github', plugin_id: 'langgenius/github_trigger', plugin_unique_identifier: 'langgenius/github_trigger:1.0.0', event_name: 'issue', subscription_id: '' }),
      template,
      end,
    ],
    edges: [edge('every', 'report'), edge('issue', 'report'), edge('report', 'end')],
  };
  return dsl;
};

interface Block {
  readonly language: string;
  readonly text: string;
}

const blocksOf = (page: string): readonly Block[] => [...page.matchAll(/```(\w+)\n([^]*?)```/g)].map(([, language = '', text = '']) => ({ language, text }));

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {});

let lab: LabDify;
beforeAll(async () => {
  lab = await startLabDify({ timeScale: 40 });
  lab.stock({ datasets: ['Handbook', 'Archive', 'Archive'], tools: ['refund'], models: ['gpt-4.1', 'langgenius/tongyi/tongyi/qwen-max', 'acme/azure/azure/gpt-4.1'], triggers: ['support repository'] });
});
afterAll(() => lab.close());

/** shown makes a run's lines the page's own: its address, its app, no times. */
const shown = (text: string, app: string): readonly string[] =>
  text
    .replaceAll(lab.origin, 'https://dify.example.com')
    .replaceAll(app, published)
    .replaceAll(lab.credentials.workspaceId, '91c3a538-8982-4e53-95c0-0b043cee3d20')
    .replaceAll(/\bin [\d.]+ m?s\b/g, 'in … ms')
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'sha256:…')
    .replaceAll(/\/\S+\/(?=\.sluice\/)/g, '')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !line.startsWith('SLUICE_STATE is not set'));

/** accountOf is the environment of a command: an editor's account, changed by what stands before the command, as in a shell. */
const accountOf = (assigned: Fields): Readonly<Record<string, string>> => {
  const members: Readonly<Record<string, { readonly email: string; readonly password: string }>> = { owner: lab.credentials, ...lab.credentials.members };
  const { email, password } = members[String(assigned['AS'] ?? 'editor')] ?? { email: '', password: '' };
  const account = { DIFY_EMAIL: email, DIFY_PASSWORD: password, CRM_TOKEN: 'token-of-the-crm' };
  const wanted = Object.fromEntries(Object.entries(assigned).map(([name, value]) => [name, String(value).replace('$ADMIN_API_KEY', lab.credentials.adminKey).replace('$PASSWORD', password)]));
  return { ...account, ...wanted };
};

interface Command {
  readonly assigned: Fields;
  readonly argv: readonly string[];
  readonly printed: readonly string[];
}

/** commandsOf reads a console block: lines that begin with `$`, each with what it prints. */
const commandsOf = (text: string): readonly Command[] =>
  text.split(/^\$ /m).slice(1).map((part) => {
    const [line = '', ...printed] = part.trimEnd().split('\n');
    const [before = '', after = ''] = line.split('node dist/index.js');
    const assigned = Object.fromEntries([...before.matchAll(/(\w+)=('[^']*'|\S*)/g)].map(([, name = '', value = '']) => [name, value.replaceAll("'", '')]));
    return { assigned, argv: after.trim().split(/\s+/), printed };
  });

/** ran runs a command with the sluice.yml that the page has come to; an app whose page names no knowledge base has none. */
const ran = async ({ assigned, argv }: Command, settings: Fields, page: string): Promise<readonly string[]> => {
  const dsl = settings['name'] === 'nightly' ? nightly() : supportBot();
  const whole = textOf({ ...dsl, version: '0.5.0' });
  const file = page.includes(elsewhere.dataset) ? whole : whole.replace(elsewhere.dataset, '');
  // The app as somebody made it here: it knows nothing of the other workspace.
  const app = lab.createApp(file.replace(elsewhere.dataset, '')).appId;
  const folder = await project({
    'sluice.yml': stringify(settings).replaceAll('https://dify.example.com', lab.origin).replaceAll(published, app),
    [String(settings['source'])]: file,
    'state/.keep': '',
  });
  const { stdout, stderr } = await sluice(argv, { folder, environment: { SLUICE_STATE: join(folder, 'state'), ...accountOf(assigned) } });
  return shown(`${stderr}${stdout}`, app);
};

describe.each(pages)('%s', (path) => {
  let page = '';
  beforeAll(async () => {
    page = await readFile(join(repository, path), 'utf8');
  });

  test('has YAML that can be read, and links to nothing that is not there', async () => {
    const yaml = blocksOf(page).filter(({ language }) => language === 'yaml');
    expect(yaml.length).toBeGreaterThan(0);
    for (const { text } of yaml) expect(parse(text)).toEqual(expect.any(Object));
    for (const [, link = ''] of page.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) await access(join(repository, dirname(path), link));
  });

  test('prints what its commands print', async () => {
    let whole: Fields = {};
    let settings: Fields = {};
    let commands = 0;
    for (const { language, text } of blocksOf(page)) {
      if (language === 'yaml') {
        const given = fieldsOf(parse(text));
        // What is no whole file stands in place of the same settings of the last one, until the next block.
        if (given['environments'] !== undefined) whole = given;
        const production = fieldsOf(fieldsOf(whole['environments'])['production']);
        settings = given === whole ? whole : { ...whole, environments: { production: { ...production, ...given } } };
      }
      if (language !== 'console') continue;
      for (const command of commandsOf(text)) {
        commands += 1;
        expect({ command: command.argv, printed: await ran(command, settings, page) }).toEqual({ command: command.argv, printed: command.printed });
      }
    }
    expect(commands).toBeGreaterThan(0);
  }, 240_000);
});
