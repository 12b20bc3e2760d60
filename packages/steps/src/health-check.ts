import * as z from 'zod/mini';
import {
  defineStep,
  done,
  draft,
  endedBy,
  live,
  oneLine,
  type Opened,
  type Outcome,
  type Problem,
  type Rung,
  type StepContext,
  type StepEnding,
  type Target,
} from '@sluice/core';
import { healthCheck as checkHealth, type HealthReport } from '@sluice/probe';
import { commonInputs, text } from './inputs.ts';
import { addressOutput } from './outputs.ts';
import { healthConfig, newUsers, probesOf } from './questions.ts';

const inputs = z.strictObject({
  ...commonInputs,
  version: text('What to ask: `candidate` (deployed, not published), `live` (the address that users use) or a version id. Default: `live`.'),
});

const settleMs = 120_000;
/** longestExcerpt is how many characters of what an app says are shown. */
const longestExcerpt = 300;

/** liveVersion is the version that the users' address should serve to everybody; undefined while traffic is split. */
const liveVersion = async (target: Target): Promise<Outcome<string | undefined>> => {
  const split = await target.traffic?.read();
  if (split !== undefined) {
    if (!split.ok) return split;
    const { stable, weight } = split.value.split;
    if (weight > 0) return done(undefined);
    if (stable !== '') return done(stable);
  }
  const inspected = await target.inspect();
  return inspected.ok ? done(inspected.value.live?.id) : inspected;
};

const outputsOf = (report: HealthReport, address: string): Record<string, string> => ({
  address,
  version: report.version,
  'answered-by': report.answeredBy.join(','),
  checks: String(report.checked.length),
  'failed-checks': String(report.checked.filter((one) => !one.passed).length),
});

const shortened = ({ others, ...problem }: Problem, shown: (text: string) => string): Problem => ({
  ...problem,
  reason: shown(problem.reason),
  ...(others === undefined ? {} : { others: others.map((other) => shortened(other, shown)) }),
});

const ending = (report: HealthReport, address: string, shown: (text: string) => string): StepEnding => {
  const evidence = { how: report.how, checked: report.checked.map((one) => ({ ...one, latencyMs: Math.round(one.latencyMs) })) };
  const outputs = outputsOf(report, address);
  if (report.problem === undefined) return { category: report.category, reason: report.reason, outputs, evidence };
  return endedBy({ where: address, ...shortened(report.problem, shown) }, { outputs, evidence });
};

/** rungsFor leaves the target's own rungs out where a candidate is asked before anything is live: what they ask is made by the first release. */
const rungsFor = async (context: StepContext, target: Target, candidate: boolean): Promise<Outcome<readonly Rung[]>> => {
  if (!candidate) return done(target.checks());
  const inspected = await target.inspect();
  if (!inspected.ok) return inspected;
  if (inspected.value.live !== undefined) return done(target.checks());
  context.host.log('nothing is live yet, so only the candidate itself is asked');
  return done([]);
};

/** Asked is what a health check asks: an opened version, and the version that should answer, where that is known. */
interface Asked {
  readonly opened: Opened;
  readonly meant: string | undefined;
  readonly candidate: boolean;
}

/** askOpened asks an opened version the target's checks and the questions of sluice.yml, and says what was seen. */
export const askOpened = async (context: StepContext, target: Target, { opened, meant, candidate }: Asked): Promise<StepEnding> => {
  const source = await context.overlaid();
  if (!source.ok) return endedBy(source.problem);
  const probes = probesOf(context, source.value);
  if (!probes.ok) return endedBy(probes.problem);
  const rungs = await rungsFor(context, target, candidate);
  if (!rungs.ok) return endedBy(rungs.problem);
  // What an app says is cut to its length last: a cut can leave half a secret, which nothing recognises any more.
  const shown = (text: string): string => oneLine(context.host.redact(text), longestExcerpt);
  const found = await checkHealth({
    rungs: rungs.value,
    opened,
    probes: probes.value,
    ...(meant === undefined ? {} : { meant }),
    settleMs: healthConfig(context)?.settle ?? settleMs,
    clock: context.clock,
    freshUser: newUsers(),
    signal: context.signal,
    log: (line) => context.host.log(shown(line)),
  });
  const report = { ...found, checked: found.checked.map((one) => ({ ...one, said: shown(one.said) })) };
  for (const one of report.checked) context.host.log(`${one.passed ? 'ok' : 'failed'}: ${one.name}: ${one.said}`);
  return ending(report, target.address, shown);
};

/** healthCheck asks one version and says which it asked and how it knows. */
export const healthCheck = defineStep({
  name: 'health-check',
  summary: 'Ask one version of the running application, judge status, content and latency, and say which version answered.',
  inputs,
  outputs: {
    version: { description: 'Id of the version that was asked.', initial: '' },
    address: addressOutput,
    'answered-by': { description: 'Ids of the versions that named themselves in their answers.', initial: '' },
    checks: { description: 'Number of checks made.', initial: '0' },
    'failed-checks': { description: 'Number of checks that failed.', initial: '' },
  },
  offline: false,
  deadlineMs: 300_000,
  run: async (context, values) => {
    const target = await context.target();
    if (!target.ok) return endedBy(target.problem);
    const asked = values.version ?? live;
    const candidate = asked === 'candidate';
    if (candidate && target.value.lacking.openCandidate !== undefined) {
      return { category: 'skipped', reason: `the candidate cannot be asked: ${target.value.lacking.openCandidate}` };
    }
    if (candidate && context.dryRun) return { category: 'skipped', reason: 'dry run: nothing was deployed, so there is no candidate to ask' };
    const meant = asked === live ? await liveVersion(target.value) : done(undefined);
    if (!meant.ok) return endedBy(meant.problem);
    // A question is a run of the app with its cost and its effects, and the way to it may first have to be made.
    if (context.dryRun) return { category: 'skipped', reason: 'dry run: no question is asked', outputs: { version: meant.value ?? (asked === live ? '' : asked), address: target.value.address } };
    const opened = await target.value.open(candidate ? draft : asked);
    if (!opened.ok) return endedBy(opened.problem);
    context.host.log(`asking ${candidate ? 'the candidate' : asked}: ${opened.value.how}`);
    const ended = await askOpened(context, target.value, { opened: opened.value, meant: meant.value, candidate });
    const closed = await opened.value.close();
    if (!closed.ok) context.host.warn(`${opened.value.how} was not closed: ${closed.problem.reason}`);
    return ended;
  },
});
