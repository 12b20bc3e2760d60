// What `plan` would have said of a cell beforehand.
import { planOf } from './ours.js';

/** isPlain says that a cell's world is one that the forecast is about: users come and fail by themselves, at a steady rate. */
const isPlain = ({ settings, scenario }) =>
  settings !== undefined && !settings.probes && settings.unit !== 'users' && Object.keys(scenario).every((key) => ['rps', 'base', 'candidate'].includes(key));

/** foretold are the forecast's shares and exposed requests; null where it is asked about another world. Pairs beside users are left out: here they take no time. */
export const foretold = (room, cell, runs = 10_000) => {
  if (!isPlain(cell)) return null;
  const { settings, scenario } = cell;
  const split = settings.split !== false;
  const circumstances = {
    traffic: scenario.rps,
    session: 1,
    stable: scenario.base,
    candidate: scenario.candidate ?? scenario.base,
    units: split ? ['session'] : [],
    probes: !split,
    answerMs: 0,
  };
  const { abort, abortWithin, promote, exposed } = room.rollout.fateOf(planOf(room, settings), circumstances, { runs, withinMs: split ? 1_800_000 : undefined });
  return { abort, inTime: split ? abortWithin : abort, promote, exposed };
};
