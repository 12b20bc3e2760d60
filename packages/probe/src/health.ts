import { live, type Category, type Clock, type Opened, type Outcome, type Problem, type Reply, type Rung } from '@sluice/core';
import { askOnce, type FreshUser } from './ask.ts';
import { saidText } from './judge.ts';
import type { Probe } from './questions.ts';
import { settle } from './settle.ts';

/** Checked is one line of a health check. */
export interface Checked {
  readonly name: string;
  readonly passed: boolean;
  /** said is what was seen: a rung's sentence, an answer, or why it failed. It is untrusted text. */
  readonly said: string;
  readonly latencyMs: number;
}

/** HealthReport is a health check's verdict and what it rests on. */
export interface HealthReport {
  /** category is `passed`, `gate` for a bad answer, `evidence` when nothing was looked at, `cancelled` when the signal fired, or a problem's own. */
  readonly category: Category;
  readonly reason: string;
  readonly checked: readonly Checked[];
  /** version is the version that was meant; empty when no question was asked. */
  readonly version: string;
  /** how says by what means only that version answers. */
  readonly how: string;
  /** answeredBy are the versions that named themselves in their answers; empty when the platform does not say. */
  readonly answeredBy: readonly string[];
  readonly problem?: Problem;
}

/** HealthRequest is all that a health check needs. `opened` is absent when the version cannot be asked. */
export interface HealthRequest {
  readonly rungs: readonly Rung[];
  readonly opened?: Opened;
  readonly probes: readonly Probe[];
  /** meant is the version that must answer; the opened one when absent. For the users' own address give it, if it is known. */
  readonly meant?: string;
  /** settleMs is how long the first success may take; 0 asks no warming-up questions. */
  readonly settleMs: number;
  readonly clock: Clock;
  readonly freshUser: FreshUser;
  readonly signal: AbortSignal;
  log(line: string): void;
}

interface Seen {
  readonly checked: readonly Checked[];
  readonly answeredBy: readonly string[];
  readonly problem?: Problem;
}

const meantVersion = (request: HealthRequest): string =>
  request.meant ?? (request.opened === undefined || request.opened.version === live ? '' : request.opened.version);

const cutShort = (): Problem => ({ category: 'cancelled', reason: 'the run ended before the health check was done' });

/** climb runs the rungs from cheap to deep and stops at the first that fails: those above it would fail for the same cause. */
const climb = async (request: HealthRequest): Promise<Seen> => {
  const checked: Checked[] = [];
  for (const rung of request.rungs) {
    if (request.signal.aborted) return { checked, answeredBy: [], problem: cutShort() };
    const began = request.clock.elapsed();
    const result = await rung.run(request.signal);
    const latencyMs = request.clock.elapsed() - began;
    checked.push({ name: rung.name, passed: result.ok, said: result.ok ? result.value : result.problem.reason, latencyMs });
    if (!result.ok) return { checked, answeredBy: [], problem: result.problem };
  }
  return { checked, answeredBy: [] };
};

/** wrongVersion is the problem when an answer names another version than the one that was meant. */
const wrongVersion = (reply: Reply, meant: string): Problem | undefined =>
  meant === '' || reply.version === undefined || reply.version === meant
    ? undefined
    : {
        category: 'gate',
        reason: `version ${reply.version} answered, but version ${meant} was meant`,
        hint: 'Something else serves this address. Look at what is published and at the traffic split.',
      };

const problemOf = (reply: Outcome<Reply>, meant: string, probe: Probe): Problem | undefined => {
  if (!reply.ok) return reply.problem;
  if (reply.value.failed !== undefined) {
    return {
      category: 'gate',
      reason: reply.value.failed,
      tried: `ask ${probe.name}`,
      ...(reply.value.status === 0 ? {} : { answer: { status: reply.value.status } }),
    };
  }
  return wrongVersion(reply.value, meant);
};

/** interview asks every question once, also after a bad answer: which of them fail is what a person needs to know. */
const interview = async (request: HealthRequest, opened: Opened): Promise<Seen> => {
  const meant = meantVersion(request);
  const checked: Checked[] = [];
  const answeredBy = new Set<string>();
  const problems: Problem[] = [];
  for (const probe of request.probes) {
    if (request.signal.aborted) {
      problems.unshift(cutShort());
      break;
    }
    const began = request.clock.elapsed();
    const reply = await askOnce(opened, probe, request.freshUser(), request.signal);
    const problem = problemOf(reply, meant, probe);
    if (reply.ok && reply.value.version !== undefined) answeredBy.add(reply.value.version);
    checked.push({
      name: probe.name,
      passed: problem === undefined,
      said: problem?.reason ?? (reply.ok ? saidText(reply.value) : ''),
      latencyMs: reply.ok ? reply.value.latencyMs : request.clock.elapsed() - began,
    });
    if (problem !== undefined) problems.push(problem);
    if (!reply.ok) break;
  }
  const [first, ...others] = problems;
  return {
    checked,
    answeredBy: [...answeredBy],
    ...(first === undefined ? {} : { problem: others.length === 0 ? first : { ...first, others } }),
  };
};

const askAll = async (request: HealthRequest, opened: Opened): Promise<Seen> => {
  const [first] = request.probes;
  if (first === undefined || request.settleMs === 0) return interview(request, opened);
  const settled = await settle(opened, first, request);
  if (settled.ok) return interview(request, opened);
  return {
    checked: [{ name: 'settle', passed: false, said: settled.problem.reason, latencyMs: 0 }],
    answeredBy: [],
    problem: settled.problem,
  };
};

const nothingSeen: Problem = {
  category: 'evidence',
  reason: 'nothing was checked: there is no health check of this target, and no question was answered',
};

/** allOf counts what passed: all of it, since a health check that passes passed whole. */
const allOf = (count: number, noun: string): string => `${count} of ${count} ${noun}${count === 1 ? '' : 's'}`;

const passedReason = (request: HealthRequest, answers: number, answeredBy: readonly string[]): string => {
  const rungs = `${allOf(request.rungs.length, 'check')} passed`;
  if (request.opened === undefined || answers === 0) return `${rungs}; no question was asked`;
  const meant = meantVersion(request);
  const knows =
    answeredBy.length > 0
      ? `the answers name version ${answeredBy.join(', ')}`
      : `the answers name no version; ${request.opened.how}`;
  return `${rungs}, ${allOf(answers, 'question')} answered by version ${meant === '' ? request.opened.version : meant} (${knows})`;
};

/**
 * healthCheck runs the rungs, waits until the application answers steadily, and asks every question once. It fails closed:
 * no rung and no answer is `evidence`, and an answer from another version than the one meant is `gate`.
 */
export const healthCheck = async (request: HealthRequest): Promise<HealthReport> => {
  const climbed = await climb(request);
  const asked: Seen =
    climbed.problem !== undefined || request.opened === undefined ? { checked: [], answeredBy: [] } : await askAll(request, request.opened);
  const checked = [...climbed.checked, ...asked.checked];
  const problem = climbed.problem ?? asked.problem ?? (checked.length === 0 ? nothingSeen : undefined);
  return {
    category: problem?.category ?? 'passed',
    reason: problem?.reason ?? passedReason(request, asked.checked.length, asked.answeredBy),
    checked,
    version: request.opened === undefined ? '' : meantVersion(request) || request.opened.version,
    how: request.opened?.how ?? '',
    answeredBy: asked.answeredBy,
    ...(problem === undefined ? {} : { problem }),
  };
};
