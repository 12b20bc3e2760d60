import { expect } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { Page, Rule, Seen, Verdict } from './fault-proxy.ts';
import type { Ended } from './sluice-process.ts';
import type { Document } from './lab-project.ts';

/** Ends is how a run has to end. */
export interface Ends {
  readonly code: number;
  /** says is found in the reason or in the server's answer, which the log shows; hint in what to do next. */
  readonly says?: RegExp;
  readonly hint?: RegExp;
}

/** Ran is a run of the bundle with its result document; without one the run has left none. */
export type Ran = Ended & { readonly document: Partial<Document> };

/** seenOf is how a run ended: its exit code, the reason with the server's own words, which the log shows, and what to do next. */
export const seenOf = ({ code, document, stderr }: Ran) => ({
  code,
  says: [document.reason ?? stderr, ...(stderr.match(/^ *answer: .*$/gm) ?? [])].join('\n'),
  hint: document.hint ?? '',
});

/** expectedOf is what seenOf gives of a run that ends as it has to. */
export const expectedOf = ({ code, says, hint }: Ends) => ({
  code,
  says: says === undefined ? expect.any(String) : expect.stringMatching(says),
  hint: hint === undefined ? expect.any(String) : expect.stringMatching(hint),
});

type RuleFor<Scene> = (scene: Scene) => Rule;

/** Verdicts makes rules for the requests whose lines fit a pattern. */
export interface Verdicts<Scene> {
  /** every does the same to each request that fits. */
  every(pattern: RegExp, verdict: Verdict): RuleFor<Scene>;
  /** once does it to the first that fits. */
  once(pattern: RegExp, verdict: Verdict): RuleFor<Scene>;
  /** from does `verdict` to the first that fits, and `then` to all that come later and fit `later`. */
  from(pattern: RegExp, verdict: Verdict, then: Verdict, later?: RegExp): RuleFor<Scene>;
  /** doing lets something happen on the server before the first request that fits is handed on. */
  doing(pattern: RegExp, act: (scene: Scene) => Promise<void> | void): RuleFor<Scene>;
}

/** verdictsBy makes rules by the lines that name a scene's requests. */
export const verdictsBy = <Scene>(lineOf: (scene: Scene, seen: Seen) => string): Verdicts<Scene> => ({
  every: (pattern, verdict) => (scene) => (seen) => (pattern.test(lineOf(scene, seen)) ? verdict : 'pass'),
  once: (pattern, verdict) => (scene) => {
    let done = false;
    return (seen) => {
      if (done || !pattern.test(lineOf(scene, seen))) return 'pass';
      done = true;
      return verdict;
    };
  },
  from: (pattern, verdict, then, later = /./) => (scene) => {
    let begun = false;
    return (seen) => {
      const line = lineOf(scene, seen);
      if (begun) return later.test(line) ? then : 'pass';
      begun = pattern.test(line);
      return begun ? verdict : 'pass';
    };
  },
  doing: (pattern, act) => (scene) => {
    let acted = false;
    return async (seen): Promise<Verdict> => {
      if (!acted && pattern.test(lineOf(scene, seen))) {
        acted = true;
        await act(scene);
      }
      return 'pass';
    };
  },
});

/** json and html are answers in the server's place; `done` ones come after the server has carried the request out. */
export const json = (status: number, body: object, more: Partial<Page> = {}): Page => ({ status, body: JSON.stringify(body), ...more });
export const html = (status: number, more: Partial<Page> = {}): Page => ({ status, body: `<html><head><title>${status} 网关</title></head><body>nginx</body></html>`, headers: { 'content-type': 'text/html' }, ...more });
export const done = { forwarded: true } as const;

/** torn is JSON that breaks off, with the length that was announced. */
export const torn: Page = { status: 200, body: '{"id": "4d2c7f0e-1d51-4b0e-8b64-1d3a36a1f001", "status": "compl' };

/** bomb is 50 MB of one character in an encoding that was not asked for. */
export const bomb: Page = { status: 200, body: gzipSync(Buffer.alloc(50 * 1024 * 1024, '[')), headers: { 'content-encoding': 'gzip' } };

/** huge sends 100 MB of JSON that never ends, for as long as somebody reads it. */
export const huge = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json' });
  const piece = Buffer.alloc(1024 * 1024, '[');
  let sent = 0;
  const more = (): void => {
    while (sent < 100 && !response.destroyed) {
      sent += 1;
      if (!response.write(piece)) {
        response.once('drain', more);
        return;
      }
    }
    if (!response.destroyed) response.end();
  };
  more();
};

/** events begins a stream with a text; then it is cut, ends, or brings pings for ever. */
export const events = (text: string, end: 'cut' | 'ended' | 'pings') => (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(text);
  if (end === 'ended') response.end();
  if (end === 'cut') setTimeout(() => response.destroy(), 5);
  if (end !== 'pings') return;
  const timer = setInterval(() => response.write('event: ping\n\n'), 100);
  response.on('close', () => clearInterval(timer));
};

/** isWrite says whether a request may change something. */
const isWrite = (line: string): boolean => !line.startsWith('GET ');

/** killsIn are the requests after which a run is killed, from 1: each that changes something and what follows it, or with SLUICE_EVERY_KILL=1 all. */
export const killsIn = (lines: readonly string[], changes = isWrite): readonly number[] => {
  const all = lines.map((_line, index) => index + 1);
  if (process.env['SLUICE_EVERY_KILL'] === '1') return all;
  const does = (line: string | undefined): boolean => line !== undefined && changes(line);
  return all.filter((k) => lines[k - 1] !== lines[k - 2] && (does(lines[k - 1]) || does(lines[k - 2])));
};

/** inTurn does the same for all of a list, some at once. */
export const inTurn = async <T, R>(list: readonly T[], atOnce: number, act: (item: T) => Promise<R>): Promise<readonly R[]> => {
  const left = [...list.entries()];
  const results: R[] = [];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) results[next[0]] = await act(next[1]);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
};
