// What is measured: scenarios, our settings, and the targets they are held against.

const bare = { margins: { errors: 0 } };
const early = { 'early-promotion': true, miss: 5 };

/** good are worlds in which both versions are alike. */
const good = (rps, base, more = {}) => ({ rps, base, ...more });

const rates = [0.02, 2, 20, 200];
const bases = [0.01, 0.06];

const kinds = [
  ['errors fall alone', {}, 'sessions'],
  ['25 % fail on both arms, minutes 12 to 17', { outages: true }, 'sessions'],
  ['bursts on both arms, ten times the errors', { bursts: true }, 'sessions'],
  ['diurnal, a fifth to nine fifths of the rate', { diurnal: true }, 'sessions'],
  ['sessions of 5, counted by session', { clump: 5 }, 'sessions'],
  ['sessions of 5, counted by user', { clump: 5 }, 'users'],
  ['sessions of 5, counted by request, clump: 5', { clump: 5 }, 'requests', { clump: 5 }],
  ['sessions of 20, counted by session', { clump: 20 }, 'sessions'],
  ['sessions of 20, counted by user', { clump: 20 }, 'users'],
  ['sessions of 20, counted by request, clump: 20', { clump: 20 }, 'requests', { clump: 20 }],
];

/** probed says whether paired probes are sent beside the users: here, where users are few. */
const probed = (rps, clump = 1) => rps / clump < 1;

/** both are the two margins that are shown: none, as others have none, and the default. */
const both = [['no margin', bare], ['default margin', {}]];

const healthy = rates.flatMap((rps) =>
  bases.flatMap((base) =>
    kinds.flatMap(([kind, more, unit, canary = {}]) =>
      both.map(([margin, margins]) => ({
        table: 'healthy',
        rule: margin,
        kind,
        scenario: good(rps, base, more),
        settings: { unit, probes: probed(rps, more.clump), canary: { ...canary, ...margins } },
      })),
    ),
  ),
);

/** unclaimed are sources that count requests without a bound, whose claim is not made, and with one that is not true. */
const unclaimed = [5, 20].flatMap((clump) =>
  [['no bound', bare], ['a wrong bound of 1', { ...bare, clump: 1 }]].flatMap(([rule, canary]) =>
    rates.map((rps) => ({ table: 'unclaimed', rule, scenario: good(rps, 0.01, { clump }), settings: { unit: 'requests', probes: probed(rps, clump), canary } })),
  ),
);

const bad = (rps, base = 0.01, candidate = 0.03) => ({ rps, base, candidate });

const changes = [[0.01, 0.02], [0.01, 0.03], [0.01, 0.05], [0.01, 0.1], [0.06, 0.12]];

const regressions = changes.flatMap(([base, candidate]) =>
  rates.flatMap((rps) =>
    both.map(([rule, canary]) => ({ table: 'regressions', rule, scenario: bad(rps, base, candidate), settings: { unit: 'sessions', probes: probed(rps), canary } })),
  ),
);

/** shipped is `canary: true`: 200 pairs go along, and errors are one of three guards of each of two sources. */
const shipped = rates.flatMap((rps) =>
  [[0.01, 0.01], ...changes].map(([base, candidate]) => ({
    table: 'shipped',
    rule: 'canary: true',
    scenario: bad(rps, base, candidate),
    settings: { unit: 'sessions', probes: true, canary: { 'false-abort': 5 / 3 } },
  })),
);

const probing = [200, 900, 2000].flatMap((pairs) =>
  both.flatMap(([rule, canary]) =>
    [0.02, 2].flatMap((rps) =>
      [0.03, 0.01].map((candidate) => ({
        table: 'probing',
        rule: `${rule}, pairs: ${pairs}`,
        scenario: bad(rps, 0.01, candidate),
        settings: { unit: 'sessions', probes: true, canary: { ...canary, pairs } },
      })),
    ),
  ),
);

/** paired are judgements without users' traffic: what 0.02 requests a second come to on a target that cannot split it. */
const paired = [
  ['`canary: true`: 200 pairs, three guards', { 'false-abort': 5 / 3 }],
  ...[200, 900].flatMap((pairs) => both.map(([rule, canary]) => [`errors alone, ${rule}, pairs: ${pairs}`, { ...canary, pairs }])),
].flatMap(([rule, canary]) => [0.01, 0.03, 0.05, 0.1, 0.25].map((candidate) => ({ table: 'paired', rule, scenario: bad(0.02, 0.01, candidate), settings: { split: false, canary } })));

const atMargin = rates.flatMap((rps) =>
  bases.map((base) => ({ table: 'margin', rule: 'default margin', scenario: { rps, base, candidate: base + (1 - base) * 0.005 }, settings: { unit: 'sessions', probes: probed(rps), canary: {} } })),
);

const promotions = rates.flatMap((rps) =>
  [0.001, 0.01, 0.06].map((base) => ({ table: 'early', rule: 'default margin', scenario: good(rps, base), settings: { unit: 'sessions', probes: probed(rps), canary: early } })),
);

const misses = rates.flatMap((rps) =>
  [{}, { outages: true }, { bursts: true }].map((more) => ({
    table: 'misses',
    rule: 'default margin',
    scenario: { rps, base: 0.01, candidate: 0.01 + 0.99 * 0.01, ...more },
    settings: { unit: 'sessions', probes: probed(rps), canary: early },
  })),
);

const rivalScenarios = [
  ...rates.flatMap((rps) => bases.map((base) => ({ column: `alike, ${base * 100} %`, scenario: good(rps, base) }))),
  ...rates.map((rps) => ({ column: 'alike, 1 %, both fail 25 % for 5 m', scenario: good(rps, 0.01, { outages: true }) })),
  ...rates.map((rps) => ({ column: 'alike, 1 %, bursts', scenario: good(rps, 0.01, { bursts: true }) })),
  ...rates.map((rps) => ({ column: 'alike, 1 %, sessions of 20', scenario: good(rps, 0.01, { clump: 20 }) })),
  ...rates.map((rps) => ({ column: '1 → 3 %', scenario: bad(rps) })),
];

/** cells are all cells of ours and, for the names of the others' rules, of theirs. */
export const cells = (rivals) => [
  ...healthy,
  ...unclaimed,
  ...regressions,
  ...shipped,
  ...probing,
  ...paired,
  ...atMargin,
  ...promotions,
  ...misses,
  ...rivals.flatMap((rule) => rivalScenarios.map(({ column, scenario }) => ({ table: 'rivals', rule, column, scenario }))),
];
