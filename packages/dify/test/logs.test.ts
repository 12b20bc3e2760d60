import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startLabDify } from '@sluice/lab';
import { chatflow, sourceOf, type Dsl } from './dsl.ts';
import { careful, greeting, hello, madeIn, never, some, unknownId } from './fixtures.ts';
import { openHouse, problem, targetOf, value, type House } from './harness.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

const made = (dsl?: Dsl, publish?: boolean) => madeIn(house, dsl, publish);

describe('logs', () => {
  test('counts runs by version, with errors, and not those of the editor', async () => {
    const app = made();
    const source = sourceOf(greeting('next'));
    const target = await targetOf(house, app.appId, source);
    value(await target.deploy(source, careful));
    const next = value(await target.publish({ name: 'next', marks: {} }));
    house.lab.setFaults(app.appId, app.published, { errors: 1 });
    const ask = async (version: string, times: number) => {
      const opened = value(await target.open(version));
      for (let time = 0; time < times; time += 1) await opened.ask(hello, never);
    };
    const from = Date.now() - 1000;
    await ask(app.published ?? '', 3);
    await ask(next.id, 2);
    await ask('draft', 1);
    const arms = value(await some(target.logs).read([app.published ?? '', next.id], from, Date.now() + 2000));
    expect(arms).toMatchObject([
      { version: app.published, answers: 3, errors: 0 },
      { version: next.id, answers: 2, errors: 2 },
    ]);
    expect(arms[0]?.latenciesMs).toHaveLength(3);
    expect(arms[0]?.tokens.every((tokens) => tokens > 0)).toBe(true);
    const empty = value(await some(target.logs).read([next.id], from - 60_000, from - 30_000));
    expect(empty).toEqual([{ version: next.id, answers: 0, errors: 0, latenciesMs: [], tokens: [] }]);
    expect((await some(target.logs).read([unknownId], 0, 1))?.ok).toBe(false);
  });
});

test('runs are listed for people: the failed ones with their error, without what was asked or answered', async () => {
  const app = made();
  const target = await targetOf(house, app.appId, sourceOf(greeting('next')));
  value(await target.deploy(sourceOf(greeting('next')), careful));
  const next = value(await target.publish({ name: 'next', marks: {} }));
  house.lab.setFaults(app.appId, app.published, { errors: 1 });
  const window = { from: Date.now() - 1000, to: Date.now() + 60_000 };
  for (const version of [app.published ?? '', next.id, next.id, next.id]) {
    const opened = value(await target.open(version));
    await opened.ask(hello, never);
  }
  if (target.entries === undefined) throw new Error('no entries');
  const all = value(await target.entries({ ...window, failed: false, most: 10 }));
  expect([all.entries.length, all.more, all.entries.filter(({ failed }) => failed).length]).toEqual([4, false, 3]);
  expect(all.entries.some(({ text }) => text.includes(hello.query ?? 'no question'))).toBe(false);
  const failing = value(await target.entries({ ...window, failed: true, most: 2 }));
  expect(failing.more).toBe(true);
  expect(failing.entries).toEqual([expect.objectContaining({ version: next.id, failed: true }), expect.objectContaining({ version: next.id, failed: true })]);
  expect(failing.entries[0]?.text).toMatch(/^run \S+ failed after [\d.]+ m?s: ./);
  expect(value(await target.entries({ ...window, failed: true, most: 2, version: app.published ?? '' })).entries).toEqual([]);
});

test('runs of users that a release does not list are no evidence, and not zero', async () => {
  const lab = await startLabDify({ timeScale: 40, version: '1.9.1' });
  try {
    const old = { ...house, lab };
    const app = madeIn(old);
    const target = await targetOf(old, app.appId, sourceOf(chatflow()));
    const opened = value(await target.open(app.published ?? ''));
    expect(value(await opened.ask(hello, never)).failed).toBeUndefined();
    const refused = problem(await some(target.logs).read([app.published ?? ''], Date.now() - 60_000, Date.now() + 2000));
    expect(refused).toMatchObject({ category: 'evidence', reason: expect.stringContaining('Dify 1.9.1 lists no runs of users'), hint: expect.stringContaining('Update Dify') });
  } finally {
    await lab.close();
  }
});

describe('logs by pages', () => {
  const now = 1_800_000_000;
  const idOf = (one: number): string => `00000000-0000-4000-8000-${String(one).padStart(12, '0')}`;
  const run = (id: number, version: string, status: string, finished: number | null, created = finished ?? now) => ({
    id: idOf(id),
    version,
    status,
    elapsed_time: 1.5,
    total_tokens: 7,
    created_at: created,
    finished_at: finished,
  });

  /** readWith reads one arm from run lists of these pages; `VERSION` stands for the text of the live version. */
  const readWith = async (pages: readonly (readonly object[])[], errors: Readonly<Record<string, string>> = {}) => {
    const app = made();
    const version = value(await (await targetOf(house, app.appId, sourceOf(chatflow()))).inspect()).live?.name ?? '';
    const asked: string[] = [];
    const http: typeof house.http = {
      ...house.http,
      send: async (request) => {
        const path = /workflow-runs(.*)$/.exec(request.url)?.[1];
        if (path === undefined) return house.http.send(request);
        asked.push(path);
        const page = asked.filter((one) => one.startsWith('?')).length - 1;
        const list = { data: pages[page] ?? [], has_more: page < pages.length - 1, limit: 100 };
        const body = path.startsWith('/') ? { error: errors[path.slice(1)] ?? '' } : list;
        return { ok: true, value: { status: 200, headers: {}, text: JSON.stringify(body).replaceAll('VERSION', version), durationMs: 1 } };
      },
    };
    const target = await targetOf(house, app.appId, sourceOf(chatflow()), { http });
    const [arm] = value(await some(target.logs).read([app.published ?? ''], now * 1000 + 500, (now + 10) * 1000 + 900));
    return { arm, asked };
  };

  test('counts whole seconds that are over, and each run once', async () => {
    const { arm } = await readWith([
      [
        run(1, 'VERSION', 'succeeded', now + 10),
        run(2, 'VERSION', 'succeeded', now + 9),
        run(3, 'VERSION', 'succeeded', now),
        run(4, 'VERSION', 'succeeded', now - 1),
        run(5, 'VERSION', 'running', null),
        run(6, 'other', 'failed', now + 1),
      ],
    ]);
    expect(arm).toMatchObject({ answers: 2, errors: 0, latenciesMs: [1500, 1500], tokens: [7, 7] });
  });

  test('goes back by the last id, also to runs that began long before the window, and no further than a run can last', async () => {
    const { arm, asked } = await readWith([
      [run(1, 'VERSION', 'succeeded', now + 5, now + 4)],
      [run(2, 'VERSION', 'succeeded', now + 5, now - 1000)],
      [run(3, 'VERSION', 'succeeded', now + 5, now - 3601)],
      [run(4, 'VERSION', 'succeeded', now + 5, now - 9000)],
    ]);
    expect(arm?.answers).toBe(3);
    expect(asked).toEqual(['', `&last_id=${idOf(1)}`, `&last_id=${idOf(2)}`].map((rest) => `?triggered_from=app-run&limit=100${rest}`));
  });

  test('failures and what the engine stopped are errors, what a person stopped is not', async () => {
    const runs = ['failed', 'partial-succeeded', 'stopped', 'stopped', 'succeeded'].map((status, index) => run(index + 1, 'VERSION', status, now));
    const { arm } = await readWith([runs], { [idOf(3)]: 'Maximum execution time exceeded: 1200.01s > 1200s', [idOf(4)]: 'User requested stop' });
    expect(arm).toMatchObject({ answers: 5, errors: 3 });
  });
});
