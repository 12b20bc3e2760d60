import { Agent } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Split } from '@sluice/core';
import { renderInclude } from '@sluice/gateway';
import { application, installed, startNginx, wait, type Nginx } from './nginx-program.ts';
import { armOf, forms, post, startUpstream, type Form, type Seen } from './recording-upstream.ts';

const stable = '0b9c7a52-6a1f-4c1e-9d0a-3f1a2b3c4d5e';
const candidate = '018f3a52-6a1f-7c1e-9d0a-3f1a2b3c4d5e';

/** reloads is how often nginx is reloaded in each test; docs/gateway-nginx.md was measured with 100. */
const reloads = Number(process.env['SLUICE_RELOADS'] ?? '6');
const callers = 16;

let upstream: Awaited<ReturnType<typeof startUpstream>>;
beforeAll(async () => {
  await installed();
  upstream = await startUpstream();
});
afterAll(() => upstream.close());

const textOf = (split: Split, { kind }: Form): string => {
  const text = renderInclude(split, { application, kind });
  if (!text.ok) throw new Error(text.problem.reason);
  return text.value;
};

/** Counts are how many requests ended how: `stable`, `candidate`, `reset`, or anything else that came back. */
type Counts = Readonly<Record<string, number>>;

/** load reloads nginx again and again while callers ask as fast as they are answered; each has one connection at a time, kept or of its own. */
const load = async (nginx: Nginx, { kind, path }: Form, keepAlive: boolean): Promise<Counts> => {
  const counts: Record<string, number> = {};
  const agent = new Agent({ keepAlive, maxSockets: callers });
  const names: Readonly<Record<string, string>> = { [stable]: 'stable', [candidate]: 'candidate' };
  let going = true;
  const caller = async (number: number): Promise<void> => {
    while (going) {
      const ended = await post(nginx.origin + path, `{"user":"user-${number}"}`, { agent }).then(
        ({ status, text }) => (status === 200 ? (names[armOf(kind, { stable, candidate }, JSON.parse(text) as Seen) ?? ''] ?? 'unpinned') : `status ${status}`),
        () => 'reset',
      );
      counts[ended] = (counts[ended] ?? 0) + 1;
    }
  };
  const calling = Array.from({ length: callers }, (_, number) => caller(number));
  for (let done = 0; done < reloads; done += 1) {
    await nginx.write(textOf({ stable, candidate, weight: done % 2 === 0 ? 50 : 0 }, { name: '', kind, path }));
    const { code } = await nginx.run('-s', 'reload');
    if (code !== 0) throw new Error('nginx refused to reload');
    await wait(250);
  }
  going = false;
  await Promise.all(calling);
  agent.destroy();
  return counts;
};

test.each(forms.flatMap((form) => [{ ...form, keepAlive: true }, { ...form, keepAlive: false }]))(
  'reloads under load: a $name, connections kept: $keepAlive',
  async ({ keepAlive, ...form }) => {
    const nginx = await startNginx({ upstream: upstream.origin, kind: form.kind, text: textOf({ stable, weight: 0 }, form) });
    try {
      const before = upstream.arrived();
      const { stable: first = 0, candidate: second = 0, reset = 0, ...others } = await load(nginx, form, keepAlive);
      process.stderr.write(`${form.name}, kept ${keepAlive}: ${reloads} reloads, ${first + second} answers, ${reset} resets\n`);
      expect(others).toEqual({});
      expect(first).toBeGreaterThan(0);
      expect(second).toBeGreaterThan(0);
      // A connection is hung up at most once in a reload, and what was hung up has not reached the upstream: it may be sent again.
      expect(reset).toBeLessThanOrEqual(callers * reloads);
      expect(upstream.arrived() - before).toBe(first + second);
    } finally {
      await nginx.close();
    }
  },
);
