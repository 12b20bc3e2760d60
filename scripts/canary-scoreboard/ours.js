// Our own decisions, by the real code of the rollout room, minute by minute.
import { binomial } from './random.js';

const minuteMs = 60_000;
const deadlineMs = 2_820_000;
const versions = { stable: 'stable', candidate: 'candidate' };

const arm = (version, { n, x }) => ({ version, answers: n, errors: x, latenciesMs: [], tokens: [] });

const nothing = { stable: { n: 0, x: 0 }, candidate: { n: 0, x: 0 } };

const sum = (one, other) => ({ n: one.n + other.n, x: one.x + other.x });

const probe = (next, pairs, minute, failing) => ({
  stable: { n: pairs, x: binomial(next, pairs, failing('stable', minute)) },
  candidate: { n: pairs, x: binomial(next, pairs, failing('candidate', minute)) },
});

const units = { requests: 'request', sessions: 'session', users: 'user' };

/** ours makes a rule of settings: the canary block of sluice.yml, the unit that the source counts, and whether probes are sent. */
export const ours = ({ rollout, defaults }, { canary = {}, unit = 'requests', probes = false }) => {
  const made = rollout.planOf({ ...defaults, watch: ['errors'], ...canary, margins: { ...defaults.margins, ...canary.margins } }, true, deadlineMs);
  if (!made.ok) throw new Error(made.problem.reason);
  const plan = made.value;
  const sources = [{ name: 'logs', unit: units[unit] }, ...(probes ? [{ name: 'probes', unit: 'request' }] : [])];
  const starting = rollout.startRollout(plan, versions, sources, 0);
  return (scenario, users, next) => {
    let state = rollout.enterStage(starting, 0, 0, 0);
    let exposed = 0;
    let asked = 0;
    let held = 0;
    let unread = nothing;
    for (let minute = 1; minute <= deadlineMs / minuteMs; minute += 1) {
      const counts = users(minute, plan.weights[state.stage] / 100);
      exposed += counts.candidate.requests.n;
      // A source is asked from where it was counted last, as the driver does.
      unread = { stable: sum(unread.stable, counts.stable[unit]), candidate: sum(unread.candidate, counts.candidate[unit]) };
      const to = minute * minuteMs;
      const seen = [{ source: 'logs', unit: units[unit], from: state.sources.logs.until, to, stable: arm('stable', unread.stable), candidate: arm('candidate', unread.candidate) }];
      if (probes) {
        const pairs = Math.min(plan.pairsPerWindow, plan.pairs - asked);
        asked += pairs;
        const both = probe(next, pairs, minute, counts.failing);
        const missing = pairs === 0 ? { missing: 'all pairs are used' } : {};
        seen.push({ source: 'probes', unit: 'request', paired: true, from: state.sources.probes.until, to, stable: arm('stable', both.stable), candidate: arm('candidate', both.candidate), ...missing });
      }
      const decision = rollout.decide(plan, state, seen, minute * minuteMs);
      state = decision.state;
      if (state.sources.logs.until === to) unread = nothing;
      if (decision.verdict === 'raise') {
        unread = nothing;
        state = rollout.enterStage(state, state.stage + 1, minute * minuteMs, minute * minuteMs);
      } else if (decision.verdict === 'hold') held += minute * minuteMs - state.stageSince >= plan.bakeMs ? 1 : 0;
      else return { verdict: decision.verdict, minute, exposed, asked, held };
    }
    return { verdict: 'inconclusive', minute: deadlineMs / minuteMs, exposed, asked, held };
  };
};
