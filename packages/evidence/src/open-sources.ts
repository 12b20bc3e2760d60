import { done, failed, type EvidenceRequest, type EvidenceSource, type Opened, type Outcome } from '@sluice/core';
import { configuredSources, type EvidencePorts } from './configured.ts';
import { logsSource } from './logs.ts';
import { pairedProbes, spentProbes } from './paired-probes.ts';

/** openBoth opens both versions, or gives the reason why one could not be opened. */
const openBoth = async ({ target, stable, candidate }: EvidenceRequest): Promise<Outcome<readonly [Opened, Opened]>> => {
  const first = await target.open(stable);
  if (!first.ok) return first;
  const second = await target.open(candidate);
  if (second.ok) return done([first.value, second.value]);
  const closed = await first.value.close();
  return closed.ok ? second : failed({ ...second.problem, others: [closed.problem] });
};

/** silentSource stands for a source that could not be opened, so that the report names it. */
const silentSource = (name: string, request: EvidenceRequest, missing: string): EvidenceSource => {
  const arm = (version: string) => ({ version, answers: 0, errors: 0, latenciesMs: [], tokens: [] });
  return {
    name,
    unit: 'request',
    cost: '',
    observe: (from, to) =>
      Promise.resolve({ source: name, unit: 'request', from, to, stable: arm(request.stable), candidate: arm(request.candidate), missing }),
    close: () => Promise.resolve(done(undefined)),
  };
};

/**
 * openSources opens what can count both versions: where the target splits traffic its own logs and what sluice.yml
 * names, and paired probes where they are allowed and both versions can be asked. None is a problem of category
 * `evidence` with every reason.
 */
export const openSources = async (request: EvidenceRequest, ports: EvidencePorts): Promise<Outcome<EvidenceSource[]>> => {
  const { target, stable, candidate } = request;
  const { clock } = ports;
  const reasons: string[] = [];
  const sources: EvidenceSource[] = [];
  if (target.traffic !== undefined) {
    const configured = configuredSources(ports, request);
    if (!configured.ok) return configured;
    sources.push(...configured.value);
  } else if (ports.configured.length > 0) reasons.push('canary.evidence: no user meets the candidate where traffic is not split');
  if (target.logs === undefined) reasons.push(`logs: ${target.lacking.logs ?? 'the target has none'}`);
  else if (target.traffic === undefined) reasons.push('logs: no user meets the candidate where traffic is not split');
  else sources.push(logsSource(target.logs, stable, candidate, clock));

  if (request.pairs <= 0) reasons.push('paired probes: not allowed');
  else if (request.asked >= request.pairs) sources.push(spentProbes(request, request));
  else {
    const opened = await openBoth(request);
    if (opened.ok) {
      const [first, second] = opened.value;
      sources.push(pairedProbes({ ...request, stable: first, candidate: second, clock }));
    } else {
      const reason = [opened.problem, ...(opened.problem.others ?? [])].map((problem) => problem.reason).join('; ');
      reasons.push(`paired probes: ${reason}`);
      if (sources.length > 0) sources.push(silentSource('paired probes', request, reason));
    }
  }
  if (sources.length > 0) return done(sources);
  return failed({
    category: 'evidence',
    reason: `nothing could compare ${candidate} with ${stable}: ${reasons.join('; ')}`,
    tried: 'open the sources of evidence',
    hint: 'Allow paired probes (canary.pairs above 0) for a version that can be asked, or put a gateway with logs in front of the app.',
  });
};
