// What a release asks of the checkout that it is started in and of `origin`.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseVersion } from './release-version.js';

/** git gives what git says, trimmed; a command that fails ends the release with git's own words. */
export const git = (...argv) => execFileSync('git', argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();

/** succeeds says whether a program ends with 0; what it says is shown. */
export const succeeds = (program, ...argv) => spawnSync(program, argv, { stdio: ['ignore', 'inherit', 'inherit'], shell: process.platform === 'win32' }).status === 0;

/** remoteTags gives the tags of `origin`: the object of each, and the commit that it leads to. */
export const remoteTags = () => {
  const tags = new Map();
  for (const line of git('ls-remote', '--tags', 'origin').split('\n').filter((text) => text !== '')) {
    const [object, reference] = line.split('\t');
    const name = reference.replace(/^refs\/tags\//, '').replace(/\^\{\}$/, '');
    tags.set(name, { object: tags.get(name)?.object ?? object, commit: object });
  }
  return tags;
};

/** releasedVersions gives the versions that `origin` has as full tags, by tag. */
export const releasedVersions = (tags) =>
  new Map([...tags.keys()].map((name) => [name, name.startsWith('v') ? parseVersion(name.slice(1)) : undefined]).filter(([, version]) => version !== undefined));

/** isSigned fetches a tag and asks git whether a key of .github/allowed_signers, or one of the own GnuPG keyring, signed it. */
export const isSigned = (tag) => {
  git('fetch', '--quiet', '--no-tags', 'origin', `+refs/tags/${tag}:refs/tags/${tag}`);
  return isSignedHere(tag);
};

/** isSignedHere asks the same of a tag of this checkout. */
export const isSignedHere = (tag) => succeeds('git', '-c', 'gpg.ssh.allowedSignersFile=.github/allowed_signers', 'verify-tag', tag);

/** isAncestor says whether a commit lies on the way to another, or is it. Both have to be here. */
export const isAncestor = (commit, of) => succeeds('git', 'merge-base', '--is-ancestor', commit, of);

/** namedVersions gives the version by the place that names it; all have to be the same. */
export const namedVersions = () => {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  return {
    'package.json': JSON.parse(readFileSync('package.json', 'utf8')).version,
    'package-lock.json': lock.packages[''].version,
    'dist/index.js': execFileSync(process.execPath, ['dist/index.js', '--version'], { encoding: 'utf8' }).trim(),
  };
};
