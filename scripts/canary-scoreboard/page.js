// Writes the scoreboard as Markdown, from what was measured.
import { sources } from './rivals.js';

const percent = (share) => `${Number((share * 100).toFixed(2))} %`;
const points = (share) => `${(share * 100).toFixed(2)} points`;
const number = (value) => Math.round(value).toLocaleString('en');
const minutes = (value) => (value === null ? '–' : `${Number(value.toFixed(1))}`);
const rps = (value) => `${value} rps`;

const table = (head, rows) => [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');

const rates = [0.02, 2, 20, 200];

const healthyTable = (cells) => {
  const kinds = [...new Set(cells.map(({ kind }) => kind))];
  return table(
    ['false aborts, both versions alike', 'base errors', ...rates.map(rps)],
    kinds.flatMap((kind) =>
      [0.01, 0.06].map((base) => [
        kind,
        percent(base),
        ...rates.map((rate) => {
          const at = (name) => cells.find((cell) => cell.kind === kind && cell.scenario.base === base && cell.scenario.rps === rate && cell.rule === name).result;
          const [none, usual] = [at('no margin'), at('default margin')];
          return `${percent(none.abort)} · ${percent(usual.abort)} (${percent(none.inconclusive)})`;
        }),
      ]),
    ),
  );
};

const rivalTable = (cells, regressions) => {
  const columns = [...new Set(cells.map(({ column }) => column))];
  const rules = [...new Set(cells.map(({ rule }) => rule))];
  const aborts = (column, results) => results.map(({ abort }) => Number((abort * 100).toFixed(1))).join(' / ');
  const rows = rules.map((rule) => [
    rule,
    ...columns.map((column) => {
      const found = rates.map((rate) => cells.find((cell) => cell.rule === rule && cell.column === column && cell.scenario.rps === rate).result);
      return aborts(column, found);
    }),
    rates.map((rate) => number(cells.find((cell) => cell.rule === rule && cell.column === '1 → 3 %' && cell.scenario.rps === rate).result.exposed)).join(' / '),
  ]);
  const ours = ['no margin', 'default margin'].map((rule) => [
    `**ours, ${rule}**`,
    ...columns.map((column) => aborts(column, rates.map((rate) => regressions(rule, column, rate)))),
    rates.map((rate) => number(regressions(rule, '1 → 3 %', rate).exposed)).join(' / '),
  ]);
  return table(['aborted, %, at 0.02 / 2 / 20 / 200 rps', ...columns, 'requests exposed to 1 → 3 %'], [...rows, ...ours]);
};

const oursColumns = {
  'alike, 1 %': ['errors fall alone', 0.01],
  'alike, 6 %': ['errors fall alone', 0.06],
  'alike, 1 %, both fail 25 % for 5 m': ['25 % fail on both arms, minutes 12 to 17', 0.01],
  'alike, 1 %, bursts': ['bursts on both arms, ten times the errors', 0.01],
  'alike, 1 %, sessions of 20': ['sessions of 20, counted by session', 0.01],
};

const rule = ({ rule: name }) => name;
const plain = (cell) => [rule(cell), rps(cell.scenario.rps), percent(cell.scenario.base)];

/** exposure tells how sure a mean of exposed requests is, as one standard error. */
const exposure = ({ exposed, exposedError }) => `${number(exposed)} ± ${Math.max(1, Math.ceil(exposedError))}`;

/** leastAnswers is Wald's bound: answers of the candidate that a test needs on average to tell two known error rates apart, always, and wrongly in 5 %. */
const leastAnswers = (bad, good) => Math.ceil(Math.log(20) / (bad * Math.log(bad / good) + (1 - bad) * Math.log((1 - bad) / (1 - good))));
const boundOf = { bare: leastAnswers(0.03, 0.01), usual: leastAnswers(0.03, 0.01 + 0.99 * 0.005) };

/** page gives the text and the targets that were missed. */
export const page = (cells, rollouts) => {
  const of = (name) => cells.filter((cell) => cell.table === name);
  const find = (name, test) => cells.find((cell) => cell.table === name && test(cell)).result;
  const healthy = of('healthy');
  const worst = healthy.reduce((one, other) => (other.result.abort > one.result.abort ? other : one));
  const isUsualChange = ({ scenario }) => scenario.base === 0.01 && scenario.candidate === 0.03;
  const regression = (name, rate) => find('regressions', (cell) => isUsualChange(cell) && cell.rule === name && cell.scenario.rps === rate);
  const [bare20, usual20, bare2] = [regression('no margin', 20), regression('default margin', 20), regression('no margin', 2)];
  const probing = (rate, name, candidate) => find('probing', (cell) => cell.scenario.rps === rate && cell.rule === name && cell.scenario.candidate === candidate);
  const probed = probing(2, 'no margin, pairs: 900', 0.03);
  const probedUsual = probing(2, 'default margin, pairs: 2000', 0.03);
  const early = find('early', (cell) => cell.scenario.rps === 20 && cell.scenario.base === 0.01);
  const worstMiss = Math.max(...of('misses').map(({ result }) => result.early));
  const worstAtMargin = Math.max(...of('margin').map(({ result }) => result.abort));
  const told = cells.filter(({ result }) => result.foretold !== null);
  const offBy = ({ result }) => Math.max(...['abort', 'inTime', 'promote'].filter((share) => share !== 'inTime' || result.exposed > 0).map((share) => Math.abs(result.foretold[share] - result[share])));
  const worstTold = Math.max(...told.map(offBy));
  const targets = [
    ['false aborts of a healthy canary at 5 %, worst cell of the first table', '≤ 2.5 %', `${percent(worst.result.abort)} (${worst.kind}, ${percent(worst.scenario.base)}, ${rps(worst.scenario.rps)}, ${worst.rule})`, worst.result.abort <= 0.025],
    ['requests exposed to 1 → 3 % at 20 rps, no margin', '≤ 412, always caught', `${exposure(bare20)}, ${percent(bare20.abort)} caught`, bare20.exposed <= 412 && bare20.abort === 1],
    ['the same with the default margin of 0.5 points', `cannot be below ${boundOf.usual}, see below`, `${exposure(usual20)}, ${percent(usual20.abort)} caught`, usual20.abort === 1],
    ['1 → 3 % at 2 rps caught within 30 minutes, no margin, 900 pairs', '≥ 90 %', `${percent(probed.inTime)}, after ${number(probed.asked)} pairs on average (${percent(bare2.inTime)} without probes)`, probed.inTime >= 0.9],
    ['the same with the default margin, 2,000 pairs', 'stated', `${percent(probedUsual.inTime)} within 30 minutes, ${percent(probedUsual.abort)} within 47, after ${number(probedUsual.asked)} pairs on average`, true],
    ['a good version promoted at 20 rps, 1 %, miss 5 %, early promotion on', '≤ 14 m where the plan takes 30', `median ${minutes(early.promoteMinute)} m, mean ${minutes(early.promoteMean)} m`, early.promoteMinute <= 14],
    [`\`plan\`'s forecast against simulation, the ${told.length} cells without probes beside users, clumps, bursts and outages`, 'within 2 points', `${points(worstTold)} at most: aborted, within 30 minutes, promoted`, worstTold <= 0.02],
    ['a version that loses 1 answer in 100, promoted early at miss 5 %, worst cell', '≤ 5 %', percent(worstMiss), worstMiss <= 0.05],
    ['a version at the margin aborted at 5 %, worst cell', '≤ 5 %', percent(worstAtMargin), worstAtMargin <= 0.05],
  ];
  const ours = (name, column, rate) => {
    if (column === '1 → 3 %') return regression(name, rate);
    const [kind, base] = oursColumns[column];
    return find('healthy', (cell) => cell.rule === name && cell.kind === kind && cell.scenario.base === base && cell.scenario.rps === rate);
  };
  const marginRow = (rate) => [rps(rate), ...[0.01, 0.06].map((base) => percent(find('margin', (cell) => cell.scenario.rps === rate && cell.scenario.base === base).abort))];
  const regressionRow = ({ scenario, result, ...cell }) => [
    `${percent(scenario.base)} → ${percent(scenario.candidate)}`,
    rps(scenario.rps),
    rule(cell),
    percent(result.inTime),
    percent(result.abort),
    percent(result.inconclusive),
    percent(result.promote),
    minutes(result.abortMinute),
    exposure(result),
  ];
  const probingRow = (cell) => {
    const alike = probing(cell.scenario.rps, cell.rule, 0.01);
    const { result } = cell;
    return [rps(cell.scenario.rps), rule(cell), percent(result.inTime), percent(result.abort), percent(result.promote), exposure(result), number(result.asked), percent(alike.abort), percent(alike.inconclusive), number(alike.asked)];
  };
  const pairedRules = [...new Set(of('paired').map(rule))];
  const pairedRow = (name) => {
    const at = (candidate) => find('paired', (cell) => cell.rule === name && cell.scenario.candidate === candidate);
    const alike = at(0.01);
    return [name, percent(alike.abort), percent(alike.inconclusive), ...[0.03, 0.05, 0.1, 0.25].map((candidate) => `${percent(at(candidate).abort)} (${number(at(candidate).asked)})`)];
  };
  const missRow = ({ scenario, result }) => [
    rps(scenario.rps),
    scenario.outages ? 'outage of both arms' : scenario.bursts ? 'bursts on both arms' : '–',
    percent(result.early),
    percent(result.promote - result.early),
    percent(result.abort),
  ];
  const text = `# Canary scoreboard

Written by \`npm run canary-scoreboard\`: ${cells.length} cells of ${number(rollouts)} rollouts, fixed seeds, the same numbers in every run. Ours is judged minute by minute as the product's \`decide\` judges: the first 100 rollouts of each cell by \`decide\` itself too, and each must end the same, minute for minute and request for request. What is tested, and why it holds, stands in [statistics.md](statistics.md). At ${number(rollouts)} rollouts a measured 2.5 % is known to ${points(Math.sqrt((0.025 * 0.975) / rollouts))} (one standard error); ± is one standard error too.

## Targets

${table(['claim', 'target', 'measured', ''], targets.map(([claim, target, measured, met]) => [claim, target, measured, met ? 'met' : '**missed**']))}

Our plan is the default: 5, 25, 50 % for ten minutes each, false-abort 5 %, one look a minute, 47 minutes at most with the time that is held; \`watch: [errors]\` and one source (\`pairs: 0\`) but where probes are named. *No margin* is \`margins: { errors: 0% }\`, and the targets above are for it where nothing else is said: other rules have no margin either. With the default margin a version that loses 0.5 points counts as healthy, and no test can then see 1 → 3 % as early: by Wald's bound, one that aborts a version at the margin in at most 5 % and always catches 3 % needs at least ${boundOf.usual} answers of the candidate on average, even if it knows stable's rate, knows that it is 3 % it looks for, and looks after each answer; without a margin ${boundOf.bare}. The margin is the price of not being aborted for what nobody cares about.

Not measured here: what becomes of a killed or cancelled canary, and that nothing passes without evidence (\`packages/rollout/test/fail-open.test.ts\`); the test suite holds them.

## Healthy versions

Each cell: false aborts without a margin · with the default margin (ended without a verdict, without a margin). Below one session a second 180 to 200 paired probes go along (\`pairs: 200\`). Thin evidence holds, and after 47 minutes it is inconclusive: at 20 rps, sessions of 20 counted by user are 1.5 users of the candidate a minute at 5 %, and its 30 take most of the time.

${healthyTable(healthy)}

A source that counts requests and says nothing of how many fail together makes no claim, and its reading in the result says so. Four are then assumed. What it comes to, both versions alike at 1 % without a margin, and what a bound does that is not true:

${table(['false aborts, counted by request', 'sessions of', ...rates.map(rps)], ['no bound', 'a wrong bound of 1'].flatMap((name) => [5, 20].map((clump) => [name, clump, ...rates.map((rate) => percent(find('unclaimed', (cell) => cell.rule === name && cell.scenario.clump === clump && cell.scenario.rps === rate).abort))])))}

Versions exactly at the default margin of 0.5 points (of the answers that stable gets right):

${table(['rate', ...[0.01, 0.06].map((base) => `aborted, base ${percent(base)}`)], rates.map(marginRow))}

## Regressions

${table(['errors', 'rate', 'rule', 'caught within 30 m', 'caught within 47 m', 'inconclusive', 'promoted', 'median minute', 'requests exposed'], of('regressions').map(regressionRow))}

As it is shipped, \`canary: true\` with nothing else said: 200 paired probes go along at every rate, and errors, latency and tokens are watched on both sources, so that six tests share the false-abort rate and each needs 120 to 1. What its two error tests do:

${table(['errors', 'rate', 'caught within 30 m', 'caught within 47 m', 'inconclusive', 'promoted', 'median minute', 'requests exposed'], of('shipped').map((cell) => regressionRow(cell).toSpliced(2, 1)))}

With paired probes beside the users, 1 → 3 %. Each pair is one question to each version, so the price is twice as many answers; the pairs of a healthy version are what a release costs.

${table(['rate', 'rule', 'caught within 30 m', 'caught within 47 m', 'promoted', 'requests exposed', 'pairs asked', 'healthy: false aborts', 'healthy: inconclusive', 'healthy: pairs asked'], of('probing').filter((cell) => cell.scenario.candidate === 0.03).map(probingRow))}

## Without users' traffic

At 0.02 rps, and wherever traffic cannot be split, the judgement is on pairs alone: nobody is exposed, and it ends when the pairs are used. The two columns after the rule are healthy versions at 1 %; the others: aborted (pairs asked on average). What cannot be seen with so few is promoted: nobody has shown it to be good, only not to be much worse.

${table(['rule', 'false aborts', 'inconclusive', '1 → 3 %', '1 → 5 %', '1 → 10 %', '1 → 25 %'], pairedRules.map(pairedRow))}

## Early promotion

Off by default. Once it is ruled out at the rate \`miss\` that the candidate loses one answer in a hundred, each weight is kept a tenth of its time; none is left out.

${table(['rule', 'rate', 'base', 'promoted early', 'median minute of promotion', 'false aborts'], of('early').map((cell) => [...plain(cell), percent(cell.result.early), minutes(cell.result.promoteMinute), percent(cell.result.abort)]))}

Versions that lose exactly one answer in a hundred, miss 5 %:

${table(['rate', 'meanwhile', 'promoted early', 'promoted by the full plan', 'aborted'], of('misses').map(missRow))}

## Other rules

Written anew from their documentation with the settings of its examples, not tuned; their code was not run. They count requests. Exposure compares only within a plan: CodeDeploy and Flagger go by their own.

${table(['rule', 'its settings, and where they stand'], Object.entries(sources))}

${rivalTable(of('rivals'), ours)}

## What is simplified

Arrivals are Poisson, failures independent but for what each row says. Sessions of a clumped row are of one length, stay on their arm and ask four requests a minute, so that those of 20 go over five windows; a user has two sessions in a minute. Probes fail like users' requests. Latency and tokens are measured in the test suite (\`packages/rollout/test/simulation.test.ts\`), not here.
`;
  return { text, missed: targets.filter(([, , , met]) => !met).map(([claim]) => claim) };
};
