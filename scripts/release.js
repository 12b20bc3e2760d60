// Releases the version that package.json names, from this checkout to `origin`. Each command does one thing, can be run
// again, and does nothing where it is done already; docs/releasing.md says in which order they are called.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { git, isAncestor, isSigned, isSignedHere, namedVersions, releasedVersions, remoteTags, succeeds } from './release-repository.js';
import { changelogEntry, isHigher, parseVersion } from './release-version.js';

class Refusal extends Error {}
const refuse = (...reasons) => {
  throw new Refusal(reasons.map((reason) => `refused: ${reason}`).join('\n'));
};
const say = (text) => process.stdout.write(`${text}\n`);

/** readRelease gives what everything else is about: the version, its two tags, the commit, and what `origin` has. */
const readRelease = () => {
  const version = JSON.parse(readFileSync('package.json', 'utf8')).version;
  const numbers = parseVersion(version) ?? refuse(`package.json names ${JSON.stringify(version)}, which is not a version such as 1.2.3`);
  return { version, numbers, tag: `v${version}`, moving: `v${numbers[0]}`, commit: git('rev-parse', 'HEAD'), tags: remoteTags() };
};

/** againstTags gives what the tags of `origin` have against the release. */
const againstTags = ({ version, numbers, tag, commit, tags }) => {
  const there = tags.get(tag);
  if (there !== undefined && there.commit !== commit) return [`${tag} is another commit already (${there.commit}); a released version never changes, so raise the version`];
  if (there !== undefined) return isSigned(tag) ? [] : [`${tag} is there, but no key of .github/allowed_signers signed it`];
  const above = [...releasedVersions(tags)].filter(([, other]) => !isHigher(numbers, other)).map(([name]) => name);
  return above.length === 0 ? [] : [`${version} is not higher than ${above.join(', ')}`];
};

/** reasonsAgainst gives everything that stands against the release, so that one look is enough. */
const reasonsAgainst = (release) => {
  git('fetch', '--quiet', '--no-tags', 'origin', '+refs/heads/main:refs/remotes/origin/main');
  const reference = /^ {6}default: (v\d+)$/m.exec(readFileSync('templates/release.yml', 'utf8'))?.[1];
  const versions = namedVersions();
  return [
    ...(git('status', '--porcelain') === '' ? [] : ['the checkout has changes that are not committed']),
    ...(isAncestor(release.commit, 'refs/remotes/origin/main') ? [] : [`${release.commit} is not on main of origin`]),
    ...Object.entries(versions).filter(([, version]) => version !== release.version).map(([place, version]) => `${place} names the version ${version}, package.json ${release.version}`),
    ...(changelogEntry(readFileSync('CHANGELOG.md', 'utf8'), release.version) === undefined ? [`CHANGELOG.md has no dated entry with text for ${release.version}`] : []),
    ...(reference === release.moving ? [] : [`templates/ get Sluice at ${reference}, and this release moves ${release.moving}; change "reference" in scripts/generate.js`]),
    ...againstTags(release),
  ];
};

const allowed = () => {
  const release = readRelease();
  const reasons = reasonsAgainst(release);
  if (reasons.length > 0) refuse(...reasons);
  return release;
};

const check = () => {
  const release = readRelease();
  const reasons = reasonsAgainst(release);
  if (!succeeds('npm', 'run', '--silent', 'check-dist')) reasons.push('dist/ is not what the sources make');
  if (reasons.length > 0) refuse(...reasons);
  say(`${release.tag} can be released from ${release.commit}`);
};

/** sign makes a tag here, of this commit, and drops it again when nobody could verify it. */
const sign = (tag, message, commit) => {
  git('tag', '--force', '--sign', '--message', message, tag, commit);
  if (isSignedHere(tag)) return;
  git('tag', '--delete', tag);
  refuse(`the signature of ${tag} is by no key of .github/allowed_signers; nothing was pushed`);
};

const tag = () => {
  const release = allowed();
  if (release.tags.has(release.tag)) return say(`${release.tag} is there already`);
  sign(release.tag, `Sluice ${release.version}`, release.commit);
  git('push', '--quiet', 'origin', `refs/tags/${release.tag}`);
  say(`${release.tag} is ${release.commit}, signed`);
};

const move = () => {
  const release = allowed();
  if (!release.tags.has(release.tag)) refuse(`${release.tag} is not there yet; ${release.moving} never shows what is not released`);
  const before = release.tags.get(release.moving);
  if (before?.commit === release.commit) return say(`${release.moving} is ${release.tag} already`);
  if (before !== undefined) {
    git('fetch', '--quiet', '--no-tags', 'origin', `+refs/tags/${release.moving}:refs/tags/${release.moving}`);
    if (isAncestor(release.commit, before.commit)) return say(`${release.moving} is further on (${before.commit}); it stays`);
    if (!isAncestor(before.commit, release.commit)) refuse(`${release.moving} is ${before.commit}, which ${release.tag} does not contain`);
  }
  sign(release.moving, `${release.moving} is ${release.tag}`, release.commit);
  git('push', '--quiet', `--force-with-lease=refs/tags/${release.moving}:${before?.object ?? ''}`, 'origin', `refs/tags/${release.moving}`);
  say(`${release.moving} is ${release.tag}`);
};

/** archive writes what a closed network takes: the bundle, its SHA-256 and the notes. The same commit gives the same bytes. */
const archive = (folder) => {
  if (folder === undefined) refuse('archive needs a folder to write to');
  const { version } = readRelease();
  const name = `sluice-${version}.tar.gz`;
  const notes = changelogEntry(readFileSync('CHANGELOG.md', 'utf8'), version) ?? refuse(`CHANGELOG.md has no dated entry with text for ${version}`);
  mkdirSync(folder, { recursive: true });
  git('archive', '--format=tar.gz', `--prefix=sluice-${version}/`, `--output=${join(folder, name)}`, 'HEAD', 'dist', 'LICENSE', 'CHANGELOG.md');
  const digest = createHash('sha256').update(readFileSync(join(folder, name))).digest('hex');
  writeFileSync(join(folder, `${name}.sha256`), `${digest}  ${name}\n`);
  writeFileSync(join(folder, 'notes.md'), notes);
  say(`${digest}  ${name}`);
};

const commands = { check, tag, move, archive };
const [command = '', folder] = process.argv.slice(2);
try {
  if (!Object.hasOwn(commands, command)) refuse(`the commands are ${Object.keys(commands).join(', ')}`);
  commands[command](folder);
} catch (error) {
  if (!(error instanceof Refusal) && error.status === undefined) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
