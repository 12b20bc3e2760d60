import { configurationDsl } from '../apps.ts';
import { fieldsOf, send, textAt, type Answer } from '../caller.ts';
import type { Expectation } from '../expectation.ts';
import { eventsOf, masked } from '../masking.ts';
import type { World } from '../world.ts';

const modes = ['chat', 'agent-chat', 'completion'] as const;
type Mode = (typeof modes)[number];

/** anyModel hides the names of providers and of the model, which are another server's own. */
const anyModel = (world: World, value: unknown): unknown => {
  const text = JSON.stringify(value ?? null).replaceAll(world.model.provider, '<provider>').replaceAll(world.model.name, '<model>');
  return JSON.parse(text.replace(/must be in \[[^\]]*\]/g, 'must be in <providers>'));
};

const configured = async (world: World, id: string): Promise<unknown> =>
  anyModel(world, masked(fieldsOf((await world.console('GET', `/apps/${id}`)).body)['model_config'], world.names));

const withoutModel = (value: unknown): unknown => {
  const { model, ...rest } = fieldsOf(value);
  return { model: Object.keys(fieldsOf(model)).sort(), rest };
};

const made = async (world: World, mode: Mode): Promise<{ readonly id: string; readonly answer: Answer }> => {
  const answer = await world.console('POST', '/apps', { name: `contract ${mode}`, mode, icon_type: 'emoji', icon: '🤖', icon_background: '#FFFFFF', description: '' });
  return { id: textAt(answer, 'id'), answer };
};

const model = (world: World): Readonly<Record<string, unknown>> => ({ ...world.model, mode: 'chat', completion_params: {} });

const word = { 'text-input': { label: 'Word', variable: 'word', required: true, max_length: 10, default: '' } };

/** least is a configuration that says no more than it must. */
const least = (world: World, mode: Mode): Readonly<Record<string, unknown>> => ({
  model: model(world),
  pre_prompt: 'Repeat: {{word}}',
  user_input_form: [word],
  ...(mode === 'agent-chat' ? { agent_mode: { enabled: true, strategy: 'function_call', tools: [], max_iteration: 5 } } : {}),
});

/** within makes an app of a mode with a written configuration, uses it and deletes it. */
const within = async (world: World, mode: Mode, use: (id: string) => Promise<unknown>): Promise<unknown> => {
  const { id } = await made(world, mode);
  try {
    const written = await world.console('POST', `/apps/${id}/model-config`, least(world, mode));
    return { written: world.plain(written), seen: await use(id) };
  } finally {
    await world.console('DELETE', `/apps/${id}`);
  }
};

const asked = async (world: World, id: string, mode: Mode, body: Readonly<Record<string, unknown>>): Promise<Answer> => {
  const key = textAt(await world.console('POST', `/apps/${id}/api-keys`), 'token');
  const path = mode === 'completion' ? '/v1/completion-messages' : '/v1/chat-messages';
  return send(world.server.origin, 'POST', path, { headers: { authorization: `Bearer ${key}` }, body: { inputs: { word: 'good' }, query: 'good', user: 'contract', ...body } });
};

/** answered is a whole answer without what a model says. */
const answered = (world: World, answer: Answer): unknown => {
  if (answer.status !== 200) return world.plain(answer);
  const { answer: text, metadata, ...rest } = fieldsOf(answer.body);
  return { rest: masked(rest, world.names), said: typeof text === 'string' && text !== '', metadata: Object.keys(fieldsOf(metadata)).sort(), usage: Object.keys(fieldsOf(fieldsOf(metadata)['usage'])).sort() };
};

/** streamed are the kinds of a stream's events, with their fields: how many there are and how they mix is the model's. */
const streamed = (answer: Answer): unknown => {
  const events = eventsOf(answer);
  const kinds = new Map(events.map(({ event, fields }) => [event, Object.keys(fields).sort()]));
  return { kinds: Object.fromEntries([...kinds].sort()), last: events.at(-1)?.event };
};

const refusals = async (world: World, id: string): Promise<unknown> => {
  const seen: unknown[] = [];
  for (const body of [
    {},
    { model: 'x' },
    { model: {} },
    { model: { ...model(world), provider: 'contract/nobody/nobody' } },
    { model: { ...model(world), name: 'contract-no-such-model' } },
    { model: { provider: world.model.provider, name: world.model.name } },
    { model: { ...model(world), completion_params: { stop: ['1', '2', '3', '4', '5'] } } },
  ]) {
    seen.push(anyModel(world, world.plain(await world.console('POST', `/apps/${id}/model-config`, body))));
  }
  return seen;
};

/** configurations are about apps without a workflow, whose configuration is live with its writing. */
export const configurations: readonly Expectation[] = [
  ...modes.flatMap((mode): readonly Expectation[] => [
    {
      name: `a new ${mode} app`,
      needs: 'model',
      ask: async (world) => {
        const { id, answer } = await made(world, mode);
        const seen = withoutModel(await configured(world, id));
        await world.console('DELETE', `/apps/${id}`);
        return { created: answer.status, seen };
      },
    },
    { name: `what is left out of a ${mode} app's configuration`, needs: 'model', ask: (world) => within(world, mode, (id) => configured(world, id)) },
    {
      name: `a ${mode} app in one piece`,
      needs: 'model',
      ask: (world) => within(world, mode, async (id) => answered(world, await asked(world, id, mode, { response_mode: 'blocking' }))),
    },
    {
      name: `a ${mode} app in a stream`,
      needs: 'model',
      ask: (world) => within(world, mode, async (id) => streamed(await asked(world, id, mode, { response_mode: 'streaming' }))),
    },
    {
      name: `a ${mode} app without its input`,
      needs: 'model',
      ask: (world) => within(world, mode, async (id) => world.plain(await asked(world, id, mode, { inputs: {}, response_mode: mode === 'agent-chat' ? 'streaming' : 'blocking' }))),
    },
    {
      name: `an export of a ${mode} app, imported as a new one`,
      needs: 'model',
      ask: (world) =>
        within(world, mode, async (id) => {
          const before = await configured(world, id);
          const yaml = textAt(await world.console('GET', `/apps/${id}/export?include_secret=false`), 'data');
          const copy = textAt(await world.imported(yaml), 'app_id');
          return JSON.stringify(await configured(world, copy)) === JSON.stringify(before);
        }),
    },
  ]),
  {
    name: 'a file of a chat app is taken as it is',
    needs: 'model',
    ask: async (world) => {
      const answer = await world.imported(configurationDsl('chat', { dsl: world.dsl, name: 'contract configuration', says: 'one' }, world.model));
      return { status: answer.status, seen: await configured(world, textAt(answer, 'app_id')) };
    },
  },
  {
    name: 'a file over a chat app',
    needs: 'model',
    ask: async (world) => {
      const yaml = configurationDsl('chat', { dsl: world.dsl, name: 'contract configuration', says: 'one' }, world.model);
      const id = textAt(await world.imported(yaml), 'app_id');
      const { status, error } = fieldsOf((await world.imported(yaml, { app_id: id })).body);
      return { status, error };
    },
  },
  {
    name: 'configurations that are refused',
    needs: 'model',
    ask: async (world) => {
      const { id } = await made(world, 'chat');
      const seen = await refusals(world, id);
      await world.console('DELETE', `/apps/${id}`);
      return seen;
    },
  },
  {
    name: 'a configuration for a workflow app',
    needs: 'model',
    ask: async (world) => {
      const answer = await world.console('POST', `/apps/${world.flow.id}/model-config`, least(world, 'chat'));
      return [answer.status, fieldsOf(answer.body)['code']];
    },
  },
];
