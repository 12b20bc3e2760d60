// The rules of others, written from their documentation with the settings of its examples; they count requests.

const guideWeight = (minute) => (minute <= 10 ? 0.05 : minute <= 20 ? 0.1 : 0.5);

/** byMinutes runs a rule beside the guide's plan, 5, 10, 50 % for ten minutes each; the rule says true to abort. */
const byMinutes = (judge) => (_, users) => {
  const past = [];
  const memory = {};
  let exposed = 0;
  for (let minute = 1; minute <= 30; minute += 1) {
    const { stable, candidate } = users(minute, guideWeight(minute));
    exposed += candidate.requests.n;
    past.push({ stable: stable.requests, candidate: candidate.requests });
    if (judge(past, minute, memory)) return { verdict: 'abort', minute, exposed, asked: 0, held: 0 };
  }
  return { verdict: 'promote', minute: 30, exposed, asked: 0, held: 0 };
};

const total = (rows, arm) => rows.reduce((sum, row) => ({ n: sum.n + row[arm].n, x: sum.x + row[arm].x }), { n: 0, x: 0 });

/** guide: more than ten errors of the candidate within five minutes, looked at every minute. */
const guide = byMinutes((past) => total(past.slice(-5), 'candidate').x > 10);

/** argo: the success rate of the last five minutes is to be at least 95 %; the fourth failed measurement aborts. */
const argo = (every) =>
  byMinutes((past, minute, memory) => {
    if (minute % every !== 0) return false;
    const { n, x } = total(past.slice(-5), 'candidate');
    memory.failures = (memory.failures ?? 0) + (n > 0 && 1 - x / n < 0.95 ? 1 : 0);
    return memory.failures > 3;
  });

/** codeDeploy: ten per cent for five minutes, then everybody; an alarm at more than 5 % errors in one minute. */
const codeDeploy = (_, users) => {
  let exposed = 0;
  for (let minute = 1; minute <= 5; minute += 1) {
    const { n, x } = users(minute, 0.1).candidate.requests;
    exposed += n;
    if (n > 0 && x / n > 0.05) return { verdict: 'abort', minute, exposed, asked: 0, held: 0 };
  }
  return { verdict: 'promote', minute: 5, exposed, asked: 0, held: 0 };
};

/** flagger: steps of ten per cent to fifty, a check a minute, at least 99 % success; the fifth failed check aborts, the weight waits meanwhile. */
const flagger = (_, users) => {
  let weight = 0.1;
  let failures = 0;
  let exposed = 0;
  for (let minute = 1; ; minute += 1) {
    const { n, x } = users(minute, weight).candidate.requests;
    exposed += n;
    if (n === 0 || 1 - x / n < 0.99) {
      failures += 1;
      if (failures >= 5) return { verdict: 'abort', minute, exposed, asked: 0, held: 0 };
    } else if (weight >= 0.499) return { verdict: 'promote', minute, exposed, asked: 0, held: 0 };
    else weight += 0.1;
  }
};

/** isHigh is Kayenta's Mann-Whitney comparison: the 98 % interval of the shift lies above a quarter of its estimate. */
const isHigh = (stable, candidate) => {
  const differences = candidate.flatMap((one) => stable.map((other) => one - other)).sort((one, other) => one - other);
  const [m, n] = [candidate.length, stable.length];
  const spread = Math.sqrt((m * n * (m + n + 1)) / 12);
  const index = Math.max(0, Math.floor((m * n) / 2 - 2.326 * spread));
  const middle = differences.length >> 1;
  const estimate = differences.length % 2 === 1 ? differences[middle] : (differences[middle - 1] + differences[middle]) / 2;
  return differences[index] > 0.25 * Math.abs(estimate) && differences[index] > 0;
};

const rates = (rows, arm) => rows.filter((row) => row[arm].n > 0).map((row) => row[arm].x / row[arm].n);

const kayenta = (rows) => {
  const [stable, candidate] = [rates(rows, 'stable'), rates(rows, 'candidate')];
  return stable.length === 0 || candidate.length === 0 || isHigh(stable, candidate);
};

/** kayentaStage judges each weight's ten points at its end, kayentaGrowing all points every five minutes. */
const kayentaStage = byMinutes((past, minute) => minute % 10 === 0 && kayenta(past.slice(-10)));
const kayentaGrowing = byMinutes((past, minute) => minute % 5 === 0 && kayenta(past));

/** naive is a one-sided z-test of two shares at 5 %, every minute on all counts so far. */
const naive = byMinutes((past) => {
  const [stable, candidate] = [total(past, 'stable'), total(past, 'candidate')];
  if (stable.n === 0 || candidate.n === 0) return false;
  const pooled = (stable.x + candidate.x) / (stable.n + candidate.n);
  const spread = Math.sqrt(pooled * (1 - pooled) * (1 / stable.n + 1 / candidate.n));
  return spread > 0 && (candidate.x / candidate.n - stable.x / stable.n) / spread > 1.645;
});

/** rivals are the rules by name. */
export const rivals = {
  'guide: more than 10 errors in 5 minutes': guide,
  'Argo Rollouts, documented example: 95 %, every 5 m, failureLimit 3': argo(5),
  'Argo Rollouts, the same every 60 s': argo(1),
  'CodeDeploy: 10 % for 5 minutes, alarm above 5 % in 1 minute': codeDeploy,
  'Flagger, documented example: 99 %, every 1 m, threshold 5': flagger,
  'Kayenta, Mann-Whitney at the end of each weight': kayentaStage,
  'Kayenta, Mann-Whitney every 5 minutes on all points': kayentaGrowing,
  'plain z-test, p < 0.05, every minute': naive,
};
