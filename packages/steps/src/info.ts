import * as z from 'zod/mini';
import { defineStep, done, endedBy, type Inspection, type Json, type Observed, type Outcome, type Target, type Version } from '@sluice/core';
import { exposureLines } from './exposure.ts';
import { commonInputs } from './inputs.ts';
import { addressOutput } from './outputs.ts';
import { versionText } from './versions.ts';

const inputs = z.strictObject(commonInputs);

interface Seen {
  readonly inspection: Inspection;
  readonly observed?: Observed;
}

const look = async (target: Target): Promise<Outcome<Seen>> => {
  const inspection = await target.inspect();
  if (!inspection.ok) return inspection;
  const observed = inspection.value.exists ? await target.traffic?.read() : undefined;
  if (observed?.ok === false) return observed;
  return done({ inspection: inspection.value, ...(observed === undefined ? {} : { observed: observed.value }) });
};

const shown = (version: Version | undefined, otherwise: string): string =>
  version === undefined ? otherwise : `${versionText(version)}${version.digest === undefined ? '' : `, ${version.digest.slice(0, 19)}`}`;

const splitText = ({ split: { stable, candidate, weight } }: Observed): string =>
  candidate === undefined || weight === 0 ? `everybody gets ${stable === '' ? 'what is published' : stable}` : `${weight} % of users get ${candidate}, the others ${stable}`;

const lines = (target: Target, { inspection, observed }: Seen): readonly string[] => [
  `application: ${target.application === '' ? 'not made yet' : target.application}`,
  `address: ${target.address === '' ? 'none yet' : target.address}`,
  `server: ${inspection.server}`,
  `live: ${shown(inspection.live, 'nothing')}`,
  ...(inspection.ungoverned === undefined ? [] : [`outside the split: ${shown(inspection.ungoverned, '')}`]),
  `candidate: ${shown(inspection.candidate, 'nothing but what is live')}`,
  ...(observed === undefined ? [] : [`traffic: ${splitText(observed)} (${observed.reach === 'configured' ? 'as configured' : 'as users are served'})`]),
  ...inspection.notes.map((note) => `note: ${note}`),
  ...Object.entries(target.lacking).map(([capability, reason]) => `without ${capability}: ${reason}`),
  ...exposureLines(target.exposure),
];

const versionJson = (version: Version | undefined): Json =>
  version === undefined ? null : { id: version.id, name: version.name, digest: version.digest ?? '', publishedAt: version.publishedAt };

const evidenceOf = (target: Target, { inspection, observed }: Seen): Json => ({
  platform: target.platform,
  application: target.application,
  address: target.address,
  server: inspection.server,
  exists: inspection.exists,
  live: versionJson(inspection.live),
  ungoverned: versionJson(inspection.ungoverned),
  candidate: versionJson(inspection.candidate),
  split: observed === undefined ? null : { ...observed.split },
  notes: [...inspection.notes],
  lacking: { ...target.lacking },
  exposure: { title: target.exposure.title, rows: target.exposure.rows.map((row) => ({ ...row })), bypasses: [...target.exposure.bypasses] },
});

/** info says what runs. */
export const info = defineStep({
  name: 'info',
  summary: 'Say what runs: what is live, what waits to be published, how users are split, and what this target can and cannot do.',
  inputs,
  outputs: {
    application: { description: 'Id of the app or runtime; empty when it does not exist yet.', initial: '' },
    address: addressOutput,
    server: { description: 'Version of the platform.', initial: '' },
    live: { description: 'Id of the live version.', initial: '' },
    candidate: { description: 'Id of what is deployed and not live; empty when there is nothing.', initial: '' },
    stable: { description: 'Id of the version that the others get while users are split.', initial: '' },
    weight: { description: 'Share of users on the candidate of a split, in per cent.', initial: '' },
  },
  offline: false,
  readOnly: true,
  deadlineMs: 60_000,
  run: async (context) => {
    const target = await context.target();
    if (!target.ok) return endedBy(target.problem);
    const seen = await look(target.value);
    if (!seen.ok) return endedBy(seen.problem);
    for (const line of lines(target.value, seen.value)) context.host.log(line);
    const { inspection, observed } = seen.value;
    const live = inspection.live?.id ?? '';
    const outputs = {
      ...{ application: target.value.application, address: target.value.address, server: inspection.server, live, candidate: inspection.candidate?.id ?? '' },
      ...(observed === undefined ? {} : { stable: observed.split.stable, weight: String(observed.split.weight) }),
    };
    const reason = !inspection.exists ? 'the application does not exist yet' : live === '' ? 'nothing is live yet' : `${shown(inspection.live, '')} is live`;
    return { category: 'passed', reason, outputs, evidence: evidenceOf(target.value, seen.value) };
  },
});
