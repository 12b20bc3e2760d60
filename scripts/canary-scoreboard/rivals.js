// The rules of others, written from their documentation with the settings of its examples; they count requests.

const guideWeight = (minute) => (minute <= 10 ? 0.05 : minute <= 20 ? 0.1 : 0.5);

/** byMinutes runs a rule beside the guide's plan, 5, 10, 50 % for ten minutes each; the rule says true to abort. */
const byMinutes = (judge) => (users) => {
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
const codeDeploy = (users) => {
  let exposed = 0;
  for (let minute = 1; minute <= 5; minute += 1) {
    const { n, x } = users(minute, 0.1).candidate.requests;
    exposed += n;
    if (n > 0 && x / n > 0.05) return { verdict: 'abort', minute, exposed, asked: 0, held: 0 };
  }
  return { verdict: 'promote', minute: 5, exposed, asked: 0, held: 0 };
};

/** flagger: steps of ten per cent to fifty, a check a minute, at least 99 % success; the fifth failed check aborts, the weight waits meanwhile. */
const flagger = (users) => {
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
  const [m, n] = [candidate.length, stable.length];
  const differences = new Float64Array(m * n);
  for (const [row, one] of candidate.entries()) for (const [column, other] of stable.entries()) differences[row * n + column] = one - other;
  differences.sort();
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

const names = {
  guide: 'guide: more than 10 errors in 5 minutes',
  argo: 'Argo Rollouts: 95 %, every 5 m, failureLimit 3',
  argoOften: 'Argo Rollouts, the same every 60 s',
  codeDeploy: 'CodeDeploy: 10 % for 5 minutes, alarm above 5 % in 1 minute',
  flagger: 'Flagger: 99 %, every 1 m, threshold 5',
  kayentaStage: 'Kayenta, Mann-Whitney at the end of each weight',
  kayentaGrowing: 'Kayenta, Mann-Whitney every 5 minutes on all points',
  naive: 'plain z-test, p < 0.05, every minute',
};

/** rivals are the rules by name. */
export const rivals = {
  [names.guide]: guide,
  [names.argo]: argo(5),
  [names.argoOften]: argo(1),
  [names.codeDeploy]: codeDeploy,
  [names.flagger]: flagger,
  [names.kayentaStage]: kayentaStage,
  [names.kayentaGrowing]: kayentaGrowing,
  [names.naive]: naive,
};

const guidePlan = '5, 10, 50 % for ten minutes each';

/** sources say where each rule's settings come from, and what is ours because its documentation leaves it open. */
export const sources = {
  [names.guide]: `AgentRun's CI/CD guide, \`docs/tutorial/advanced/07\` (see [from-the-guide.md](from-the-guide.md)); ${guidePlan}`,
  [names.argo]: `Argo Rollouts v1.10, \`docs/features/analysis.md\`, the success-rate example as background analysis, five-minute query; no value is no failure; plan of the guide`,
  [names.argoOften]: 'the same with an interval of 60 s, as many write it',
  [names.codeDeploy]: 'AWS SAM, "Deploying serverless applications gradually", `Canary10Percent5Minutes`; the alarm is left to the user, and 5 % in one minute is ours',
  [names.flagger]: 'Flagger, "Metrics Analysis" (`request-success-rate`, `min: 99`, `interval: 1m`) and the Canary example (`threshold: 5`, `stepWeight: 10`, `maxWeight: 50`); no value is a failed check',
  [names.kayentaStage]: 'Spinnaker, "How canary judgment works", NetflixACAJudge: 98 % confidence, tolerance a quarter of the shift, errors a minute; no data fails; plan of the guide, ten points where Spinnaker recommends 50',
  [names.kayentaGrowing]: 'the same, judged every five minutes on everything since the start',
  [names.naive]: 'any textbook; plan of the guide',
};
