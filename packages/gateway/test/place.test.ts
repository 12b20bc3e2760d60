import { describe, expect, test } from '@jest/globals';
import { configSchema, done, failed, type CommandAnswer, type CommandRequest, type Connection, type Outcome, type Split } from '@sluice/core';
import { createNginxGateway, renderInclude, type PinnedApplication } from '../src/index.ts';
import { answering, connectionOf, gatewayOf, jumpingClock } from './ports.ts';

const stable = '0b9c7a52-6a1f-4c1e-9d0a-3f1a2b3c4d5e';
const candidate = '018f3a52-6a1f-7c1e-9d0a-3f1a2b3c4d5e';
const pinned: Split = { stable, weight: 0 };
const share: Split = { stable, candidate, weight: 25 };
const bot: PinnedApplication = { application: 'support-bot', kind: 'chat' };
const include = '/etc/nginx/sluice/support-bot.conf';

const rendered = (split: Split): string => {
  const text = renderInclude(split, bot);
  if (!text.ok) throw new Error(text.problem.reason);
  return text.value;
};
const page = (split: Split): string => JSON.stringify({ format: 1, ...bot, split });

const ended = (code: number, stdout = '', stderr = ''): Outcome<CommandAnswer> => done({ code, stdout, stderr });

/** remote is a machine with an include file; `answer` may answer a command in its place, and `stored` change what a write leaves. */
const remote = (
  given: {
    readonly answer?: (request: CommandRequest, writes: number) => Outcome<CommandAnswer> | undefined;
    readonly stored?: (text: string) => string;
  } = {},
) => {
  const texts = [rendered(pinned)];
  const ran: string[] = [];
  const commands: Connection['commands'] = {
    run: async (request) => {
      const command = request.argv.slice(2).join(' ');
      ran.push(command);
      const answer = given.answer?.(request, texts.length - 1);
      if (command === `tee ${include}` && request.input !== undefined) texts.push((given.stored ?? ((text) => text))(request.input));
      if (answer !== undefined) return answer;
      return command === `cat ${include}` ? ended(0, texts.at(-1)) : ended(0, request.input ?? '');
    },
  };
  return { texts, ran, commands };
};

const traffic = (commands: Connection['commands'], ...answers: (readonly [number, string])[]) => {
  const configured = gatewayOf(include, 'https://bot.example.com/v1');
  const over = (...argv: string[]): string[] => ['ssh', 'gw', ...argv];
  const nginx = { ...configured.nginx, test: over('nginx', '-t'), reload: over('nginx', '-s', 'reload'), read: over('cat', include), write: over('tee', include) };
  const noFiles: Connection['files'] = { read: async () => failed({ category: 'defect', reason: 'the disk was read' }), write: async () => failed({ category: 'defect', reason: 'the disk was written' }) };
  const connection = connectionOf({ clock: jumpingClock(), commands, files: noFiles, http: answering(...answers) });
  return createNginxGateway({ ...bot, gateway: { ...configured, nginx }, api: 'https://dify.example.com/v1', connection });
};

describe('an include file on another machine', () => {
  test('is read, written, read back, tested and loaded by commands, and the disk here is left alone', async () => {
    const machine = remote();
    const set = await traffic(machine.commands, [200, page(pinned)], [200, page(share)]).set(pinned, share);
    expect(set).toEqual(done({ split: share, reach: 'serving' }));
    expect(machine.texts).toEqual([rendered(pinned), rendered(share)]);
    expect(machine.ran).toEqual([`cat ${include}`, `tee ${include}`, `cat ${include}`, 'nginx -t', 'nginx -s reload']);
  });

  test('is what is believed as configured where the gateway does not show its split', async () => {
    expect(await traffic(remote().commands, [404, '']).read()).toEqual(done({ split: pinned, reach: 'configured' }));
  });

  test.each<[string, Parameters<typeof remote>[0], RegExp]>([
    ['that cannot be reached', { answer: () => ended(255, '', 'ssh: connect to host gw port 22: Connection refused') }, /exit code 255: no connection/],
    ['that asks for a password until the deadline', { answer: () => failed({ category: 'timeout', reason: 'ssh did not end within 30s' }) }, /did not end within 30s/],
    ['without the file', { answer: ({ argv }) => (argv.includes('cat') ? ended(1, '', `cat: ${include}: No such file or directory`) : undefined) }, /"ssh gw cat .*" ended with exit code 1$/],
  ])('a machine %s is a problem with the words of the program, and nothing is written', async (_, given, said) => {
    const machine = remote(given);
    const set = await traffic(machine.commands, [200, page(pinned)]).set(pinned, share);
    expect(set).toMatchObject({ ok: false, problem: { reason: expect.stringMatching(said), tried: expect.stringContaining(include) } });
    expect(machine.texts).toEqual([rendered(pinned)]);
  });

  test('a write that fails half-way is put right, and nginx is not asked to load it', async () => {
    const machine = remote({
      stored: (text) => (text === rendered(share) ? text.slice(0, 100) : text),
      answer: ({ argv }, writes) => (argv.includes('tee') && writes === 0 ? ended(255, '', 'client_loop: send disconnect: Broken pipe') : undefined),
    });
    const set = await traffic(machine.commands, [200, page(pinned)]).set(pinned, share);
    expect(set).toMatchObject({ ok: false, problem: { category: 'platform', reason: expect.stringContaining('the include file of before was put back'), answer: { message: expect.stringContaining('Broken pipe') } } });
    expect(machine.texts.at(-1)).toBe(rendered(pinned));
    expect(machine.ran).not.toContain('nginx -t');
  });

  test('a file that reads otherwise than it was written is never loaded', async () => {
    const machine = remote({ stored: (text) => text.replaceAll('\n', '\r\n') });
    const set = await traffic(machine.commands, [200, page(pinned)]).set(pinned, share);
    expect(set).toMatchObject({ ok: false, problem: { category: 'platform', reason: expect.stringContaining('does not print what it was given'), others: [{ reason: expect.stringContaining('could not be put back') }] } });
    expect(machine.ran).not.toContain('nginx -s reload');
  });

  test('the file of before comes back when nginx refuses', async () => {
    const machine = remote({ answer: ({ argv }) => (argv.includes('-t') ? ended(1, '', 'nginx: [emerg] no such thing') : undefined) });
    const set = await traffic(machine.commands, [200, page(pinned)]).set(pinned, share);
    expect(set).toMatchObject({ ok: false, problem: { category: 'platform', answer: { message: 'nginx: [emerg] no such thing' } } });
    expect(machine.texts).toEqual([rendered(pinned), rendered(share), rendered(pinned)]);
  });
});

test.each([
  [{ read: ['cat'], write: ['tee'] }, true],
  [{}, true],
  [{ read: ['cat'] }, false],
  [{ write: ['tee'] }, false],
  [{ read: [], write: ['tee'] }, false],
])('sluice.yml gives read and write together or not at all: %j', (commands, good) => {
  const environments = { production: { dify: 'https://dify.example.com/app/5f6c', gateway: { nginx: { include, ...commands } } } };
  expect(configSchema.safeParse({ name: 'support-bot', source: 'app.yml', environments }).success).toBe(good);
});
