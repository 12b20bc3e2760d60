import * as z from 'zod/mini';
import { defineStep, done, endedBy, oneLine, type Outcome, type Split, type StepContext, type StepEnding, type Target, type Version } from '@sluice/core';
import { commonInputs, text } from './inputs.ts';
import { recordOf } from './record.ts';
import { tableLines } from './table.ts';

const inputs = z.strictObject({
  ...commonInputs,
  most: text('How many versions to show, the newest first: a whole number from 1 to 1000. Default: `50`.'),
});

const usualMost = 50;
const largest = 1000;
const longestName = 40;

/** mostOf reads a count; undefined when it is none. */
export const mostOf = (given: string | undefined, usual: number, limit: number): number | undefined => {
  if (given === undefined) return usual;
  const count = /^\d{1,6}$/.test(given) ? Number(given) : 0;
  return count >= 1 && count <= limit ? count : undefined;
};

/** Row is one published version as people and programs get it. */
interface Row {
  readonly id: string;
  readonly name: string;
  readonly digest: string;
  readonly publishedAt: string;
  /** live is true for the version that users get, all of them but a canary's share. */
  readonly live: boolean;
  /** share is the part of users that get it, in per cent. */
  readonly share: number;
  readonly verdict: string;
  readonly commit: string;
  readonly comment: string;
}

const shareOf = (id: string, live: string, split: Split | undefined): number => {
  if (split === undefined || split.stable === '') return id === live ? 100 : 0;
  if (id === split.stable) return 100 - split.weight;
  return id === split.candidate ? split.weight : 0;
};

interface Seen {
  readonly versions: readonly Version[];
  readonly live: string;
  readonly split?: Split;
  readonly rows: readonly Row[];
}

const markIn = (comment: string, name: 'commit' | 'verdict'): string => new RegExp(`(?:^|[\\s[])${name}=([\\w-]{1,64})(?=$|[\\s\\]])`).exec(comment)?.[1] ?? '';

const look = async (context: StepContext, target: Target, most: number): Promise<Outcome<Seen>> => {
  const versions = (await target.versions?.()) ?? done([]);
  if (!versions.ok) return versions;
  const inspected = await target.inspect();
  if (!inspected.ok) return inspected;
  const observed = await target.traffic?.read();
  if (observed?.ok === false) return observed;
  const record = await recordOf(context, target);
  if (!record.ok) return record;
  const split = observed?.value.split;
  const live = inspected.value.live?.id ?? '';
  const rows = versions.value.slice(0, most).map((version): Row => {
    const { id, name, digest = '', publishedAt, comment } = version;
    // The newest word on a version is the record's; the platform's own marks speak where there is none.
    const judged = record.value.history.find((entry) => entry.version === id);
    const share = shareOf(id, live, split);
    return { id, name, digest, publishedAt, comment: oneLine(comment, 300), live: id === live, share, verdict: judged?.verdict ?? markIn(comment, 'verdict'), commit: judged?.commit || markIn(comment, 'commit') };
  });
  return done({ versions: versions.value, live, rows, ...(split === undefined ? {} : { split }) });
};

const percentText = (share: number): string => `${Number(share.toFixed(2))} %`;

const lines = ({ rows }: Seen): readonly string[] =>
  tableLines(
    ['version', 'name', 'live', 'users', 'verdict', 'commit', 'published', 'digest'],
    rows.map(({ id, name, live, share, verdict, commit, publishedAt, digest }) => [
      oneLine(id, 60),
      oneLine(name === id ? '' : name, longestName),
      live ? 'live' : '',
      share === 0 ? '' : percentText(share),
      verdict,
      commit.slice(0, 12),
      publishedAt.slice(0, 19).replace('T', ' '),
      digest.slice(0, 19),
    ]),
  );

const ending = (seen: Seen): StepEnding => {
  const { versions, rows, live } = seen;
  const hidden = versions.length - rows.length;
  const outputs = { count: String(versions.length), newest: versions[0]?.id ?? '', live };
  const cut = hidden > 0 ? `, the newest ${rows.length} of them shown` : '';
  const reason = versions.length === 0 ? 'nothing is published yet' : `${versions.length} published ${versions.length === 1 ? 'version' : 'versions'}${cut}${live === '' ? '; nothing is live' : `; ${live} is live`}`;
  return { category: 'passed', reason, outputs, evidence: { versions: rows.map((row) => ({ ...row })), left: hidden } };
};

/** published lists the published versions. */
export const published = defineStep({
  name: 'versions',
  summary: 'List the published versions, with what is live, who gets it, and how each was judged.',
  inputs,
  outputs: {
    count: { description: 'Number of published versions.', initial: '' },
    newest: { description: 'Id of the newest version.', initial: '' },
    live: { description: 'Id of the live version.', initial: '' },
  },
  offline: false,
  readOnly: true,
  deadlineMs: 60_000,
  run: async (context, values) => {
    const most = mostOf(values.most, usualMost, largest);
    if (most === undefined) return { category: 'input', reason: 'most is not a whole number from 1 to 1000', hint: 'Give --most a number such as 20.' };
    const target = await context.target();
    if (!target.ok) return endedBy(target.problem);
    if (target.value.versions === undefined) {
      return { category: 'skipped', reason: `there are no versions to list: ${target.value.lacking.versions ?? 'the target has none'}` };
    }
    const seen = await look(context, target.value, most);
    if (!seen.ok) return endedBy(seen.problem);
    if (seen.value.rows.length > 0) for (const line of lines(seen.value)) context.host.log(line);
    return ending(seen.value);
  },
});
