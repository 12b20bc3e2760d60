import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createCipheriv, createHash } from 'node:crypto';
import { DifySource } from '../src/source/source.ts';
import { overlay } from '../src/source/overlay.ts';
import { mappingOf } from '../src/source/shape.ts';
import { chatApp, chatflow, node, sourceOf, type Dsl } from './dsl.ts';
import { careful, madeIn } from './fixtures.ts';
import { environmentOf, openHouse, problem, secretsOf, targetOf, value, type House } from './harness.ts';
import { startProxy, type Proxy, type Verdict } from './proxy.ts';

let house: House;
let proxy: Proxy;
beforeAll(async () => {
  house = await openHouse();
  proxy = await startProxy(house.lab.origin);
});
afterEach(() => {
  proxy.rule = () => 'pass';
  proxy.seen.splice(0);
});
afterAll(async () => {
  await proxy.close();
  await house.close();
});

const faq = '4c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f';
const other = '4c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e60';
const crm = '7c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f';

const json = (body: unknown, status = 200): Verdict => ({ status, body: JSON.stringify(body) });

/** lists answers the workspace's lists in the form of Dify 1.12.1; datasets come in pages. */
const lists = (datasets: readonly { id: string; name: string }[]) => {
  proxy.rule = ({ path }) => {
    const url = new URL(path, 'http://x');
    const { pathname, searchParams: query } = url;
    if (pathname.endsWith('/datasets')) {
      const ids = query.getAll('ids');
      const found = ids.length > 0 ? datasets.filter(({ id }) => ids.includes(id)) : datasets.filter(({ name }) => name.includes(query.get('keyword') ?? ''));
      const [page, limit] = [Number(query.get('page')), Number(query.get('limit'))];
      const data = found.slice((page - 1) * limit, page * limit);
      return json({ data, has_more: data.length === limit, limit, page, total: found.length });
    }
    if (pathname.endsWith('/tool-providers')) {
      const all = [
        { id: crm, name: 'CRM 生产', type: 'api', server_identifier: null },
        { id: other, name: 'summarize', type: 'workflow' },
        { id: faq, name: 'Docs', type: 'mcp', server_identifier: 'docs-prod' },
        { id: 'a', name: 'twice', type: 'workflow' },
        { id: 'b', name: 'twice', type: 'workflow' },
      ];
      return json(all.filter(({ type }) => type === query.get('type')));
    }
    if (pathname.endsWith('/model-types/llm')) {
      return json({ data: [{ provider: 'a/openai/openai', models: [{ model: 'gpt-5' }, { model: 'both' }] }, { provider: 'langgenius/openai/openai', models: [{ model: 'both' }] }, { provider: 'b/x/x', models: [{ model: 'both' }] }] });
    }
    return pathname.endsWith('/subscriptions/list') ? json([{ id: 'sub-1', name: 'main' }]) : 'pass';
  };
};

const used = (): Dsl => {
  const dsl = chatflow();
  dsl.workflow.graph?.nodes.push(
    node('kb', 'knowledge-retrieval', { dataset_ids: ['old-id'], query_variable_selector: ['start', 'city'] }),
    node('api', 'tool', { provider_id: 'api-old', provider_type: 'api', provider_name: 'CRM', tool_name: 'find' }),
    node('flow', 'tool', { provider_id: 'flow-old', provider_type: 'workflow', provider_name: 'sum', tool_name: 'sum' }),
    node('agent', 'agent', {
      agent_parameters: {
        tools: { value: [{ provider_name: 'docs-old', provider_show_name: 'Docs', type: 'mcp', tool_name: 'read' }] },
        model: { value: { provider: 'langgenius/openai/openai', model: 'gpt-4o', model_type: 'llm' } },
      },
    }),
  );
  return dsl;
};

const deployed = async (environment: Readonly<Record<string, unknown>>, dsl: Dsl = used(), id?: string) => {
  const app = id ?? madeIn(house).appId;
  const dify = `${proxy.origin}/app/${app}/workflow`;
  const source = value(overlay(sourceOf(dsl), environmentOf({ dify, ...environment }), secretsOf({})));
  if (!(source instanceof DifySource)) throw new Error('no source');
  const target = await targetOf(house, app, source, { environment: { dify, ...environment } });
  return target.deploy(source, careful);
};

/** written is the text of the file that was imported. */
const written = (): string => {
  const body: unknown = JSON.parse(proxy.seen.find(({ path }) => path.endsWith('/apps/imports'))?.body ?? '{}');
  return String(mappingOf(body)['yaml_content']);
};

const everything = { datasets: { 'old-id': 'FAQ' }, tools: { 'api-old': 'CRM 生产', sum: 'summarize', 'docs-old': 'Docs' }, models: { 'gpt-4o': 'gpt-5' } };

describe('names in the target workspace', () => {
  test('become ids: datasets over pages, custom, workflow and MCP tools, and models of another provider', async () => {
    const many = Array.from({ length: 150 }, (_item, index) => ({ id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`, name: `FAQ ${index}` }));
    lists([...many, { id: faq, name: 'FAQ' }]);
    value(await deployed(everything));
    const text = written();
    for (const id of [faq, crm, other, 'docs-prod', 'a/openai/openai', 'gpt-5']) expect(text).toContain(`"${id}"`);
    for (const id of ['old-id', 'api-old', 'flow-old', 'docs-old', 'gpt-4o', 'langgenius/openai/openai']) expect(text).not.toContain(`"${id}"`);
    expect(proxy.count(/keyword=FAQ/)).toBe(2);
    expect(proxy.count(/tool-providers/)).toBe(3);
    expect(proxy.count(/model-types/)).toBe(1);
  });

  test('an identifier wins over a name, and a UUID is not looked up', async () => {
    lists([{ id: faq, name: 'FAQ' }]);
    value(await deployed({ ...everything, tools: { 'api-old': faq, 'docs-old': 'docs-prod' } }));
    expect(written()).toContain('"docs-prod"');
    expect(proxy.count(/tool-providers\?type=api/)).toBe(0);
  });

  test.each<[string, Readonly<Record<string, unknown>>, string, string]>([
    ['no dataset', { ...everything, datasets: { 'old-id': 'FAX' } }, 'this workspace has no dataset "FAX"', 'Create it'],
    ['two datasets', { ...everything, datasets: { 'old-id': 'twin' } }, 'this workspace has 2 datasets "twin"', `${other}, ${crm}`],
    ['a dataset id that is not there', { ...everything, datasets: { 'old-id': '9c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f' } }, 'this workspace has no dataset 9c1e8a3b-91d2-4c07-8e6f-3b7a1c2d4e5f, which node "Node kb" uses', 'datasets:'],
    ['no tool', { ...everything, tools: { ...everything.tools, 'api-old': 'CRM 生' } }, 'this workspace has no api tool "CRM 生"', 'Did you mean "CRM 生产"?'],
    ['two tools', { ...everything, tools: { ...everything.tools, sum: 'twice' } }, 'this workspace has 2 workflow tools "twice"', 'a, b'],
    ['no model', { ...everything, models: { 'gpt-4o': 'gpt-6' } }, 'this workspace has no llm model "gpt-6"', 'gpt-5'],
  ])('%s: exit 2, with what there is, and nothing is written', async (_name, environment, reason, hint) => {
    lists([{ id: faq, name: 'FAQ' }, { id: other, name: 'twin' }, { id: crm, name: 'twin' }]);
    expect(problem(await deployed(environment))).toMatchObject({ category: 'input', reason, hint: expect.stringContaining(hint) });
    expect(proxy.count(/^POST .*imports/)).toBe(0);
  });

  test("a model that several providers have is the source's own provider's, else ambiguous", async () => {
    lists([{ id: faq, name: 'FAQ' }]);
    value(await deployed({ ...everything, models: { 'gpt-4o': 'both' } }));
    expect(written()).toContain('langgenius/openai/openai');
    const dsl = used();
    Object.assign(mappingOf(dsl.workflow?.graph?.nodes[1])['data'] as object, { model: { provider: 'c/y/y', name: 'gpt-4o', mode: 'chat' } });
    expect(problem(await deployed({ ...everything, models: { 'gpt-4o': 'both' } }, dsl)).hint).toContain('a/openai/openai/both');
  });

  test('lists that cannot be read: names stop the deployment, ids and models are said to be unknown', async () => {
    proxy.rule = ({ path }) => (/datasets|model-types/.test(path) ? json({ code: 'unknown', message: 'daemon', status: 501 }, 501) : 'pass');
    expect(problem(await deployed({ ...everything, tools: {} })).reason).toContain('find the dataset FAQ');
    const { notes } = value(await deployed({ datasets: { 'old-id': faq }, models: { 'gpt-4o': 'gpt-5' } }));
    expect(notes.join(' ')).toContain('Whether this workspace has the model langgenius/openai/openai/gpt-5 is not known');
    expect(notes.join(' ')).toContain('Whether the workspace has the datasets of the app is not known');
  });

  test('ids of this workspace that an export has encrypted are read, others are refused with their node', async () => {
    const { workspaceId } = house.lab.credentials;
    const key = createHash('sha256').update(workspaceId, 'utf8').digest();
    const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16));
    const encrypted = Buffer.concat([cipher.update(faq, 'utf8'), cipher.final()]).toString('base64');
    lists([{ id: faq, name: 'FAQ' }]);
    const dsl = used();
    Object.assign(mappingOf(dsl.workflow?.graph?.nodes[3])['data'] as object, { dataset_ids: [encrypted] });
    value(await deployed({}, dsl));
    expect(written()).toContain(faq);
    expect(problem(await deployed({})).reason).toContain('the dataset old-id of node "Node kb" belongs to another workspace');
  });

  test('the datasets of a chat app are mapped too', async () => {
    lists([{ id: faq, name: 'FAQ' }]);
    const dsl = chatApp();
    const configs = { retrieval_model: 'multiple', datasets: { datasets: [{ dataset: { id: 'old-id', enabled: true } }] } };
    const app = madeIn(house, dsl, false);
    value(await deployed({ datasets: { 'old-id': 'FAQ' }, 'live-at-once': true }, { ...dsl, model_config: { ...dsl.model_config, dataset_configs: configs } }, app.appId));
    expect(proxy.seen.find(({ path }) => path.endsWith('/model-config'))?.body).toContain(faq);
  });
});

describe('triggers', () => {
  const timed = (data: Readonly<Record<string, unknown>>, type = 'trigger-schedule'): Dsl => {
    const dsl = chatflow();
    return {
      ...dsl,
      app: { ...dsl.app, mode: 'workflow' },
      workflow: { ...dsl.workflow, graph: { nodes: [node('t', type, { title: 'Every morning', ...data }), node('end', 'end', { outputs: [] })], edges: [] }, environment_variables: [] },
    };
  };
  const exported = timed({ config: { frequency: 'daily' } });
  const made = (dsl: Dsl) => madeIn(house, dsl).appId;
  test('keep the schedule that the app has', async () => {
    const app = made(timed({ mode: 'cron', cron_expression: '0 9 * * 1-5', timezone: 'Asia/Shanghai' }));
    value(await deployed({}, { ...exported, app: { ...exported.app, description: 'new' } }, app));
    expect(written()).toContain('0 9 * * 1-5');
  });

  test('take the schedule that the environment declares, and need one', async () => {
    const app = made(timed({}));
    expect(problem(await deployed({}, exported, app))).toMatchObject({ category: 'input', reason: expect.stringContaining('"Every morning" would never fire'), hint: expect.stringContaining('triggers: { "Every morning":') });
    value(await deployed({ triggers: { 'Every morning': '30 8 * * * Asia/Shanghai' } }, exported, app));
    const text = written();
    expect(text).toContain('cron_expression: "30 8 * * *"');
    expect(text).toContain('timezone: "Asia/Shanghai"');
  });

  test('find a subscription by its name, keep it at the next deployment, and see that it changed', async () => {
    lists([]);
    const dsl = timed({ provider_id: 'o/p/github', event_name: 'issue', subscription_id: '' }, 'trigger-plugin');
    const app = made(dsl);
    const first = value(await deployed({ triggers: { t: 'main' } }, dsl, app));
    expect(first.changed).toBe(true);
    expect(written()).toContain('"sub-1"');
    expect(value(await deployed({}, dsl, app)).changed).toBe(false);
    expect(value(await deployed({ triggers: { t: crm } }, dsl, app)).changed).toBe(true);
    expect(problem(await deployed({ triggers: { t: 'mains' } }, dsl, app)).reason).toContain('no subscription of o/p/github named "mains"');
  });
});
