import { done, draft, durationText, live, type Arm, type Clock, type EvidenceSource, type Observation, type Opened, type PairedAsk, type Reply } from '@sluice/core';
import { within } from './within.ts';

/** PairedProbing is what paired probes need: both versions, the question, and how often it may be asked. */
export interface PairedProbing {
  readonly stable: Opened;
  readonly candidate: Opened;
  readonly ask: PairedAsk;
  readonly pairs: number;
  readonly pairsPerWindow: number;
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

/**
 * pairedProbes asks both versions the same questions, a few pairs in each window, until all pairs are used. Latencies
 * and tokens are kept only of pairs in which both versions answered, so that values at one index belong together. A
 * version that does not answer within five minutes while the other one does has failed that question. A window in which
 * one version could not be asked, neither answered in time, or another version answered is `missing` as a whole, and
 * its pairs are used up: the number of pairs bounds the cost.
 */
export const pairedProbes = (probing: PairedProbing): EvidenceSource => {
  const name = 'paired probes';
  let used = 0;

  const observe = async (from: number, to: number, signal: AbortSignal): Promise<PairedObservation> => {
    const seen = (pairs: readonly Pair[], missing?: string): PairedObservation => ({
      source: name,
      unit: 'request',
      from,
      to,
      ...countPairs(probing, pairs),
      ...(missing === undefined ? {} : { missing }),
      paired: true,
    });
    const wanted = Math.min(probing.pairsPerWindow, probing.pairs - used);
    if (wanted <= 0) return seen([], `all ${probing.pairs} pairs are used`);
    const pairs: Pair[] = [];
    for (let count = 0; count < wanted; count += 1) {
      const index = used;
      used += 1;
      const pair = signal.aborted ? 'probing was cut off' : await askPair(probing, index, signal);
      if (typeof pair === 'string') return seen([], pair);
      pairs.push(pair);
    }
    return seen(pairs);
  };

  return {
    name,
    unit: 'request',
    cost: `at most ${probing.pairs} pairs of answers, ${probing.pairsPerWindow} in a window`,
    observe,
    close: async () => {
      const closed = await Promise.all([probing.stable.close(), probing.candidate.close()]);
      return closed.find(({ ok }) => !ok) ?? done(undefined);
    },
  };
};
