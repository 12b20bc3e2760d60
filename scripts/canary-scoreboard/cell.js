// One cell: many rollouts of one rule in one scenario.
import { byDecide } from './by-decide.js';
import { ours } from './ours.js';
import { quick } from './quick.js';
import { seeded } from './random.js';
import { rivals } from './rivals.js';
import { world } from './worlds.js';

const seedOf = (text) => [...text].reduce((hash, letter) => Math.imul(hash ^ letter.codePointAt(0), 16_777_619), 2_166_136_261);

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;

/** checkedRule is our rule with the quick judge, once it has ended as decide's does, minute for minute and request for request. */
const checkedRule = (room, { settings, scenario, checked }, seed) => {
  const judges = [quick(room.twoSample, room.rollout.clumpOf), byDecide(room.rollout)];
  const [rule, real] = judges.map((judge) => ours(room, judge, settings));
  const [one, other] = [seeded(seed), seeded(seed)];
  for (let count = 0; count < checked; count += 1) {
    const ends = [rule(world(scenario, one), one), real(world(scenario, other), other)].map((end) => JSON.stringify(end));
    if (ends[0] !== ends[1]) throw new Error(`rollout ${count} of ${JSON.stringify({ settings, scenario })} ends as ${ends[0]}, and by decide as ${ends[1]}`);
  }
  return rule;
};

/** cell runs one cell; `checked` of its rollouts are judged by decide too. Its seed is made of what it is, so that adding a cell changes no other. */
export const cell = (room, { rule, settings, scenario, rollouts, checked = Math.min(100, rollouts) }) => {
  const seed = seedOf(JSON.stringify([rule, settings ?? null, scenario]));
  const run = settings === undefined ? rivals[rule] : checkedRule(room, { settings, scenario, checked }, seed);
  const next = seeded(seed);
  const ends = { abort: [], promote: [], inconclusive: [] };
  let exposed = 0;
  let squares = 0;
  let asked = 0;
  let held = 0;
  let inTime = 0;
  let early = 0;
  for (let count = 0; count < rollouts; count += 1) {
    const end = run(world(scenario, next), next);
    ends[end.verdict].push(end.minute);
    exposed += end.exposed;
    squares += end.exposed ** 2;
    asked += end.asked;
    held += end.held > 0 ? 1 : 0;
    if (end.verdict === 'abort' && end.minute <= 30) inTime += 1;
    if (end.verdict === 'promote' && end.minute < 30) early += 1;
  }
  for (const minutes of Object.values(ends)) minutes.sort((one, other) => one - other);
  const share = (minutes) => minutes.length / rollouts;
  const mean = (minutes) => minutes.reduce((sum, minute) => sum + minute, 0) / minutes.length;
  return {
    rollouts,
    abort: share(ends.abort),
    inTime: inTime / rollouts,
    promote: share(ends.promote),
    early: early / rollouts,
    inconclusive: share(ends.inconclusive),
    held: held / rollouts,
    exposed: exposed / rollouts,
    exposedError: Math.sqrt(Math.max(0, squares / rollouts - (exposed / rollouts) ** 2) / rollouts),
    asked: asked / rollouts,
    abortMinute: quantile(ends.abort, 0.5),
    promoteMinute: quantile(ends.promote, 0.5),
    promoteMean: ends.promote.length === 0 ? null : mean(ends.promote),
  };
};
