// Our own rollouts, minute by minute, judged by one of two judges: the product's decide, or the quick one.
import { binomial } from './random.js';

const minuteMs = 60_000;
const deadlineMs = 2_820_000;

const units = { requests: 'request', sessions: 'session', users: 'user' };

const probe = (next, pairs, minute, failing) => ({
  stable: { n: pairs, x: binomial(next, pairs, failing('stable', minute)) },
  candidate: { n: pairs, x: binomial(next, pairs, failing('candidate', minute)) },
});

const shifting = (plan, sources, judge, unit) => (users, next) => {
  let exposed = 0;
  let asked = 0;
  let held = 0;
  let stage = 0;
  let since = 0;
  const look = judge(plan, sources);
  for (let minute = 1; minute <= deadlineMs / minuteMs; minute += 1) {
    const counts = users(minute, plan.weights[stage] / 100);
    exposed += counts.candidate.requests.n;
    const pairs = sources.length === 1 ? 0 : Math.min(plan.pairsPerWindow, plan.pairs - asked);
    asked += pairs;
    const seen = { stable: counts.stable[unit], candidate: counts.candidate[unit] };
    const verdict = look(sources.length === 1 ? [seen] : [seen, probe(next, pairs, minute, counts.failing)], minute * minuteMs);
    if (verdict === 'raise') {
      stage += 1;
      since = minute;
    } else if (verdict === 'hold') held += (minute - since) * minuteMs >= plan.bakeMs ? 1 : 0;
    else return { verdict, minute, exposed, asked, held };
  }
  return { verdict: 'inconclusive', minute: deadlineMs / minuteMs, exposed, asked, held };
};

/** besideUsers judges on paired answers alone; a window is a look. */
const besideUsers = (plan, sources, judge) => (users, next) => {
  const { failing } = users(1, 0);
  const look = judge(plan, sources);
  for (let window = 1, asked = 0; ; window += 1) {
    const pairs = Math.min(plan.pairsPerWindow, plan.pairs - asked);
    asked += pairs;
    const verdict = look([probe(next, pairs, window, failing)], window);
    if (verdict !== 'hold') return { verdict, minute: window, exposed: 0, asked, held: 0 };
  }
};

/** planOf is the plan of settings: the canary block of sluice.yml, and whether traffic can be split. */
export const planOf = ({ rollout, defaults }, { canary = {}, split = true }) => {
  const made = rollout.planOf({ ...defaults, watch: ['errors'], ...canary, margins: { ...defaults.margins, ...canary.margins } }, split, deadlineMs);
  if (!made.ok) throw new Error(made.problem.reason);
  return made.value;
};

/** ours makes a rule of settings: a plan, the unit that the source counts, and whether probes are sent. */
export const ours = (room, judge, settings) => {
  const { unit = 'requests', probes = false, split = true } = settings;
  const plan = planOf(room, settings);
  const pairs = { name: 'probes', unit: 'request', paired: true };
  if (!split) return besideUsers(plan, [pairs], judge);
  return shifting(plan, [{ name: 'logs', unit: units[unit], paired: false }, ...(probes ? [pairs] : [])], judge, unit);
};
