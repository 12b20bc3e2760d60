import { icon, straightDsl, tokenId, workflowDsl } from '../apps.ts';
import { fieldsOf, opening, textAt } from '../caller.ts';
import { atLeast, type Expectation } from '../expectation.ts';
import { story } from '../masking.ts';
import type { World } from '../world.ts';

const draft = (world: World, app: string) => world.console('GET', `/apps/${app}/workflows/draft`);

const sync = async (world: World, more: Readonly<Record<string, unknown>>) => {
  const { graph, features, hash, environment_variables, conversation_variables } = fieldsOf((await draft(world, world.bare.id)).body);
  return world.console('POST', `/apps/${world.bare.id}/workflows/draft`, { graph, features, hash, environment_variables, conversation_variables, ...more });
};

const secretOf = async (world: World): Promise<unknown> => {
  if (atLeast(world.release, '1.5.0')) {
    const answer = await world.console('GET', `/apps/${world.bare.id}/workflows/draft/environment-variables`);
    return [fieldsOf(answer.body)['items']].flat().map(fieldsOf).find((item) => item['name'] === 'TOKEN')?.['value'];
  }
  // Older servers show a draft's secrets nowhere but in an export with secrets.
  const yaml = textAt(await world.console('GET', `/apps/${world.bare.id}/export?include_secret=true`), 'data');
  return /name: TOKEN[\s\S]*?value: (\S+)/.exec(yaml)?.[1];
};

const featuresOf = async (world: World, app: string): Promise<unknown> => fieldsOf((await draft(world, app)).body)['features'];

const over = (world: World, secret: string) =>
  world.imported(workflowDsl({ dsl: world.dsl, name: 'contract bare', says: 'one', secret }), { app_id: world.bare.id });

const iconOf = (yaml: string): unknown => /^ {2}icon: (.*)$/m.exec(yaml)?.[1];

const exported = async (world: World, query: string) => textAt(await world.console('GET', `/apps/${world.flow.id}/export?${query}`), 'data');

const run = async (world: World, kind: 'flow' | 'chat', body: Readonly<Record<string, unknown>>) =>
  world.console('POST', `/apps/${world[kind].id}${kind === 'chat' ? '/advanced-chat' : ''}/workflows/draft/run`, body);

/** straight imports a chatflow without a branch and runs its draft. */
const straight = async (world: World, answer: string, sums: boolean): Promise<unknown> => {
  const id = textAt(await world.imported(straightDsl({ dsl: world.dsl, name: 'contract straight', says: answer }, sums)), 'app_id');
  return story(await world.console('POST', `/apps/${id}/advanced-chat/workflows/draft/run`, { inputs: {}, query: 'good' }));
};

/** drafts are about an app's draft: reading, writing, running and exporting it. */
export const drafts: readonly Expectation[] = [
  {
    name: 'the fields of a draft',
    ask: async (world) => {
      const answer = await draft(world, world.flow.id);
      return { status: answer.status, fields: Object.keys(fieldsOf(answer.body)).sort() };
    },
  },
  {
    name: 'the variables of a draft',
    ask: async (world) => {
      const { environment_variables: environment, conversation_variables: conversation, version, marked_name: name, marked_comment: comment } = fieldsOf((await draft(world, world.chat.id)).body);
      return { environment, conversation, version, name, comment };
    },
  },
  {
    name: 'an app without a draft',
    ask: async (world) => {
      const created = await world.console('POST', '/apps', { name: 'contract empty', mode: 'workflow', icon_type: 'emoji', icon: '🤖', icon_background: '#FFFFFF', description: '' });
      const id = textAt(created, 'id');
      const answers = [
        world.plain(await draft(world, id)),
        world.plain(await world.console('POST', `/apps/${id}/workflows/publish`, {})),
        world.plain(await world.console('GET', `/apps/${id}/export?include_secret=false`)),
        world.plain(await world.console('POST', `/apps/${id}/workflows/draft/run`, { inputs: {} })),
      ];
      await world.console('DELETE', `/apps/${id}`);
      return answers;
    },
  },
  {
    name: 'a draft of an app that does not exist',
    ask: async (world) => world.plain(await draft(world, '00000000-0000-4000-8000-000000000000')),
  },
  { name: 'a draft written with a wrong hash', ask: async (world) => world.plain(await sync(world, { hash: 'x' })) },
  { name: 'a draft written without a hash', ask: async (world) => world.plain(await sync(world, { hash: undefined })) },
  { name: 'a draft written with its hash', ask: async (world) => world.plain(await sync(world, {})) },
  {
    name: 'a draft written without a graph',
    ask: async (world) => {
      const answer = await sync(world, { graph: undefined });
      return [answer.status, fieldsOf(answer.body)['code']];
    },
  },
  {
    name: 'an import keeps a hidden secret, takes a new one and blanks an empty one',
    ask: async (world) => {
      const seen: unknown[] = [];
      for (const secret of ['second-secret', '[__HIDDEN__]', '']) {
        const answer = await over(world, secret);
        seen.push(answer.status, await secretOf(world));
      }
      await over(world, 'first-secret');
      return seen;
    },
  },
  {
    name: 'the secrets of a draft in the clear',
    ask: async (world) => world.plain(await world.console('GET', `/apps/${world.flow.id}/workflows/draft/environment-variables`)),
  },
  {
    name: 'the hash does not count variables',
    ask: async (world) => {
      const before = textAt(await draft(world, world.bare.id), 'hash');
      await over(world, 'another');
      const after = textAt(await draft(world, world.bare.id), 'hash');
      await over(world, 'first-secret');
      return before === after;
    },
  },
  {
    name: 'an export blanks the secret',
    ask: async (world) => {
      const yaml = await exported(world, 'include_secret=false');
      return { secret: yaml.includes('first-secret'), id: yaml.includes(tokenId), version: yaml.includes(`version: ${world.dsl}`), says: /value: (one|two)/.exec(yaml)?.[1] };
    },
  },
  { name: 'an export with secrets', ask: async (world) => (await exported(world, 'include_secret=true')).includes('first-secret') },
  {
    name: 'an export of a chosen version',
    ask: async (world) => /value: (one|two)/.exec(await exported(world, `include_secret=false&workflow_id=${world.flow.first}`))?.[1],
  },
  {
    name: 'the icon in an export',
    ask: async (world) => {
      const written = iconOf(await exported(world, 'include_secret=false'));
      return written === icon || written === '"\\U0001F6DF"' ? 'kept' : written;
    },
  },
  {
    name: 'an export of a version that does not exist',
    ask: async (world) => {
      const answer = await world.console('GET', `/apps/${world.flow.id}/export?include_secret=false&workflow_id=00000000-0000-4000-8000-000000000000`);
      return answer.status === 200 ? 200 : world.plain(answer);
    },
  },
  {
    name: 'the features that a file leaves out',
    ask: async (world) => [await featuresOf(world, world.flow.id), await featuresOf(world, world.chat.id)],
  },
  {
    name: 'images as older files have them, and unknown features',
    ask: async (world) => {
      const yaml = workflowDsl({ dsl: world.dsl, name: 'contract features', says: 'x' });
      const older = '{file_upload: {image: {enabled: true, number_limits: 2, transfer_methods: [remote_url]}}, opening_statement: x, contract: {kept: true}}';
      const id = textAt(await world.imported(yaml.replace('features: {}', `features: ${older}`)), 'app_id');
      return featuresOf(world, id);
    },
  },
  {
    name: 'the features of a written draft',
    ask: async (world) => {
      const answer = await sync(world, { features: { text_to_speech: { enabled: true, voice: 'v' }, speech_to_text: {} } });
      const seen = await featuresOf(world, world.bare.id);
      await sync(world, { features: {} });
      return { status: answer.status, seen };
    },
  },
  { name: 'a draft run', ask: async (world) => story(await run(world, 'flow', { inputs: { word: 'good' } })) },
  { name: 'a draft run that fails', ask: async (world) => story(await run(world, 'flow', { inputs: { word: 'fail' } })) },
  {
    name: 'a draft run without an input',
    ask: async (world) => {
      const answer = await opening(world.server.origin, `/console/api/apps/${world.flow.id}/workflows/draft/run`, { inputs: {} }, world.session.headers, 1500);
      return answer.status === 200 ? story(answer) : world.plain(answer);
    },
  },
  {
    name: 'runs of the draft in the console',
    ask: async (world) => {
      const { data } = fieldsOf((await world.console('GET', `/apps/${world.flow.id}/workflow-runs?limit=1`)).body);
      return [data].flat().map((item) => Object.keys(fieldsOf(item)).sort());
    },
  },
  { name: 'a draft run of a chatflow', ask: async (world) => story(await run(world, 'chat', { inputs: {}, query: 'good' })) },
  { name: 'a draft run of a chatflow that fails', ask: async (world) => story(await run(world, 'chat', { inputs: {}, query: 'fail' })) },
  { name: 'a straight chatflow', ask: (world) => straight(world, 'answer: "first {{#sys.query#}}"', false) },
  { name: 'two answers in a row', ask: (world) => straight(world, 'answer: "first {{#sums.output#}}"', true) },
  {
    name: 'a draft run of the other mode',
    ask: async (world) => world.plain(await world.console('POST', `/apps/${world.flow.id}/advanced-chat/workflows/draft/run`, { inputs: {}, query: 'x' })),
  },
];
