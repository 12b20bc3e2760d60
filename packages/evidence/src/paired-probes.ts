import { done, draft, durationText, live, type Arm, type Clock, type EvidenceSource, type Observation, type Opened, type PairedAsk, type Reply } from '@sluice/core';
import { untilLate, within } from './within.ts';

/** PairedProbing is what paired probes need: both versions, the question, and how often it may be asked. */
export interface PairedProbing {
  readonly stable: Opened;
  readonly candidate: Opened;
  readonly ask: PairedAsk;
  readonly pairs: number;
  /** asked is how many of them earlier looks have used. */
  readonly asked: number;
  readonly pairsPerWindow: number;
  /** pairsAtOnce is how many pairs are under way at the same time at most. */
  readonly pairsAtOnce: number;
  /** pairsMs is how long pairs are asked, from the first one on; absent where something else ends them. */
  readonly pairsMs?: number;
  readonly clock: Clock;
}

/** PairedObservation is an observation whose values at one index come from the same question to both versions. */
export interface PairedObservation extends Observation {
  readonly paired: true;
}

interface Pair {
  readonly stable: Reply;
  readonly candidate: Reply;
}

/** answerMs bounds one answer, however it is streamed. */
const answerMs = 300_000;

/** overdue is the reply of a version that did not answer in time: whoever asked it got an error. */
const overdue: Reply = { failed: `no answer within ${durationText(answerMs)}`, text: '', outputs: {}, latencyMs: answerMs, status: 0 };

const askOne = async (probing: PairedProbing, opened: Opened, index: number, signal: AbortSignal): Promise<Reply | string> => {
  const asked = await within(probing.clock, answerMs, signal, (limited) => probing.ask(opened, index, limited));
  if (asked === undefined) return signal.aborted ? `asking ${opened.version} was cut off` : overdue;
  if (!asked.ok) return `${opened.version} could not be asked: ${asked.problem.reason}`;
  const { version } = asked.value;
  const named = opened.version !== draft && opened.version !== live;
  if (named && version !== undefined && version !== opened.version) return `${opened.version} was asked and ${version} answered`;
  return asked.value;
};

/** askPair asks both versions at the same time; who is asked first alternates. */
const askPair = async (probing: PairedProbing, index: number, signal: AbortSignal): Promise<Pair | string> => {
  const stableFirst = index % 2 === 0;
  const order = stableFirst ? [probing.stable, probing.candidate] : [probing.candidate, probing.stable];
  const replies = await Promise.all(order.map((opened) => askOne(probing, opened, index, signal)));
  const [stable, candidate] = stableFirst ? replies : replies.toReversed();
  if (typeof stable !== 'object') return stable ?? 'stable was not asked';
  if (typeof candidate !== 'object') return candidate ?? 'the candidate was not asked';
  // Then the way to both is as likely to blame as either version.
  if (stable === overdue && candidate === overdue) return `asking ${probing.stable.version} and ${probing.candidate.version} was cut off: neither gave an answer within ${durationText(answerMs)}`;
  return { stable, candidate };
};

/** both gives a value of both replies, for the pairs in which both answered and both values are known. */
const both = (pairs: readonly Pair[], value: (reply: Reply) => number | undefined): { readonly stable: number[]; readonly candidate: number[] } => {
  const stable: number[] = [];
  const candidate: number[] = [];
  for (const pair of pairs) {
    const values = [value(pair.stable), value(pair.candidate)] as const;
    const failed = pair.stable.failed !== undefined || pair.candidate.failed !== undefined;
    if (failed || values[0] === undefined || values[1] === undefined) continue;
    stable.push(values[0]);
    candidate.push(values[1]);
  }
  return { stable, candidate };
};

const countPairs = (probing: PairedProbing, pairs: readonly Pair[]): { readonly stable: Arm; readonly candidate: Arm } => {
  const latencies = both(pairs, (reply) => reply.latencyMs);
  const tokens = both(pairs, (reply) => reply.tokens);
  const arm = (name: 'stable' | 'candidate'): Arm => ({
    version: probing[name].version,
    answers: pairs.length,
    errors: pairs.filter((pair) => pair[name].failed !== undefined).length,
    latenciesMs: latencies[name],
    tokens: tokens[name],
  });
  return { stable: arm('stable'), candidate: arm('candidate') };
};

/** throttledStatus is how a platform says that it is asked too much. */
const throttledStatus = 429;
const throttledPauseMs = 2000;

/** throttled says whether the platform refused either question for the number of them. */
const throttled = ({ stable, candidate }: Pair): boolean => stable.status === throttledStatus || candidate.status === throttledStatus;

/** Lanes is how many pairs may be under way. It outlives a window: a platform that was asked too much is not tried again. */
interface Lanes {
  most: number;
}

/** Asking is one window's questions. */
interface Asking {
  readonly probing: PairedProbing;
  readonly lanes: Lanes;
  /** next is the index of the next pair; undefined when this window has no more. */
  next(): number | undefined;
  /** signal ends the window. */
  readonly signal: AbortSignal;
}

/**
 * askPairs asks until there is no next pair, several at a time, and gives the pairs in the order of their questions, or why
 * one could not be asked. Pairs that the signal has cut off are left out. So is a pair that the platform refused while
 * several were under way: that is due to this asking, and there is less of it from then on. What is refused when one pair
 * is asked at a time is an error of the version, as it is to its users.
 */
const askPairs = async ({ probing, lanes, next, signal }: Asking): Promise<readonly Pair[] | string> => {
  const over = new AbortController();
  const limited = AbortSignal.any([signal, over.signal]);
  const pairs = new Map<number, Pair>();
  let [flaw, refused] = ['', false];
  const lane = async (place: number): Promise<void> => {
    while (place < lanes.most && !limited.aborted) {
      const index = next();
      if (index === undefined) return;
      const together = lanes.most;
      const pair = await askPair(probing, index, limited);
      if (limited.aborted) return;
      if (typeof pair === 'string') {
        flaw = pair;
        over.abort();
      } else if (together > 1 && throttled(pair)) {
        refused = true;
        lanes.most = Math.min(lanes.most, Math.floor(together / 2));
        await probing.clock.sleep(throttledPauseMs, limited);
      } else pairs.set(index, pair);
    }
  };
  await Promise.all(Array.from({ length: lanes.most }, (_, place) => lane(place)));
  if (flaw === '' && refused && pairs.size === 0) return `the platform refused the questions of this look for their number (HTTP ${throttledStatus})`;
  return flaw !== '' ? flaw : [...pairs].toSorted(([one], [other]) => one - other).map(([, pair]) => pair);
};

const costText = ({ pairs, asked, pairsPerWindow, pairsAtOnce }: Pick<PairedProbing, 'pairs' | 'asked' | 'pairsPerWindow' | 'pairsAtOnce'>): string =>
  `at most ${pairs} pairs, so ${pairs * 2} answers, ${pairsPerWindow} pairs in a look and ${pairsAtOnce} at once${asked === 0 ? '' : `, ${asked} of them used before`}; what they cost in tokens is known after the first look`;

const name = 'paired probes';

/** spentProbes stand for paired probes whose pairs are all used: nothing is opened, nothing more is counted, and what was counted stays. */
export const spentProbes = (versions: { readonly stable: string; readonly candidate: string }, budget: Parameters<typeof costText>[0]): EvidenceSource => {
  const arm = (version: string): Arm => ({ version, answers: 0, errors: 0, latenciesMs: [], tokens: [] });
  return {
    name,
    unit: 'request',
    cost: costText(budget),
    observe: (from, to) =>
      Promise.resolve({ source: name, unit: 'request', from, to, stable: arm(versions.stable), candidate: arm(versions.candidate), asked: budget.asked, paired: true }),
    close: () => Promise.resolve(done(undefined)),
  };
};

/**
 * pairedProbes asks both versions the same questions, a few pairs in each window, until all pairs are used; from then on
 * it counts nothing more, which is no flaw of what was counted. Latencies and tokens are kept only of pairs in which both
 * versions answered, so that values at one index belong together. A version that does not answer within five minutes
 * while the other one does has failed that question. A window in which one version could not be asked, neither answered
 * in time, or another version answered is `missing` as a whole, and its pairs are used up: the number of pairs bounds the
 * cost. When the signal fires or the time is over, the pairs that are complete count.
 */
export const pairedProbes = (probing: PairedProbing): EvidenceSource => {
  const { clock, pairsMs } = probing;
  const lanes: Lanes = { most: Math.max(1, probing.pairsAtOnce) };
  let asked = probing.asked;
  let begun: number | undefined;

  const observe = async (from: number, to: number, signal: AbortSignal): Promise<PairedObservation> => {
    const seen = (pairs: readonly Pair[], missing?: string): PairedObservation => ({
      source: name,
      unit: 'request',
      from,
      to,
      ...countPairs(probing, pairs),
      asked,
      ...(missing === undefined ? {} : { missing }),
      paired: true,
    });
    const until = Math.min(probing.pairs, asked + probing.pairsPerWindow);
    const next = (): number | undefined => {
      if (asked >= until) return undefined;
      asked += 1;
      return asked - 1;
    };
    begun ??= clock.elapsed();
    const leftMs = pairsMs === undefined ? undefined : pairsMs - (clock.elapsed() - begun) * clock.factor;
    const pairs = await untilLate(clock, leftMs, signal, (limited) => askPairs({ probing, lanes, next, signal: limited }));
    if (typeof pairs === 'string') return seen([], pairs);
    return signal.aborted && pairs.length === 0 ? seen([], 'probing was cut off') : seen(pairs);
  };

  return {
    name,
    unit: 'request',
    cost: costText(probing),
    observe,
    close: async () => {
      const closed = await Promise.all([probing.stable.close(), probing.candidate.close()]);
      return closed.find(({ ok }) => !ok) ?? done(undefined);
    },
  };
};
