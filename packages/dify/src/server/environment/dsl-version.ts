import { atLeast } from '../release.ts';
import { lacking, type Answer, type Asking } from './asking.ts';

/**
 * readVersions are the newest DSL that each release reads without asking, by the first release that does
 * (Dify, CURRENT_DSL_VERSION in api/services/app_dsl_service.py at each of them). Which of 1.15 and 1.16 brought 0.7.0 is not known.
 */
const readVersions: readonly (readonly [release: string, dsl: string])[] = [
  ['0.13.0', '0.1.4'],
  ['0.14.2', '0.1.5'],
  ['1.3.0', '0.2.0'],
  ['1.4.0', '0.3.0'],
  ['1.7.0', '0.3.1'],
  ['1.8.0', '0.4.0'],
  ['1.10.0', '0.5.0'],
  ['1.13.0', '0.6.0'],
  ['1.16.0', '0.7.0'],
];

/** readBy is the newest DSL that a release surely reads, and whether it may read newer ones than Sluice knows of. */
export const readBy = (release: string): { readonly dsl: string; readonly maybeNewer: boolean } | undefined => {
  const known = readVersions.filter(([since]) => atLeast(release, since)).at(-1);
  return known === undefined ? undefined : { dsl: known[1], maybeNewer: atLeast(release, '1.15.0') && (!atLeast(release, '1.16.0') || atLeast(release, '1.18.0')) };
};

/** releaseReading is the first release that reads a DSL; empty where Sluice knows of none. */
const releaseReading = (dsl: string): string => readVersions.find(([, newest]) => atLeast(newest, dsl))?.[0] ?? '';

/** askVersion holds the file's version against the server's release, which is known already: no request. */
export const askVersion = (asking: Asking): Answer => {
  const { application: { source }, release } = asking;
  const known = readBy(release);
  if (known === undefined) return { skipped: `what Dify ${release} reads is not known`, findings: [] };
  const seen = `the file has ${source.dslVersion}, and Dify ${release} reads up to ${known.dsl}`;
  if (atLeast(known.dsl, source.dslVersion)) return { seen, findings: [] };
  if (known.maybeNewer) return { skipped: `the file has ${source.dslVersion}; that Dify ${release} reads ${known.dsl} is known, and whether it reads newer files is not`, findings: [] };
  const since = releaseReading(source.dslVersion);
  const use = { what: source.dslVersion, path: ['version'], node: '', reached: true };
  const message = `The file has DSL version ${source.dslVersion}, and this server, Dify ${release}, reads up to ${known.dsl}: it asks for a confirmation, and nodes that it does not know fail at a run.`;
  return { seen, findings: [lacking(asking, 'dsl-too-new', [use], message, `Update the server${since === '' ? '' : ` to Dify ${since} or newer`}, or export the app from a Dify that is not newer than it.`)] };
};
