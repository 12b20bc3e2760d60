import { fieldsOf, opening, type Answer } from '../caller.ts';
import type { Expectation } from '../expectation.ts';
import { eventsOf, masked, story } from '../masking.ts';
import type { World } from '../world.ts';

const run = (world: World, more: Readonly<Record<string, unknown>>, path = '/workflows/run'): Promise<Answer> =>
  world.service(world.flow, 'POST', path, { inputs: { word: 'good' }, user: 'contract', response_mode: 'blocking', ...more });

const talk = (world: World, more: Readonly<Record<string, unknown>>): Promise<Answer> =>
  world.service(world.chat, 'POST', '/chat-messages', { inputs: {}, query: 'good', user: 'contract', response_mode: 'blocking', ...more });

const key = (world: World, authorization: string | undefined): Promise<Answer> =>
  world.send('GET', '/v1/info', authorization === undefined ? {} : { headers: { authorization } });

const unknown = '00000000-0000-4000-8000-000000000000';

const spoken = (world: World, answer: Answer): unknown => {
  const { answer: text, mode, event } = fieldsOf(answer.body);
  return answer.status === 200 ? { status: 200, event, mode, text } : world.plain(answer);
};

/** ran is which version a run says that it was, and what came out. */
const ran = (world: World, answer: Answer): unknown => {
  const { workflow_id: id, status, outputs } = fieldsOf(fieldsOf(answer.body)['data']);
  return answer.status === 200 ? { status: 200, version: masked(id, world.names), run: status, outputs } : world.plain(answer);
};

const draftId = async (world: World): Promise<unknown> => fieldsOf((await world.console('GET', `/apps/${world.flow.id}/workflows/draft`)).body)['id'];

const usersRuns = async (world: World, path: string, app: string): Promise<unknown> => {
  const answer = await world.console('GET', `/apps/${app}${path}?triggered_from=app-run&limit=1`);
  const { data, ...page } = fieldsOf(answer.body);
  return { status: answer.status, page: Object.keys(page).sort(), fields: [data].flat().map((item) => Object.keys(fieldsOf(item)).sort()) };
};

/** service is the service API, where users call. */
export const service: readonly Expectation[] = [
  { name: 'no key', ask: async (world) => world.plain(await key(world, undefined)) },
  { name: 'a key without a scheme', ask: async (world) => world.plain(await key(world, world.flow.key)) },
  { name: 'another scheme', ask: async (world) => world.plain(await key(world, `Basic ${world.flow.key}`)) },
  { name: 'a key that does not exist', ask: async (world) => world.plain(await key(world, 'Bearer app-doesnotexistatallxxxxxxx')) },
  {
    name: 'GET /info',
    ask: async (world) => {
      const answer = await world.service(world.flow, 'GET', '/info');
      const { author_name: author, ...rest } = fieldsOf(answer.body);
      return { status: answer.status, rest, author: typeof author };
    },
  },
  {
    name: 'GET /parameters',
    ask: async (world) => {
      const answer = await world.service(world.flow, 'GET', '/parameters');
      const fields = fieldsOf(answer.body);
      return { status: answer.status, fields: Object.keys(fields).sort(), form: fields['user_input_form'] };
    },
  },
  {
    name: 'GET /parameters of a chatflow',
    ask: async (world) => {
      const { opening_statement: opening, user_input_form: form } = fieldsOf((await world.service(world.chat, 'GET', '/parameters')).body);
      return { opening, form };
    },
  },
  {
    name: 'GET /parameters before the first publication',
    ask: async (world) => world.plain(await world.service(world.bare, 'GET', '/parameters')),
  },
  { name: 'GET /meta', ask: async (world) => world.plain(await world.service(world.flow, 'GET', '/meta')) },
  {
    name: 'a run before the first publication',
    ask: async (world) => world.plain(await world.service(world.bare, 'POST', '/workflows/run', { inputs: { word: 'x' }, user: 'contract', response_mode: 'blocking' })),
  },
  { name: 'a blocking run', ask: async (world) => world.plain(await run(world, {})) },
  { name: 'a blocking run that fails', ask: async (world) => world.plain(await run(world, { inputs: { word: 'fail' } })) },
  { name: 'a streamed run', ask: async (world) => story(await run(world, { response_mode: 'streaming' })) },
  {
    name: 'a streamed run that fails',
    ask: async (world) => story(await run(world, { response_mode: 'streaming', inputs: { word: 'fail' } })),
  },
  {
    name: 'the start of a streamed run',
    ask: async (world) => {
      const start = eventsOf(await run(world, { response_mode: 'streaming' })).find(({ event }) => event === 'workflow_started');
      return masked(start?.fields ?? {}, world.names);
    },
  },
  {
    name: 'the end of a streamed run',
    ask: async (world) => {
      const end = eventsOf(await run(world, { response_mode: 'streaming' })).find(({ event }) => event === 'workflow_finished');
      return masked(end?.fields ?? {}, world.names);
    },
  },
  {
    name: 'the end of a streamed run that fails',
    ask: async (world) => {
      const end = eventsOf(await run(world, { response_mode: 'streaming', inputs: { word: 'fail' } })).find(({ event }) => event === 'workflow_finished');
      return masked(end?.fields ?? {}, world.names);
    },
  },
  { name: 'a run of a chosen version', ask: async (world) => ran(world, await run(world, {}, `/workflows/${world.flow.first}/run`)) },
  {
    name: 'a streamed run of a chosen version',
    ask: async (world) => {
      const answer = await run(world, { response_mode: 'streaming' }, `/workflows/${world.flow.first}/run`);
      if (answer.status !== 200) return world.plain(answer);
      const start = eventsOf(answer).find(({ event }) => event === 'workflow_started');
      return masked(fieldsOf(start?.fields['data'])['workflow_id'], world.names);
    },
  },
  { name: 'a run of a version that does not exist', ask: async (world) => world.plain(await run(world, {}, `/workflows/${unknown}/run`)) },
  { name: "a run of another app's version", ask: async (world) => world.plain(await run(world, {}, `/workflows/${world.chat.first}/run`)) },
  { name: 'a run of something that is no id', ask: async (world) => world.plain(await run(world, {}, '/workflows/nothing/run')) },
  { name: 'a run of the draft', ask: async (world) => world.plain(await run(world, {}, `/workflows/${String(await draftId(world))}/run`)) },
  { name: 'a run without a user', ask: async (world) => world.plain(await run(world, { user: undefined })) },
  { name: 'a run without inputs', ask: async (world) => world.plain(await run(world, { inputs: undefined })) },
  { name: 'a run without a required input', ask: async (world) => world.plain(await run(world, { inputs: {} })) },
  {
    name: 'a streamed run without a required input',
    ask: async (world) => {
      const answer = await opening(world.server.origin, '/v1/workflows/run', { inputs: {}, user: 'contract', response_mode: 'streaming' }, { authorization: `Bearer ${world.flow.key}` }, 1500);
      return answer.status === 200 ? story(answer) : world.plain(answer);
    },
  },
  {
    name: 'a run with an input that is too long',
    ask: async (world) => world.plain(await run(world, { inputs: { word: 'x'.repeat(21) } })),
  },
  { name: 'a run with a number for a text', ask: async (world) => world.plain(await run(world, { inputs: { word: 7 } })) },
  {
    name: 'a run with another response mode',
    ask: async (world) => {
      const answer = await run(world, { response_mode: 'later' });
      return [answer.status, fieldsOf(answer.body)['code']];
    },
  },
  { name: 'a run that is no JSON', ask: async (world) => world.plain(await world.service(world.flow, 'POST', '/workflows/run', '{')) },
  {
    name: 'a message to a workflow app',
    ask: async (world) => world.plain(await world.service(world.flow, 'POST', '/chat-messages', { inputs: {}, query: 'x', user: 'contract', response_mode: 'blocking' })),
  },
  {
    name: 'a run of a chatflow',
    ask: async (world) => world.plain(await world.service(world.chat, 'POST', '/workflows/run', { inputs: {}, user: 'contract', response_mode: 'blocking' })),
  },
  {
    name: 'a blocking message',
    ask: async (world) => {
      const answer = await talk(world, {});
      const { metadata, ...rest } = fieldsOf(answer.body);
      return { status: answer.status, rest: masked(rest, world.names), metadata: Object.keys(fieldsOf(metadata)).sort(), usage: Object.keys(fieldsOf(fieldsOf(metadata)['usage'])).sort() };
    },
  },
  { name: 'a blocking message that fails', ask: async (world) => world.plain(await talk(world, { query: 'fail' })) },
  { name: 'a streamed message', ask: async (world) => story(await talk(world, { response_mode: 'streaming' })) },
  { name: 'a streamed message that fails', ask: async (world) => story(await talk(world, { response_mode: 'streaming', query: 'fail' })) },
  {
    name: 'the text of a streamed message',
    ask: async (world) => eventsOf(await talk(world, { response_mode: 'streaming', query: 'good 好' })).filter(({ event }) => event === 'message').map(({ fields }) => String(fields['answer'])).join(''),
  },
  { name: 'a message to a chosen version', ask: async (world) => spoken(world, await talk(world, { workflow_id: world.chat.first })) },
  {
    name: 'a streamed message to a chosen version',
    ask: async (world) => {
      const start = eventsOf(await talk(world, { response_mode: 'streaming', workflow_id: world.chat.first })).find(({ event }) => event === 'workflow_started');
      return masked(fieldsOf(start?.fields['data'])['workflow_id'], world.names);
    },
  },
  { name: 'a message to a version that does not exist', ask: async (world) => spoken(world, await talk(world, { workflow_id: unknown })) },
  { name: 'a message to something that is no id', ask: async (world) => spoken(world, await talk(world, { workflow_id: 'nothing' })) },
  { name: 'a message without a query', ask: async (world) => world.plain(await talk(world, { query: undefined })) },
  {
    name: 'a message in a conversation that does not exist',
    ask: async (world) => world.plain(await talk(world, { conversation_id: unknown })),
  },
  {
    name: 'a message in something that is no conversation',
    ask: async (world) => world.plain(await talk(world, { conversation_id: 'nothing' })),
  },
  {
    name: 'a second message in a conversation',
    ask: async (world) => {
      const first = fieldsOf((await talk(world, {})).body)['conversation_id'];
      const second = fieldsOf((await talk(world, { conversation_id: first })).body);
      return [second['conversation_id'] === first, second['answer']];
    },
  },
  {
    name: 'the turns of a conversation',
    ask: async (world) => {
      const turn = async (more: Readonly<Record<string, unknown>>): Promise<{ readonly conversation: unknown; readonly count: number }> => {
        const start = eventsOf(await talk(world, { response_mode: 'streaming', ...more })).find(({ event }) => event === 'workflow_started');
        const inputs = fieldsOf(fieldsOf(start?.fields['data'])['inputs']);
        return { conversation: start?.fields['conversation_id'], count: Number(inputs['sys.dialogue_count']) };
      };
      const first = await turn({});
      const failed = await turn({ conversation_id: first.conversation, query: 'fail' });
      const third = await turn({ conversation_id: first.conversation });
      // A message that is still being written counts, too, so that real servers are one ahead now and then.
      return { first: first.count, second: failed.count > first.count, third: third.count >= first.count + 2 };
    },
  },
  {
    name: 'the log of a workflow app',
    ask: async (world) => {
      const answer = await world.service(world.flow, 'GET', '/workflows/logs?page=1&limit=1');
      const { data, total, ...page } = fieldsOf(answer.body);
      const [first] = [data].flat();
      return { status: answer.status, page, some: Number(total) > 0, fields: Object.keys(fieldsOf(first)).sort(), run: Object.keys(fieldsOf(fieldsOf(first)['workflow_run'])).sort() };
    },
  },
  {
    name: 'failed runs in the log',
    ask: async (world) => {
      const { data } = fieldsOf((await world.service(world.flow, 'GET', '/workflows/logs?page=1&limit=20&status=failed')).body);
      const found = [data].flat();
      return found.length > 0 && found.every((item) => fieldsOf(fieldsOf(item)['workflow_run'])['status'] === 'failed');
    },
  },
  {
    name: 'the log of a chatflow',
    ask: async (world) => world.plain(await world.service(world.chat, 'GET', '/workflows/logs?page=1&limit=1')),
  },
  {
    name: 'one run',
    ask: async (world) => {
      const id = fieldsOf(fieldsOf((await run(world, {})).body)['data'])['id'];
      return world.plain(await world.service(world.flow, 'GET', `/workflows/run/${String(id)}`));
    },
  },
  {
    name: 'a run that does not exist',
    ask: async (world) => world.plain(await world.service(world.flow, 'GET', `/workflows/run/${unknown}`)),
  },
  { name: "users' runs in the console", ask: (world) => usersRuns(world, '/workflow-runs', world.flow.id) },
  { name: "users' runs of a chatflow in the console", ask: (world) => usersRuns(world, '/advanced-chat/workflow-runs', world.chat.id) },
  {
    name: 'one run in the console',
    ask: async (world) => {
      const id = fieldsOf(fieldsOf((await run(world, { inputs: { word: 'fail' } })).body)['data'])['id'];
      const { graph: _, ...rest } = fieldsOf((await world.console('GET', `/apps/${world.flow.id}/workflow-runs/${String(id)}`)).body);
      return masked(rest, world.names);
    },
  },
];
