import { done, durationMs, failed, type Outcome } from '@sluice/core';

/** CandidateFaults make the new version of a rehearsal misbehave; the lab's knobs in the words of the command line. */
export interface CandidateFaults {
  readonly errors?: number;
  readonly wrong?: number;
  readonly latency?: number;
  readonly latencyMs?: number;
  readonly tokens?: number;
}

const shareOf = (value: string): number | undefined => {
  const share = Number(value);
  return value !== '' && share >= 0 && share <= 1 ? share : undefined;
};

const factorOf = (value: string): number | undefined => {
  const factor = Number(value);
  return value !== '' && factor > 0 && factor <= 1000 ? factor : undefined;
};

const latencyOf = (value: string): CandidateFaults | undefined => {
  const factor = factorOf(value);
  if (factor !== undefined) return { latency: factor };
  const added = /[a-z]$/.test(value) ? durationMs(value) : undefined;
  return added === undefined ? undefined : { latencyMs: added };
};

const named = <K extends keyof CandidateFaults>(key: K, value: number | undefined): CandidateFaults | undefined =>
  value === undefined ? undefined : { [key]: value };

const knobs: Readonly<Record<string, { readonly read: (value: string) => CandidateFaults | undefined; readonly form: string }>> = {
  errors: { read: (value) => named('errors', shareOf(value)), form: 'a share from 0 to 1, as in errors=0.2' },
  wrong: { read: (value) => named('wrong', shareOf(value)), form: 'a share from 0 to 1, as in wrong=0.3' },
  latency: { read: latencyOf, form: 'a factor, as in latency=2, or a time that is added, as in latency=300ms' },
  tokens: { read: (value) => named('tokens', factorOf(value)), form: 'a factor, as in tokens=2' },
};

const problem = (reason: string): Outcome<never> =>
  failed({
    category: 'input',
    reason,
    tried: 'read --candidate',
    hint: `Give one or more, with commas between: ${Object.values(knobs).map(({ form }) => form).join('; ')}.`,
  });

/** candidateFaults reads `errors=0.2,latency=2`. */
export const candidateFaults = (text: string): Outcome<CandidateFaults> => {
  let faults: CandidateFaults = {};
  for (const part of text.split(',').map((one) => one.trim())) {
    const [name = '', value = ''] = part.split('=', 2);
    const knob = knobs[name];
    if (knob === undefined) return problem(`--candidate does not know "${name}"`);
    const read = knob.read(value.trim());
    if (read === undefined) return problem(`--candidate: ${name} must be ${knob.form}, got "${value}"`);
    faults = { ...faults, ...read };
  }
  return done(faults);
};
