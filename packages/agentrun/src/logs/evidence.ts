import { clause, done, durationText, failed, percentText, type Arm, type Logs, type Outcome, type Problem, type Split } from '@sluice/core';
import { findUsersEndpoint, requireRuntime, type AgentRunContext } from '../server/context.ts';
import { splitOf } from '../server/routing.ts';
import type { Runtime } from '../server/wire.ts';
import { searchLogs } from './log-service.ts';
import { wholeFunction } from './monitor.ts';
import { logPlaceOf, noLogs, type LogPlace } from './place.ts';
import { countRequests, requestQuery, type Counted } from './request-metrics.ts';
import { sampleRatioFault } from './sample-ratio.ts';

const turnOn = 'Turn on request metrics for the function, with its logs in Log Service, in the console of Function Compute.';

/** wholeText is CloudMonitor's word on the function, for people: it judges nothing. */
const wholeText = async (context: AgentRunContext, place: LogPlace, from: number, to: number): Promise<{ readonly text: string; readonly requests?: number }> => {
  const whole = await wholeFunction(context, place.functionName, from, to);
  if (!whole.ok) return { text: `CloudMonitor does not tell either: ${clause(whole.problem.reason)}` };
  const { requests, errors, slowestMinuteP90Ms } = whole.value;
  if (requests === 0) return { text: 'CloudMonitor has seen no request', requests };
  const slow = slowestMinuteP90Ms === undefined ? '' : `, nine in ten within ${durationText(slowestMinuteP90Ms)}`;
  return { text: `CloudMonitor, which does not tell versions apart, has seen ${requests} requests of all versions, ${percentText(errors / requests)} of them failed${slow}`, requests };
};

/** evidencePlace is where the logs of a runtime are, or the problem that says what to set. */
export const evidencePlace = (context: AgentRunContext, runtime: Runtime): Outcome<LogPlace> => {
  const place = logPlaceOf(context, runtime);
  if (place !== undefined) return done(place);
  return failed({ category: 'evidence', reason: noLogs, tried: 'find the logs', where: context.source.title, hint: 'Set agent.logConfig in s.yaml to auto, or to a project and a logstore, and deploy.' });
};

const placeOf = async (context: AgentRunContext): Promise<Outcome<LogPlace>> => {
  const runtime = await requireRuntime(context);
  return runtime.ok ? evidencePlace(context, runtime.value) : runtime;
};

interface Window {
  readonly from: number;
  readonly to: number;
}

/** nothing is the problem of a window without a request: it never counts as a window without errors. */
const nothing = async (context: AgentRunContext, place: LogPlace, { from, to }: Window): Promise<Outcome<never>> => {
  const whole = await wholeText(context, place, from, to);
  const off = whole.requests !== undefined && whole.requests > 0;
  return failed({
    category: 'evidence',
    reason: `log store "${place.logstore}" has no request of this window${off ? ': request metrics are off, or their rows come late' : ''}; ${whole.text}`,
    tried: 'count the requests of each version',
    where: `${place.project}/${place.logstore}`,
    hint: turnOn,
  });
};

const unusable = async (context: AgentRunContext, place: LogPlace, { from, to }: Window, problem: Problem): Promise<Outcome<never>> => {
  if (problem.category === 'cancelled') return failed(problem);
  const whole = await wholeText(context, place, from, to);
  return failed({ ...problem, reason: `${clause(problem.reason)}; ${whole.text}` });
};

/** Weighed is a candidate's weight that was seen at one moment. */
interface Weighed {
  readonly at: number;
  readonly candidate: string | undefined;
  readonly weight: number;
}

const weighedNow = async (context: AgentRunContext, runtimeId: string): Promise<Outcome<Weighed>> => {
  const at = context.clock.now();
  const endpoint = await findUsersEndpoint(context, runtimeId);
  if (!endpoint.ok) return endpoint;
  const split: Outcome<Split> = endpoint.value === undefined ? done({ stable: '', weight: 0 }) : splitOf(endpoint.value, context.weights);
  return split.ok ? done({ at, candidate: split.value.candidate, weight: split.value.weight }) : split;
};

/** ratioFault holds the counts against the weight, when that was the same before the window and after it. */
const ratioFault = (before: Weighed | undefined, after: Weighed, { from }: Window, { arms, told }: Counted): string | undefined => {
  const same = before !== undefined && before.at <= from && before.candidate === after.candidate && before.weight === after.weight;
  const [stable, candidate] = arms;
  if (!same || stable === undefined || candidate === undefined || candidate.version !== after.candidate) return undefined;
  return sampleRatioFault(after.weight, stable, candidate, !told);
};

/**
 * logReader reads how each version did from the request metrics that Function Compute writes to Log Service, one record
 * a request (facts: a request fails when the function fails or the status is 500 and above). What an agent reports inside
 * an answer of status 200 is not in them: probes judge that. A window without a request, or whose counts cannot belong
 * to the split, is no evidence.
 */
export const logReader = (context: AgentRunContext): Logs['read'] => {
  let found: LogPlace | undefined;
  let before: Weighed | undefined;
  const read = async (versions: readonly string[], window: Window): Promise<Outcome<readonly Arm[]>> => {
    const place = found === undefined ? await placeOf(context) : done(found);
    if (!place.ok) return place;
    found = place.value;
    const seconds = { from: Math.floor(window.from / 1000), to: Math.floor(window.to / 1000) };
    if (seconds.to <= seconds.from) return failed({ category: 'evidence', reason: 'the window is shorter than a second', tried: 'count the requests of each version' });
    const rows = await searchLogs(context, place.value, { query: requestQuery(place.value), ...seconds, tried: 'count the requests of each version' });
    if (!rows.ok) return unusable(context, place.value, window, rows.problem);
    const counted = countRequests(rows.value, versions);
    const where = `${place.value.project}/${place.value.logstore}`;
    if (typeof counted === 'string') return unusable(context, place.value, window, { category: 'evidence', reason: counted, tried: 'count the requests of each version', where });
    if (counted.requests === 0) return nothing(context, place.value, window);
    const after = await weighedNow(context, place.value.functionName.slice('agentrun-'.length));
    if (!after.ok) return after;
    const fault = ratioFault(before, after.value, window, counted);
    before = after.value.candidate === before?.candidate && after.value.weight === before?.weight ? before : after.value;
    if (fault === undefined) return done(counted.arms);
    return failed({ category: 'evidence', reason: fault, tried: 'hold the counts against the weight', where, hint: 'Look at the routing of the endpoint and at the field versionId of the request metrics.' });
  };
  return (versions, from, to) => read(versions, { from, to });
};
