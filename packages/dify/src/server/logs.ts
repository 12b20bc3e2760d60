import { clause, done, durationText, failed, type Arm, type Entries, type EntriesRequest, type LogEntry, type Logs, type Outcome } from '@sluice/core';
import type { Application } from './application.ts';
import { atLeast } from './release.ts';
import type { Run } from './shapes.ts';
import { allWorkflows } from './versions.ts';

/** mostPages bounds one reading: 300 pages of 100 runs. */
const mostPages = 300;

/** longestRunSeconds is Dify's own limit of a run (WORKFLOW_MAX_EXECUTION_TIME, 1200 s by default) with room for a raised one. */
const longestRunSeconds = 3600;

const failedStatuses = new Set(['failed', 'partial-succeeded']);

/** limits are the reasons of the engine for stopping a run itself (Dify 1.12.1, graph_engine/layers/execution_limits.py). */
const stoppedBySystem = /^Maximum execution (steps|time) exceeded/;

/** endedIn is false for runs that go on. */
const endedIn = (run: Run, from: number, to: number): boolean =>
  typeof run.finished_at === 'number' && run.finished_at >= from && run.finished_at < to;

/** runsEnded reads the runs that ended from the second `from` (included) to `to` (excluded), by pages back from the newest. */
const runsEnded = async (application: Application, from: number, to: number): Promise<Outcome<readonly Run[]>> => {
  const found: Run[] = [];
  let lastId: string | undefined;
  for (let page = 0; page < mostPages; page += 1) {
    const list = await application.console.runs(application.id(), application.mode === 'advanced-chat', lastId);
    if (!list.ok) return list;
    found.push(...list.value.items.filter((run) => endedIn(run, from, to)));
    const last = list.value.items.at(-1);
    if (!list.value.more || last === undefined || last.created_at < from - longestRunSeconds) return done(found);
    lastId = last.id;
  }
  return failed({ category: 'evidence', reason: `there are more than ${mostPages * 100} runs to read, so the counts would be incomplete`, where: application.address.studio });
};

const isError = async (application: Application, run: Run): Promise<Outcome<boolean>> => {
  if (run.status !== 'stopped') return done(failedStatuses.has(run.status));
  const error = await application.console.runError(application.id(), run.id);
  return error.ok ? done(stoppedBySystem.test(error.value)) : error;
};

const armOf = async (application: Application, version: string, runs: readonly Run[]): Promise<Outcome<Arm>> => {
  let errors = 0;
  for (const run of runs) {
    const failure = await isError(application, run);
    if (!failure.ok) return failure;
    if (failure.value) errors += 1;
  }
  return done({
    version,
    answers: runs.length,
    errors,
    latenciesMs: runs.flatMap((run) => (typeof run.elapsed_time === 'number' ? [run.elapsed_time * 1000] : [])),
    tokens: runs.flatMap((run) => (typeof run.total_tokens === 'number' ? [run.total_tokens] : [])),
  });
};

/**
 * listsUsersRuns refuses the lists of releases that show the editor's runs alone: from 1.9.2 on they can be asked for by
 * where a run came from (api/controllers/console/app/workflow_run.py), before, the server ignores the question.
 */
const listsUsersRuns = async ({ session, address }: Application): Promise<Outcome<void>> => {
  const release = await session.release();
  if (!release.ok || atLeast(release.value, '1.9.2')) return release.ok ? done(undefined) : release;
  return failed({
    category: 'evidence',
    reason: `Dify ${release.value} lists no runs of users, only those of its editor; update Dify to 1.9.2 or later, or judge by pairs`,
    where: address.studio,
    hint: 'Update Dify, or use paired answers: canary.pairs above 0, or canary: true without a gateway.',
  });
};

/** createLogs reads how each version did from the console's run lists. Runs in the editor are not among them. */
export const createLogs = (application: Application): Logs => {
  /** texts are the timestamps that the lists name versions by; a version's never changes. */
  const texts = new Map<string, string>();
  const learn = async (versions: readonly string[]): Promise<Outcome<void>> => {
    if (versions.every((version) => texts.has(version))) return done(undefined);
    const all = await allWorkflows(application);
    if (!all.ok) return all;
    for (const workflow of all.value) texts.set(workflow.id, workflow.version);
    const unknown = versions.find((version) => !texts.has(version));
    if (unknown === undefined) return done(undefined);
    return failed({ category: 'evidence', reason: `the server lists no version ${unknown}, so its runs cannot be counted`, where: application.address.studio });
  };
  return {
    source: 'dify run logs',
    unit: 'request',
    read: async (versions, from, to) => {
      const able = await listsUsersRuns(application);
      if (!able.ok) return able;
      const known = await learn(versions);
      if (!known.ok) return known;
      // The lists tell whole seconds. Rounding both ends down counts every run once, and only in seconds that are over.
      const runs = await runsEnded(application, Math.floor(from / 1000), Math.floor(to / 1000));
      if (!runs.ok) return runs;
      const arms: Arm[] = [];
      for (const version of versions) {
        const arm = await armOf(application, version, runs.value.filter((run) => run.version === texts.get(version)));
        if (!arm.ok) return arm;
        arms.push(arm.value);
      }
      return done(arms);
    },
  };
};

/** entryOf is a run as one line. What was asked and answered is not in it: that belongs to users. */
const entryOf = async (application: Application, run: Run, version: string): Promise<Outcome<LogEntry>> => {
  const failing = failedStatuses.has(run.status);
  const error = failing ? await application.console.runError(application.id(), run.id) : done('');
  if (!error.ok) return error;
  const took = typeof run.elapsed_time === 'number' ? ` after ${durationText(run.elapsed_time * 1000)}` : '';
  const said = error.value === '' ? '' : `: ${clause(error.value)}`;
  return done({ at: (run.finished_at ?? run.created_at) * 1000, version, failed: failing, text: `run ${run.id} ${run.status}${took}${said}` });
};

/** runEntries reads users' runs from the console's run lists, as lines for people: when, which version, how it ended, and the error of one that failed. */
export const runEntries = async (application: Application, request: EntriesRequest): Promise<Outcome<Entries>> => {
  const able = await listsUsersRuns(application);
  if (!able.ok) return able;
  const all = await allWorkflows(application);
  if (!all.ok) return all;
  const ids = new Map(all.value.map((workflow) => [workflow.version, workflow.id]));
  const runs = await runsEnded(application, Math.floor(request.from / 1000), Math.ceil(request.to / 1000));
  if (!runs.ok) return runs;
  const wanted = runs.value
    .filter((run) => (!request.failed || failedStatuses.has(run.status)) && (request.version === undefined || ids.get(run.version) === request.version))
    .toSorted((one, other) => (other.finished_at ?? 0) - (one.finished_at ?? 0));
  const entries: LogEntry[] = [];
  for (const run of wanted.slice(0, request.most)) {
    const entry = await entryOf(application, run, ids.get(run.version) ?? '');
    if (!entry.ok) return entry;
    entries.push(entry.value);
  }
  return done({ source: 'dify run logs', entries: entries.reverse(), more: wanted.length > request.most });
};

/** entriesOfBoth merges the runs of two apps that serve the same users. */
export const entriesOfBoth = async (applications: readonly Application[], request: EntriesRequest): Promise<Outcome<Entries>> => {
  const all: LogEntry[] = [];
  let left = false;
  for (const application of applications) {
    const found = await runEntries(application, request);
    if (!found.ok) return found;
    all.push(...found.value.entries);
    left ||= found.value.more;
  }
  const entries = all.sort((one, other) => one.at - other.at).slice(-request.most);
  return done({ source: 'dify run logs', entries, more: left || entries.length < all.length });
};
