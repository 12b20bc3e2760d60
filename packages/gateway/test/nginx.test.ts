import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { done, failed, systemClock, type CommandAnswer, type Connection, type Outcome, type Split } from '@sluice/core';
import { startLabGateway, type LabGateway } from '@sluice/lab';
import { startServer, answerJson, type LabServer } from '../../lab/src/server.ts';
import { createNginxGateway, renderInclude, type PinnedApplication } from '../src/index.ts';
import { answering, connectionOf, gatewayOf, jumpingClock, memoryFiles } from './ports.ts';

const stable = '0b9c7a52-6a1f-4c1e-9d0a-3f1a2b3c4d5e';
const candidate = '018f3a52-6a1f-7c1e-9d0a-3f1a2b3c4d5e';
const nothing: Split = { stable: '', weight: 0 };
const pinned: Split = { stable, weight: 0 };
const share: Split = { stable, candidate, weight: 25 };
const bot: PinnedApplication = { application: 'support-bot', kind: 'chat' };

const rendered = (split: Split, application: PinnedApplication = bot): string => {
  const text = renderInclude(split, application);
  if (!text.ok) throw new Error(text.problem.reason);
  return text.value;
};

const page = (split: Split, application: PinnedApplication = bot): string => JSON.stringify({ format: 1, ...application, split });

describe('in front of a running gateway', () => {
  let dify: LabServer;
  beforeAll(async () => {
    dify = await startServer((request, response) => {
      const body = JSON.parse(request.body.toString('utf8')) as Record<string, unknown>;
      answerJson(response, 200, { path: request.path, workflow: body['workflow_id'] });
    });
  });
  afterAll(() => dify.close());

  const withLab = async (work: (lab: LabGateway, connection: Connection & { readonly lines: string[] }) => Promise<void>): Promise<void> => {
    const lab = await startLabGateway({ upstream: dify.origin });
    try {
      await work(lab, connectionOf({ clock: systemClock(20), commands: { run: async ({ argv }) => done(await lab.run(argv)) } }));
    } finally {
      await lab.close();
    }
  };

  const ask = async (origin: string, path: string, user: string): Promise<{ path: string; workflow?: string }> => {
    const body = JSON.stringify({ inputs: {}, query: 'hello', user, workflow_id: 'mine' });
    const answer = await fetch(`${origin}${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    return (await answer.json()) as { path: string; workflow?: string };
  };

  test('a split that a killed run has written and not loaded does not lie ready for the next reload', () =>
    withLab(async (lab, connection) => {
      const traffic = createNginxGateway({ ...bot, gateway: gatewayOf(lab.includeFile, `${lab.origin}/v1`), api: 'https://dify.example.com/v1', connection });
      expect(await traffic.set(nothing, pinned)).toMatchObject({ ok: true });
      expect(await connection.files.write(lab.includeFile, rendered(share))).toMatchObject({ ok: true });
      expect(await traffic.read()).toEqual(done({ split: pinned, reach: 'serving', ready: share }));
      expect(await traffic.set(pinned, pinned)).toEqual(done({ split: pinned, reach: 'serving' }));
      expect(await connection.files.read(lab.includeFile)).toEqual(done(rendered(pinned)));
    }));

  test('a chatflow goes from nothing pinned through a share to everybody and back', () =>
    withLab(async (lab, connection) => {
      const traffic = createNginxGateway({ ...bot, gateway: gatewayOf(lab.includeFile, `${lab.origin}/v1`), api: 'https://dify.example.com/v1', connection });
      expect(await traffic.read()).toEqual(done({ split: nothing, reach: 'configured' }));
      expect(connection.lines).toHaveLength(1);
      expect((await ask(lab.origin, '/v1/chat-messages', 'ada')).workflow).toBe('mine');

      expect(await traffic.set(nothing, pinned)).toEqual(done({ split: pinned, reach: 'serving' }));
      expect((await ask(lab.origin, '/v1/chat-messages', 'ada')).workflow).toBe(stable);

      expect(await traffic.set(pinned, share)).toEqual(done({ split: share, reach: 'serving' }));
      const users = Array.from({ length: 40 }, (_, index) => `user-${index}`);
      const first: (string | undefined)[] = [];
      for (const user of users) first.push((await ask(lab.origin, '/v1/chat-messages', user)).workflow);
      expect(new Set(first)).toEqual(new Set([stable, candidate]));
      expect(first.filter((version) => version === candidate).length).toBeLessThan(20);
      for (const user of users.slice(0, 10)) {
        expect((await ask(lab.origin, '/v1/chat-messages', user)).workflow).toBe(first[users.indexOf(user)]);
      }

      const all: Split = { stable, candidate, weight: 100 };
      expect(await traffic.set(share, all)).toEqual(done({ split: all, reach: 'serving' }));
      expect((await ask(lab.origin, '/v1/chat-messages', 'ada')).workflow).toBe(candidate);
      expect(await traffic.set(all, pinned)).toEqual(done({ split: pinned, reach: 'serving' }));
      expect(await traffic.read()).toEqual(done({ split: pinned, reach: 'serving' }));
      expect((await ask(lab.origin, '/v1/chat-messages', 'user-1')).workflow).toBe(stable);
    }));

  test('a workflow app is pinned by its path, at the address of the service API', () =>
    withLab(async (lab, connection) => {
      const traffic = createNginxGateway({ application: 'flow', kind: 'workflow', gateway: gatewayOf(lab.includeFile), api: `${lab.origin}/v1`, connection });
      expect((await traffic.set(nothing, pinned)).ok).toBe(true);
      expect(await ask(lab.origin, '/v1/workflows/run', 'ada')).toEqual({ path: `/v1/workflows/${stable}/run`, workflow: 'mine' });
    }));

  test('a split that somebody else changed is a conflict, and stays', () =>
    withLab(async (lab, connection) => {
      const options = { ...bot, gateway: gatewayOf(lab.includeFile, lab.origin), api: lab.origin, connection };
      const traffic = createNginxGateway(options);
      await traffic.set(nothing, pinned);
      const other: Split = { stable: candidate, weight: 0 };
      await createNginxGateway(options).set(pinned, other);
      expect(await traffic.set(pinned, share)).toMatchObject({ ok: false, problem: { category: 'conflict' } });
      expect(await traffic.read()).toEqual(done({ split: other, reach: 'serving' }));
    }));
});

describe('with scripted ports', () => {
  const traffic = (ports: Partial<Connection>, application: PinnedApplication = bot) =>
    createNginxGateway({
      ...application,
      gateway: gatewayOf('/etc/nginx/sluice/support-bot.conf', 'https://bot.example.com/v1'),
      api: 'https://dify.example.com/v1',
      connection: connectionOf({ clock: jumpingClock(), ...ports }),
    });
  const ended = (code: number, stderr = ''): Outcome<CommandAnswer> => done({ code, stdout: '', stderr });

  test('a dry run writes nothing', async () => {
    const files = memoryFiles(rendered(pinned));
    const set = await traffic({ files, readOnly: true, http: answering([200, page(pinned)]) }).set(pinned, share);
    expect(set).toMatchObject({ ok: false, problem: { category: 'defect' } });
    expect(files.texts).toHaveLength(1);
  });

  test.each([
    { name: 'nginx -t', refuse: 'nginx -t' },
    { name: 'the reload', refuse: 'nginx -s reload' },
  ])('the file of before comes back when $name refuses', async ({ refuse }) => {
    const before = rendered(pinned);
    const files = memoryFiles(before);
    const ran: string[] = [];
    const commands = {
      run: async ({ argv }: { readonly argv: readonly string[] }) => {
        ran.push(argv.join(' '));
        return argv.join(' ') === refuse ? ended(1, 'one\ntwo\nnginx: [emerg] no such thing\nnginx: test failed\n') : ended(0);
      },
    };
    const set = await traffic({ files, commands, http: answering([200, page(pinned)]) }).set(pinned, share);
    expect(set).toMatchObject({ ok: false, problem: { category: 'platform', answer: { message: expect.stringContaining('[emerg] no such thing') } } });
    expect(ran.at(-1)).toBe(refuse);
    expect(files.texts).toEqual([before, rendered(share), before]);
  });

  test('a first file that nginx refuses is replaced by one that pins nothing', async () => {
    const files = memoryFiles();
    const set = await traffic({ files, commands: { run: async () => ended(1, 'no') }, http: answering([404, '']) }).set(nothing, pinned);
    expect(set.ok).toBe(false);
    expect(files.texts).toEqual([rendered(pinned), rendered(nothing)]);
  });

  test('both problems are told when the file of before cannot be put back', async () => {
    let writes = 0;
    const files = {
      read: async () => done(rendered(pinned)),
      write: async () => {
        writes += 1;
        return writes === 1 ? done(undefined) : failed({ category: 'permission', reason: 'the disk is full' });
      },
    };
    const set = await traffic({ files, commands: { run: async () => ended(1, 'no') }, http: answering([200, page(pinned)]) }).set(pinned, share);
    expect(set).toMatchObject({ problem: { category: 'platform', others: [{ reason: expect.stringContaining('the disk is full') }] } });
  });

  test('a gateway that goes on serving the old split is a platform problem after 10 s', async () => {
    const clock = jumpingClock();
    const set = await traffic({ clock, files: memoryFiles(rendered(pinned)), http: answering([200, page(pinned)]) }).set(pinned, share);
    expect(set).toMatchObject({ ok: false, problem: { category: 'platform', where: 'https://bot.example.com/sluice/support-bot' } });
    expect(clock.elapsed()).toBeGreaterThan(9_000);
    expect(clock.elapsed()).toBeLessThanOrEqual(10_000);
  });

  test('a gateway that takes a moment is waited for', async () => {
    const clock = jumpingClock();
    const http = answering([200, page(pinned)], [502, ''], [200, page(pinned)], [200, page(share)]);
    const set = await traffic({ clock, files: memoryFiles(rendered(pinned)), http }).set(pinned, share);
    expect(set).toEqual(done({ split: share, reach: 'serving' }));
    expect(clock.elapsed()).toBe(6 * 200);
  });

  test('one old worker that still answers starts the readings again', async () => {
    const clock = jumpingClock();
    const http = answering([200, page(pinned)], ...Array.from({ length: 4 }, () => [200, page(share)] as const), [200, page(pinned)], [200, page(share)]);
    const set = await traffic({ clock, files: memoryFiles(rendered(pinned)), http }).set(pinned, share);
    expect(set.ok).toBe(true);
    expect(clock.elapsed()).toBe(9 * 200);
  });

  test('the gate closes, but does not open, while the gateway does not show its split', async () => {
    const opening = memoryFiles(rendered(pinned));
    const opened = await traffic({ files: opening, http: answering([404, '']) }).set(pinned, share);
    expect(opened).toMatchObject({ ok: false, problem: { category: 'platform' } });
    expect(opening.texts).toHaveLength(1);
    const closing = memoryFiles(rendered(share));
    const closed = await traffic({ files: closing, http: answering([404, '']) }).set(share, pinned);
    expect(closed).toMatchObject({ ok: false, problem: { category: 'platform' } });
    expect(closing.texts.at(-1)).toBe(rendered(pinned));
  });

  test.each([
    { name: 'a foreign file', text: 'user root;', category: 'input' },
    { name: "another application's file", text: rendered(pinned, { application: 'other', kind: 'chat' }), category: 'input' },
    { name: 'a file of the other kind', text: rendered(pinned, { application: 'support-bot', kind: 'workflow' }), category: 'input' },
    { name: 'a file that was changed by hand', text: rendered(pinned).replace(`default "${stable}"`, `default "${candidate}"`), category: 'conflict' },
  ])('$name is never replaced', async ({ text, category }) => {
    const files = memoryFiles(text);
    const set = await traffic({ files, http: answering([200, page(pinned)]) }).set(pinned, share);
    expect(set).toMatchObject({ ok: false, problem: { category } });
    expect(files.texts).toEqual([text]);
  });

  test.each([
    ['another application', page(pinned, { application: 'other', kind: 'chat' })],
    ['another kind', page(pinned, { application: 'support-bot', kind: 'workflow' })],
  ])('a gateway that serves %s is the wrong one', async (_, text) => {
    expect(await traffic({ http: answering([200, text]) }).read()).toMatchObject({ ok: false, problem: { category: 'input' } });
  });

  test.each([
    ['no such page', 404, '{}'],
    ['a page of something else', 200, '<html>'],
    ['a split that cannot be', 200, page({ stable: 'x', weight: 0 })],
  ])('%s is no evidence of what is served', async (_, status, text) => {
    const read = await traffic({ files: memoryFiles(rendered(pinned)), http: answering([status, text]) }).read();
    expect(read).toEqual(done({ split: pinned, reach: 'configured' }));
  });

  test('a split that nginx cannot serve is refused before anything is asked', async () => {
    const set = await traffic({ http: answering([500, '']) }).set(pinned, { stable, candidate, weight: 0.001 });
    expect(set).toMatchObject({ ok: false, problem: { category: 'input' } });
  });
});
