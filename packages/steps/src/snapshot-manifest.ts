import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { done, failed, readYaml, type Outcome, type Snapshot, type StepContext, type StepEnding, type Target } from '@sluice/core';
import { environmentName } from './environment-name.ts';

/** manifestName is the file beside a copy that says what it is of. */
export const manifestName = 'snapshot.json';

/** staysInside says that a file's path leads to no other folder; a platform may keep its files in one of its own. */
const staysInside = (path: string): boolean => /^[\w.-]+(?:\/[\w.-]+)*$/.test(path) && !path.split('/').includes('..');

const manifestShape = z.object({
  format: z.literal(1),
  environment: z.string(),
  application: z.string(),
  version: z.string(),
  digest: z.string(),
  files: z.record(z.string().check(z.refine(staysInside)), z.string()),
  takenAt: z.string(),
  takenBy: z.string(),
  commit: z.string(),
  runUrl: z.string(),
  changes: z.array(z.string()),
});

/** Manifest says of which version a copy is, with the SHA-256 of each file, who took it, and what was about to change. */
type Manifest = z.output<typeof manifestShape>;

const checksum = (text: string): string => `sha256:${createHash('sha256').update(text, 'utf8').digest('hex')}`;

const mostChanges = 50;

/** changesAhead are what the source in the repository changes about the copied version, where the platform can read the copy. */
const changesAhead = async (context: StepContext, files: Snapshot['files']): Promise<readonly string[]> => {
  const application = await context.application();
  const coming = await context.overlaid();
  const [path, text] = Object.entries(files)[0] ?? [];
  if (!application.ok || !coming.ok || path === undefined || text === undefined) return [];
  const { platform } = application.value;
  const { source } = platform.parse({ path, folder: context.project.folder, text });
  return source === undefined ? [] : platform.diff(source, coming.value).slice(0, mostChanges).map(({ subject, kind }) => `${subject} ${kind}`);
};

const readManifest = async (context: StepContext, folder: string): Promise<Outcome<Manifest | undefined>> => {
  const path = join(folder, manifestName);
  const text = await context.files.read(path);
  if (!text.ok || text.value === undefined) return text.ok ? done(undefined) : text;
  const document = readYaml(path, text.value);
  const parsed = manifestShape.safeParse(document.ok ? document.value.value : undefined);
  if (parsed.success) return done(parsed.data);
  return failed({ category: 'gate', reason: `${manifestName} is damaged or no manifest of a copy`, tried: 'read the copy', where: path, hint: 'Take the file from git again, or another copy.' });
};

/** withoutSecrets hides what the platform shows in plain text and this run knows as a secret. */
const withoutSecrets = (context: StepContext, files: Snapshot['files']): Snapshot['files'] =>
  Object.fromEntries(
    Object.entries(files).map(([name, text]) => {
      const clean = context.host.redact(text);
      if (clean !== text) context.host.warn(`${name} holds a secret in plain text on the platform; the copy has *** in its place`);
      return [name, clean];
    }),
  );

/**
 * filesOfCopy are a copy's files with their manifest. A copy of the same content of the same version keeps the manifest
 * that it has, so that nothing changes in git when nothing has changed.
 */
export const filesOfCopy = async (context: StepContext, target: Target, folder: string, taken: Snapshot): Promise<Outcome<Snapshot['files']>> => {
  const files = withoutSecrets(context, taken.files);
  const sums = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, checksum(text)]));
  const version = taken.version?.id ?? '';
  const before = await readManifest(context, folder);
  const known = before.ok ? before.value : undefined;
  if (known?.version === version && JSON.stringify(known.files) === JSON.stringify(sums) && known.digest === taken.digest) return done(files);
  const { actor, commit, runUrl } = context.host.context;
  const manifest: Manifest = {
    format: 1,
    environment: environmentName(context),
    application: target.application,
    version,
    digest: taken.digest,
    files: sums,
    takenAt: new Date(context.clock.now()).toISOString(),
    takenBy: actor,
    commit,
    runUrl,
    changes: [...(await changesAhead(context, taken.files))],
  };
  return done({ ...files, [manifestName]: context.host.redact(`${JSON.stringify(manifest, null, 2)}\n`) });
};

/** verification holds a copy's files against the checksums of its manifest. */
export const verification = async (context: StepContext, folder: string): Promise<StepEnding> => {
  const found = await readManifest(context, folder);
  if (!found.ok) return { category: found.problem.category, reason: found.problem.reason, problem: found.problem };
  if (found.value === undefined) return { category: 'input', reason: `there is no copy in ${folder}`, hint: 'Give the folder of a copy, or take one with snapshot.' };
  const { files, version, digest, takenAt } = found.value;
  const wrong: string[] = [];
  for (const [name, sum] of Object.entries(files)) {
    const text = await context.files.read(join(folder, name));
    if (!text.ok) return { category: text.problem.category, reason: text.problem.reason, problem: text.problem };
    if (text.value === undefined) wrong.push(`${name} is missing`);
    else if (checksum(text.value) !== sum) wrong.push(`${name} is not what was copied`);
  }
  const outputs = { folder, digest, version };
  if (wrong.length > 0) return { category: 'gate', reason: `the copy in ${folder} is refused: ${wrong.join(', ')}`, hint: 'Take the files from git again, or another copy.', outputs };
  return { category: 'passed', reason: `the copy of ${version || 'the draft'} from ${takenAt} is whole`, outputs };
};
