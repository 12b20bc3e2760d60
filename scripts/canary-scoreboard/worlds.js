// What users do: requests a minute, which of them fail, and how errors come together.
import { binomial, poisson } from './random.js';

const outage = { from: 12, to: 17, share: 0.25 };

/** spreadOf says over how many minutes a session of a size goes, four requests a minute. */
const spreadOf = (size) => Math.max(1, Math.ceil(size / 4));

/** rateAt is the requests a minute; a diurnal world swings between a fifth and nine fifths of its rate in an hour. */
const rateAt = ({ rps, diurnal = false }, minute) => rps * 60 * (diurnal ? 1 + 0.8 * Math.sin((2 * Math.PI * minute) / 60) : 1);

/**
 * world gives each minute's counts of both arms. A session has `clump` requests that fail or succeed together, stays on
 * its arm and goes over several minutes; a user has two sessions in a minute. `requests` counts requests as they come,
 * `sessions` each session once, `users` each user once, failed when one of the sessions failed.
 */
export const world = (scenario, next) => {
  const { base, candidate = base, clump = 1, bursts = false, outages = false } = scenario;
  const spread = spreadOf(clump);
  const active = { stable: [], candidate: [] };
  let bursting = false;
  const failing = (arm, minute) => {
    const plain = arm === 'candidate' ? candidate : base;
    const both = outages && minute >= outage.from && minute < outage.to ? outage.share : bursting ? Math.min(0.5, base * 10) : 0;
    return 1 - (1 - plain) * (1 - both);
  };
  const one = (arm, expected, minute) => {
    const sessions = poisson(next, expected / clump);
    const p = failing(arm, minute);
    const failed = binomial(next, sessions, p);
    if (clump === 1) {
      const each = { n: sessions, x: failed };
      return { requests: each, sessions: each, users: each };
    }
    const queue = active[arm];
    queue.push({ sessions, failed });
    if (queue.length > spread) queue.shift();
    let n = 0;
    let x = 0;
    for (const [index, begun] of queue.entries()) {
      const age = queue.length - 1 - index;
      const size = Math.min(4, clump - 4 * age);
      n += begun.sessions * size;
      x += begun.failed * size;
    }
    const users = Math.floor(sessions / 2);
    return { requests: { n, x }, sessions: { n: sessions, x: failed }, users: { n: users, x: binomial(next, users, 1 - (1 - p) ** 2) } };
  };
  return (minute, weight) => {
    if (bursts) bursting = next() < (bursting ? 0.7 : 0.05);
    const expected = rateAt(scenario, minute);
    return { stable: one('stable', expected * (1 - weight), minute), candidate: one('candidate', expected * weight, minute), failing };
  };
};
