import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dialect } from './dialect.ts';
import type { Importer } from './importer.ts';
import { Misbehaviour } from './misbehaviour.ts';
import type { Sessions } from './sessions.ts';
import type { App, Store } from './store.ts';
import type { Workspace } from './workspace.ts';

/** State is all that one running lab remembers besides its apps. */
export class State {
  readonly dialect: Dialect;
  readonly store: Store;
  readonly sessions: Sessions;
  readonly importer: Importer;
  readonly workspace: Workspace;
  readonly usualLatencyMs: number;
  readonly misbehaviour = new Misbehaviour();
  /** standIns are the names of nodes that answered with a stand-in, in the order of their first answer. */
  readonly standIns = new Set<string>();
  /** tasks are the runs that can be stopped, by task id. */
  readonly tasks = new Map<string, AbortController>();
  readonly #served = new Map<string, Map<string, number>>();
  readonly #closing = new AbortController();
  readonly #timeScale: number;
  #seed = 0x5eed;

  constructor(parts: {
    readonly dialect: Dialect;
    readonly store: Store;
    readonly sessions: Sessions;
    readonly importer: Importer;
    readonly workspace: Workspace;
    readonly usualLatencyMs: number;
    readonly timeScale: number;
  }) {
    this.dialect = parts.dialect;
    this.store = parts.store;
    this.sessions = parts.sessions;
    this.importer = parts.importer;
    this.workspace = parts.workspace;
    this.usualLatencyMs = parts.usualLatencyMs;
    this.#timeScale = parts.timeScale;
  }

  /** pingMs is how often an open stream says that it lives: ten seconds in Dify. */
  get pingMs(): number {
    return 10_000 / this.#timeScale;
  }

  /** wait lets compressed time pass; it ends early when the task is stopped or the lab closes. */
  async wait(milliseconds: number, stop: AbortSignal): Promise<void> {
    const scaled = milliseconds / this.#timeScale;
    if (scaled <= 0 || stop.aborted || this.#closing.signal.aborted) return;
    const signal = AbortSignal.any([stop, this.#closing.signal]);
    // The only way for this timer to fail is its own signal, and then the wait is over.
    await sleep(scaled, undefined, { signal }).catch(() => undefined);
  }

  /** jitter is the next factor between 0.8 and 1.2 of a fixed series (mulberry32). */
  jitter(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return 0.8 + (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * 0.4;
  }

  /** countServed remembers that a version has answered one service-API run. */
  countServed(app: App, version: string): void {
    const counts = this.#served.get(app.id) ?? new Map<string, number>();
    counts.set(version, (counts.get(version) ?? 0) + 1);
    this.#served.set(app.id, counts);
  }

  servedBy(appId: string): Record<string, number> {
    return Object.fromEntries(this.#served.get(appId) ?? []);
  }

  /** endUserId is the platform's id of an end user, the same for the same name in the same app. */
  endUserId(app: App, user: string): string {
    const hex = createHash('sha256').update(`${app.id}\n${user}`).digest('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  }

  /** shut ends all waits, so that open requests finish at once. */
  shut(): void {
    this.#closing.abort();
  }
}
