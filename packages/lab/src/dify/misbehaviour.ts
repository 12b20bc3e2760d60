import { Share, type Faults } from '../faults.ts';

/** Conduct is how one request goes wrong, decided before it is served. */
export interface Conduct {
  readonly throttled: boolean;
  readonly dropped: boolean;
  readonly failing: boolean;
  readonly wrong: boolean;
  readonly latency: number;
  readonly latencyMs: number;
  readonly firstTokenMs: number;
  readonly tokens: number;
}

const good: Conduct = { throttled: false, dropped: false, failing: false, wrong: false, latency: 1, latencyMs: 0, firstTokenMs: 0, tokens: 1 };

type Knob = 'throttled' | 'dropped' | 'errors' | 'wrong';

interface Bad {
  readonly except: string | undefined;
  readonly faults: Faults;
  readonly shares: Map<string, Share>;
}

/** Misbehaviour keeps each app's faults and counts, for every version and knob apart, so that shares come out exactly. */
export class Misbehaviour {
  readonly #apps = new Map<string, Bad>();

  /** set makes every content but one misbehave from now on, with fresh counters: a restored copy of a good version is good. */
  set(appId: string, except: string | undefined, faults: Faults): void {
    this.#apps.set(appId, { except, faults, shares: new Map() });
  }

  /** next decides about the next request to a version, whose content is asked for only where an app misbehaves. A refused request does not count for the other knobs. */
  next(appId: string, version: string, content: () => string): Conduct {
    const bad = this.#apps.get(appId);
    if (bad === undefined || bad.except === content()) return good;
    const hits = (knob: Knob): boolean => {
      const name = `${version} ${knob}`;
      const share = bad.shares.get(name) ?? new Share(bad.faults[knob] ?? 0);
      bad.shares.set(name, share);
      return share.next();
    };
    const { latency = 1, latencyMs = 0, firstTokenMs = 0, tokens = 1 } = bad.faults;
    if (hits('throttled')) return { ...good, throttled: true };
    return { throttled: false, dropped: hits('dropped'), failing: hits('errors'), wrong: hits('wrong'), latency, latencyMs, firstTokenMs, tokens };
  }
}
