import type { Opened, Outcome, PairedAsk, Reply } from '@sluice/core';
import { done, failed } from '@sluice/core';
import { judge } from './judge.ts';
import type { Probe } from './questions.ts';

/** FreshUser gives the id of a user that never asked before, so that no session and no stickiness is inherited. */
export type FreshUser = () => string;

/** freshUsers makes ids such as `sluice-probe-1f0c9a52b7e4d803` from a source of random bytes, as `crypto.randomBytes` is. */
export const freshUsers =
  (randomBytes: (count: number) => Uint8Array): FreshUser =>
  () =>
    `sluice-probe-${Buffer.from(randomBytes(8)).toString('hex')}`;

/** askOnce asks one opened version one question, blocking, and judges the reply. A problem means it could not be asked. */
export const askOnce = async (opened: Opened, probe: Probe, user: string, signal: AbortSignal): Promise<Outcome<Reply>> => {
  const reply = await opened.ask(
    { ...(probe.query === undefined ? {} : { query: probe.query }), inputs: probe.inputs, user, streaming: false },
    signal,
  );
  return reply.ok ? done(judge(reply.value, probe.expectation, probe.query === undefined ? 'inputs' : 'query')) : reply;
};

/** pairedAsk asks the questions in turn, so that the same index puts the same question to both arms, each time as a fresh user. */
export const pairedAsk =
  (probes: readonly Probe[], freshUser: FreshUser): PairedAsk =>
  async (opened, index, signal) => {
    const probe = probes[index % probes.length];
    if (probe === undefined) return failed({ category: 'evidence', reason: 'there is no question to ask' });
    return askOnce(opened, probe, freshUser(), signal);
  };
