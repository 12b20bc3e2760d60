import * as z from 'zod/mini';
import { clause, defineStep, done, endedBy, failed, selectNamed, type EnvironmentConfig, type Failed, type Outcome, type StepContext, type StepEnding } from '@sluice/core';
import { countsText, diffLines, fateText, sideText, type DiffedApplication, type DiffEvidence } from '@sluice/report';
import { diffed, readable, type Compared } from './diff-compare.ts';
import { openRepository, type Repository } from './diff-git.ts';
import { overlaidBoth, type Both } from './diff-overlay.ts';
import { pairsOf, type Pair } from './diff-pairs.ts';
import { openRevision, type Revision } from './diff-revision.ts';
import { namedSide, tree, usualSides, type Side, type Sides } from './diff-sides.ts';
import { againstRunning } from './diff-running.ts';
import { commonInputs, flag, text } from './inputs.ts';

const inputs = z.strictObject({
  ...commonInputs,
  from: text('Older side: a git ref, `<ref>...` for the commit where HEAD left it, a file, or `running` for what the environment runs. Default: the base of the pull request; elsewhere `HEAD`, or the commit before it where the working tree is `HEAD`.'),
  to: text('Newer side: a git ref, a file, `running`, or `source` for the working tree. Default: `source`.'),
  'fail-on-change': flag('End as failed when anything changed, for checks of drift. Default: `false`.'),
});

type Values = z.output<typeof inputs>;

const misused = (reason: string, hint: string): Failed => failed({ category: 'input', reason, tried: 'read the inputs', hint });

/** refusedRunning says why what runs cannot be a side here; undefined where it can. */
const refusedRunning = (context: StepContext, { from, to, environment }: Values): Failed | undefined => {
  if (from !== 'running' && to !== 'running') return undefined;
  if (from === to) return misused('both sides are `running`', 'Name a git ref, a file or `source` as one of them.');
  if (context.host.context.pullRequest !== undefined) return misused('a pull request gets no connection to an environment, so what runs there cannot be compared', 'Compare with the base of the pull request: leave `from` and `to` out. Compare with `running` on a branch or a schedule.');
  return environment === undefined ? misused('it is not said which environment runs what is to be compared', 'Name it with the input `environment`.') : undefined;
};

/** named is the environment that the user named, which also a pull request may: nothing connects to it. */
const named = ({ project }: StepContext, { environment }: Values): Outcome<EnvironmentConfig | undefined> => {
  if (environment === undefined) return done(undefined);
  const found = selectNamed(project, environment);
  return found.ok ? done(found.value.config) : found;
};

/** Opened are both sides, open. */
interface Opened {
  readonly before: Revision;
  readonly after: Revision;
}

/** pathsIn are the pairs to compare; a side that is a file stands for the one application of the other. */
const pairsIn = ({ before, after }: Opened, { environment }: Values): Outcome<readonly Pair[]> => {
  const pairs = pairsOf(before.config, after.config, environment);
  if ((before.only === undefined && after.only === undefined) || pairs.length === 1) return done(pairs);
  if (before.only !== undefined && after.only !== undefined) return done(pairs.slice(0, 1));
  return misused('a file can be compared with one application, and sluice.yml has several', 'Name the one that is meant with the input `environment`.');
};

/** readPair reads one application on both sides; undefined where neither has it. */
const readPair = async ({ before, after }: Opened, pair: Pair): Promise<Outcome<Compared | undefined>> => {
  const [old, now] = [pair.before === undefined ? done(undefined) : await before.read(pair.environment, pair.before), pair.after === undefined ? done(undefined) : await after.read(pair.environment, pair.after)];
  if (!old.ok) return old;
  if (!now.ok) return now;
  const platform = now.value?.platform ?? old.value?.platform;
  if (platform === undefined) return done(undefined);
  const [first, second] = [readable(old.value, before.shown), readable(now.value, after.shown)];
  if (!first.ok) return first;
  if (!second.ok) return second;
  const earlier = before.only ?? pair.before;
  const path = (second.value === undefined ? earlier : (after.only ?? pair.after)) ?? '';
  return done({ platform, before: first.value, after: second.value, path, ...(earlier === path || first.value === undefined || second.value === undefined ? {} : { moved: earlier }) });
};

const compareAll = async (context: StepContext, opened: Opened, values: Values): Promise<Outcome<readonly DiffedApplication[]>> => {
  const pairs = pairsIn(opened, values);
  if (!pairs.ok) return pairs;
  const environment = named(context, values);
  if (!environment.ok) return environment;
  const found: DiffedApplication[] = [];
  for (const pair of pairs.value) {
    const read = await readPair(opened, pair);
    if (!read.ok) return read;
    if (read.value === undefined) continue;
    const running = values.from === 'running' ? 'before' : values.to === 'running' ? 'after' : undefined;
    const both: Outcome<Both> =
      running !== undefined ? await againstRunning(context, read.value, running) : done(environment.value === undefined ? read.value : overlaidBoth(context, read.value.platform, environment.value, read.value));
    if (!both.ok) return both;
    found.push(await diffed(context, { ...read.value, ...both.value }));
  }
  if (found.length > 0) return done(found);
  return failed({ category: 'input', reason: `neither side has the application: ${pairs.value.map(({ after, before }) => after ?? before).join(', ')}`, tried: 'read both sides', hint: 'Check `source` in sluice.yml, and that the file is committed.' });
};

/** withSides opens both sides, compares, and takes away what was opened. */
const withSides = async (context: StepContext, sides: Sides, both: { readonly from: Side; readonly to: Side }, values: Values): Promise<Outcome<DiffEvidence>> => {
  const repository = (): Promise<Outcome<Repository>> => sides.repository();
  const before = await openRevision(context, repository, both.from);
  if (!before.ok) return before;
  const after = await openRevision(context, repository, both.to);
  try {
    if (!after.ok) return after;
    // What runs has the paths of the other side.
    const opened = { before: before.value, after: after.value };
    const applications = await compareAll(context, opened, values);
    return applications.ok ? done({ from: both.from.shown, to: both.to.shown, applications: [...applications.value] }) : applications;
  } finally {
    await before.value.close();
    if (after.ok) await after.value.close();
  }
};

const isChanged = ({ fate }: DiffedApplication): boolean => fate !== 'kept';

const compare = async (context: StepContext, values: Values): Promise<Outcome<DiffEvidence>> => {
  let opened: Promise<Outcome<Repository>> | undefined;
  const sides: Sides = { context, repository: () => (opened ??= openRepository(context.git, context.project.folder, context.signal)) };
  const to = values.to === undefined ? done(tree) : await namedSide(sides, values.to);
  if (!to.ok) return to;
  if (values.from !== undefined) {
    const from = await namedSide(sides, values.from);
    return from.ok ? withSides(context, sides, { from: from.value, to: to.value }, values) : from;
  }
  const usual = await usualSides(sides);
  if (!usual.ok) return usual;
  let last: Outcome<DiffEvidence> = misused('there is nothing to compare with', 'Name the older side with the input `from`.');
  for (const side of usual.value) {
    const from = await side();
    if (!from.ok) return from;
    last = await withSides(context, sides, { from: from.value, to: to.value }, values);
    if (!last.ok || last.value.applications.some(isChanged)) return last;
  }
  return last;
};

const reasonOf = ({ from, to, applications }: DiffEvidence): string => {
  const between = `from ${sideText(from)} to ${sideText(to)}`;
  const changed = applications.filter(isChanged);
  if (changed.length === 0) return `nothing that users could meet changed ${between}`;
  const said = changed.map((application) => {
    const counts = application.changes.length < application.total ? '' : countsText(application.changes);
    return `${application.path} ${application.fate === 'changed' ? `has ${fateText(application)}` : fateText(application)}${counts === '' ? '' : ` (${counts})`}`;
  });
  return `${said.join('; ')}, ${between}`;
};

const ending = (evidence: DiffEvidence, values: Values): StepEnding => {
  const changed = evidence.applications.filter(isChanged);
  const changes = changed.reduce((sum, { total }) => sum + Math.max(total, 1), 0);
  const summary = clause(reasonOf(evidence));
  const outputs = { changes: String(changes), changed: String(changes > 0), summary };
  const rest = { reason: summary, outputs, evidence: { ...evidence } };
  if (changes === 0 || values['fail-on-change'] !== true) return { category: 'passed', ...rest };
  return { category: 'gate', hint: 'fail-on-change is set. Bring both sides to the same content, or take it out.', ...rest };
};

/** diff says what changes for users between two revisions of an application. */
export const diff = defineStep({
  name: 'diff',
  summary: 'Show what changes for users between two revisions of the application: prompts word by word, models, nodes, variables.',
  inputs,
  outputs: {
    changes: { description: 'Number of changes.', initial: '' },
    changed: { description: '`true` when anything changed, else `false`.', initial: '' },
    summary: { description: 'What changed, in one line.', initial: '' },
  },
  offline: true,
  readOnly: true,
  connectsWhenNamed: true,
  deadlineMs: 120_000,
  run: async (context, values) => {
    const refused = refusedRunning(context, values);
    if (refused !== undefined) return endedBy(refused.problem);
    const evidence = await compare(context, values);
    if (!evidence.ok) return endedBy(evidence.problem);
    for (const line of diffLines(evidence.value)) context.host.log(line);
    return ending(evidence.value, values);
  },
});
