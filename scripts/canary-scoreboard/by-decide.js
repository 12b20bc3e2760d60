// The judge of the product: its decide and its states.

const versions = { stable: 'stable', candidate: 'candidate' };

const arm = (version, { n, x }) => ({ version, answers: n, errors: x, latenciesMs: [], tokens: [] });

/** byDecide makes a judge for one rollout: it is given one count a source and the time, and gives a verdict. */
export const byDecide = (rollout) => (plan, sources) => {
  let state = rollout.enterStage(rollout.startRollout(plan, versions, sources, 0), 0, 0, 0);
  return (counts, nowMs) => {
    const seen = sources.map(({ name, unit, paired }, index) => ({
      source: name,
      unit,
      from: state.sources[name].until,
      to: nowMs,
      stable: arm('stable', counts[index].stable),
      candidate: arm('candidate', counts[index].candidate),
      ...(paired ? { paired } : {}),
      ...(paired && counts[index].stable.n === 0 ? { missing: 'all pairs are used' } : {}),
    }));
    const decision = rollout.decide(plan, state, seen, nowMs);
    state = decision.verdict === 'raise' ? rollout.enterStage(decision.state, decision.state.stage + 1, nowMs, nowMs) : decision.state;
    return decision.verdict;
  };
};
