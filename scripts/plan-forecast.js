// Holds the forecast of `plan` against rollouts that are simulated one answer after the other and judged by the product's own code.
//   node scripts/plan-forecast.js [--rollouts 10000]
import { parseArgs } from 'node:util';
import { emitRollout } from './canary-scoreboard/rollout-room.js';

const { values } = parseArgs({ options: { rollouts: { type: 'string', default: '10000' } } });
const rollouts = Number(values.rollouts);
const deadlineMs = 2_820_000;

/** random is xorshift128, another generator than the forecast's. */
const randomOf = (seed) => {
  let [x, y, z, w] = [seed, 362436069, 521288629, 88675123];
  const next = () => {
    const t = x ^ (x << 11);
    [x, y, z] = [y, z, w];
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
    return (w >>> 0) / 4_294_967_296;
  };
  for (let index = 0; index < 50; index += 1) next();
  return next;
};

/** happen counts events that come at random, `mean` of them on average, by the times between them. */
const happen = (next, mean) => {
  let count = 0;
  for (let rest = mean; rest > 0; rest -= 20) {
    const limit = Math.exp(-Math.min(20, rest));
    for (let product = next(); product > limit; product *= next()) count += 1;
  }
  return count;
};

/** fail counts how many of so many answers fail. */
const fail = (next, answers, chance) => {
  if (chance <= 0) return 0;
  let count = 0;
  const scale = Math.log(1 - chance);
  for (let at = Math.floor(Math.log(1 - next()) / scale); at < answers; at += 1 + Math.floor(Math.log(1 - next()) / scale)) count += 1;
  return count;
};

const arm = (version, answers, errors) => {
  const values = Array(answers > 5000 ? 0 : Math.min(answers - errors, 40)).fill(1000);
  return { version, answers, errors, latenciesMs: values, tokens: values };
};

/** one takes one rollout to its end, look by look, as the driver does. */
const one = (room, plan, world, next) => {
  const users = world.units.map((unit, index) => ({ name: `users ${index}`, unit }));
  const sources = [...users, ...(world.probes ? [{ name: 'probes', unit: 'request' }] : [])];
  let now = 0;
  let asked = 0;
  let exposed = 0;
  let state = room.enterStage(room.startRollout(plan, { stable: 'v1', candidate: 'v2' }, sources, 0), 0, 0, 0);
  let until = 0;
  for (;;) {
    const weight = plan.kind === 'weighted' ? plan.weights[state.stage] / 100 : 0;
    const began = now;
    if (plan.kind === 'weighted') {
      const left = state.stageSince + plan.bakeMs - now;
      now += left > 0 ? Math.min(plan.tickMs, left) : plan.tickMs;
    }
    const to = now;
    const sessions = (world.traffic / world.session) * ((to - until) / 1000);
    const counts = { stable: happen(next, sessions * (1 - weight)), candidate: happen(next, sessions * weight) };
    const bad = { stable: fail(next, counts.stable, world.stable), candidate: fail(next, counts.candidate, world.candidate) };
    const seen = users.map(({ name, unit }) => {
      const each = unit === 'request' ? world.session : 1;
      return { source: name, unit, from: until, to, stable: arm('v1', counts.stable * each, bad.stable * each), candidate: arm('v2', counts.candidate * each, bad.candidate * each) };
    });
    if (world.probes) {
      const pairs = Math.min(plan.pairsPerWindow, plan.pairs - asked);
      asked += pairs;
      const rounds = Math.ceil(pairs / plan.pairsAtOnce);
      const inTime = plan.kind === 'paired' ? Math.min(rounds, Math.floor((plan.deadlineMs - now) / world.answerMs)) : rounds;
      now = inTime < rounds ? plan.deadlineMs : now + rounds * world.answerMs;
      const complete = Math.min(pairs, inTime * plan.pairsAtOnce);
      const errors = [fail(next, complete, world.stable), fail(next, complete, world.candidate)];
      const answered = Array(Math.max(0, complete - errors[0] - errors[1])).fill(1000);
      const of = (version, count) => ({ version, answers: complete, errors: count, latenciesMs: answered, tokens: answered });
      seen.push({ source: 'probes', unit: 'request', paired: true, from: until, to, stable: of('v1', errors[0]), candidate: of('v2', errors[1]), asked });
    }
    // What is silent is asked from where it was counted last; probes have nothing to catch up with.
    for (const observation of seen) observation.from = state.sources[observation.source].until;
    until = to;
    exposed += world.traffic * weight * ((now - began) / 1000);
    const decision = room.decide(plan, state, seen, now);
    state = decision.state;
    if (decision.verdict === 'raise') {
      state = room.enterStage(state, state.stage + 1, now, now);
      until = now;
    } else if (decision.verdict !== 'hold') return { verdict: decision.verdict, atMs: now, exposed };
  }
};

const plansOf = (room, defaults) => {
  const plan = (config, canSplit = true) => {
    const made = room.planOf({ ...defaults, ...config }, canSplit, deadlineMs);
    if (!made.ok) throw new Error(made.problem.reason);
    return made.value;
  };
  const errors = { watch: ['errors'] };
  return [
    ['paired (the default without a split)', plan({}, false), { units: [] }],
    ['paired, errors alone, 1000 pairs', plan({ ...errors, pairs: 1000 }, false), { units: [] }],
    ['5, 25, 50 %', plan({}), { units: ['request'] }],
    ['5, 25, 50 %, errors alone, by session, no margin', plan({ ...errors, margins: { ...defaults.margins, errors: 0 } }), { units: ['session'] }],
    ['no probes, clump 5, sessions of 5', plan({ ...errors, pairs: 0, clump: 5 }), { units: ['request'], session: 5 }],
    ['20, 50 % of 12 m, early promotion, two sources', plan({ ...errors, steps: [20, 50], every: 720_000, 'early-promotion': true, miss: 5 }), { units: ['session', 'request'] }],
  ];
};

const worlds = [
  { traffic: 0.02, stable: 0.01, candidate: 0.01 },
  { traffic: 0.02, stable: 0.01, candidate: 0.03 },
  { traffic: 0.02, stable: 0.06, candidate: 0.3 },
  { traffic: 2, stable: 0.01, candidate: 0.01 },
  { traffic: 2, stable: 0.01, candidate: 0.03 },
  { traffic: 2, stable: 0.06, candidate: 0.12 },
  { traffic: 20, stable: 0.01, candidate: 0.01 },
  { traffic: 20, stable: 0.01, candidate: 0.02 },
  { traffic: 20, stable: 0.01, candidate: 0.03 },
  { traffic: 200, stable: 0.01, candidate: 0.016 },
  { traffic: 200, stable: 0.01, candidate: 0.03 },
];

const percent = (share) => `${(share * 100).toFixed(1)} %`;
const { url, remove } = emitRollout();
try {
  const room = await import(`${url}/index.js`);
  const { defaultCanaryPlan } = await import(`${url.replace(/rollout$/, 'core')}/index.js`);
  let [worst, where, cells] = [0, '', 0];
  for (const [name, plan, setting] of plansOf(room, defaultCanaryPlan)) {
    for (const rates of plan.kind === 'paired' ? worlds.filter(({ traffic }) => traffic < 1) : worlds) {
      const world = { session: 1, probes: plan.pairs > 0, answerMs: 2000, ...setting, ...rates };
      const began = performance.now();
      const withinMs = 900_000;
      const told = room.fateOf(plan, world, { withinMs });
      const toldMs = performance.now() - began;
      const next = randomOf(4711 + cells);
      const ends = Array.from({ length: rollouts }, () => one(room, plan, world, next));
      const share = (fits) => ends.filter(fits).length / rollouts;
      const seen = { abort: share(({ verdict }) => verdict === 'abort'), promote: share(({ verdict }) => verdict === 'promote'), abortWithin: share(({ verdict, atMs }) => verdict === 'abort' && atMs <= withinMs), exposed: ends.reduce((sum, { exposed }) => sum + exposed, 0) / rollouts };
      const off = Math.max(...['abort', 'promote', 'abortWithin'].map((key) => Math.abs(seen[key] - told[key])));
      cells += 1;
      if (off > worst) [worst, where] = [off, `${name}, ${JSON.stringify(rates)}`];
      process.stdout.write(`${off > 0.02 ? 'OFF ' : ''}${name} | ${rates.traffic} rps | ${percent(rates.stable)} -> ${percent(rates.candidate)} | abort ${percent(told.abort)} told, ${percent(seen.abort)} seen | within 15 m ${percent(told.abortWithin)}, ${percent(seen.abortWithin)} | promote ${percent(told.promote)}, ${percent(seen.promote)} | exposed ${told.exposed.toFixed(1)}, ${seen.exposed.toFixed(1)} | ${Math.round(toldMs)} ms\n`);
    }
  }
  process.stdout.write(`${cells} rows of ${rollouts} rollouts; furthest off: ${percent(worst)} (${where})\n`);
  process.exitCode = worst <= 0.02 ? 0 : 1;
} finally {
  remove();
}
