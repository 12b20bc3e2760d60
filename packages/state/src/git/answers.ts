import { oneLine, type CommandAnswer, type Problem } from '@sluice/core';
import { withoutCredentials } from './remote.ts';

/** Refusal is why git could not do what it was asked to do with the other repository. */
export interface Refusal {
  /**
   * kind: `raced` somebody else pushed first; `refused` the server read the push and said no; `denied` these credentials
   * may not; `missing` there is no such repository; `unreachable` no answer, or none that says what happened; `unusable` git itself does not work here.
   */
  readonly kind: 'raced' | 'refused' | 'denied' | 'missing' | 'unreachable' | 'unusable';
  /** said is the server's, or git's, own sentence. */
  readonly said: string;
}

const remoteLines = (stderr: string): readonly string[] =>
  stderr
    .split(/\r?\n|\r/)
    .filter((line) => line.startsWith('remote: '))
    .map((line) => line.slice('remote: '.length).trim())
    // Hosts frame what they say with rulers and empty lines.
    .filter((line) => /[\p{L}\p{N}]/u.test(line) && !/^(resolving deltas|counting objects|compressing|enumerating)/i.test(line));

const ownLine = (stderr: string): string => {
  const lines = stderr.split(/\r?\n|\r/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('remote: '));
  return lines.find((line) => /^(fatal|error): /.test(line)) ?? lines.at(-1) ?? '';
};

/** saidBy is what the server said, else git, in one line without credentials. */
const saidBy = (stderr: string): string => {
  const server = remoteLines(stderr);
  return oneLine(withoutCredentials(server.length > 0 ? server.join(' ') : ownLine(stderr)), 400);
};

const denied = /authentication failed|could not read (username|password)|invalid credentials|permission (to \S+ )?denied|access denied|returned error: 40[13]|not allowed to (push|upload)|not authorized|publickey|host key verification failed|write access to repository not granted|insufficient_scope/i;
const missing = /repository not found|repository .* not found|does not appear to be a git repository|returned error: 404|project you were looking for could not be found/i;
const unusable = /not a git command|unknown (option|switch)|usage: git|dubious ownership|unable to find remote helper/i;

/** raced are the reasons in brackets behind a rejected branch that mean that somebody else was first. */
const raced = /^(fetch first|non-fast-forward|stale info|already exists|failed to update ref|cannot lock ref.*|incorrect old value provided|reference already exists|remote ref updated since checkout|failed to lock|atomic push failed)$/i;

/** refusalOf tells from git's exit code and words, in English, why it failed; undefined when it did not. */
export const refusalOf = ({ code, stdout, stderr }: CommandAnswer): Refusal | undefined => {
  // With --porcelain a branch that was not taken is a line `!<tab>from:to<tab>[rejected] (why)`.
  const rejected = /^!\t[^\t]*\t\[[^\]]*\](?: \((.*)\))?/m.exec(stdout);
  if (rejected !== null) {
    const why = rejected[1] ?? '';
    if (raced.test(why)) return { kind: 'raced', said: why };
    const server = remoteLines(stderr);
    return { kind: 'refused', said: oneLine(withoutCredentials(server.length > 0 ? `${server.join(' ')} (${why})` : why), 400) };
  }
  if (code === 0) return undefined;
  const said = saidBy(stderr);
  const kind = missing.test(stderr) ? 'missing' : denied.test(stderr) ? 'denied' : unusable.test(stderr) ? 'unusable' : 'unreachable';
  return { kind, said };
};


/** refusalProblem is a refusal for people; `rights` says what to add where the credentials do not suffice. */
export const refusalProblem = ({ kind, said }: Refusal, tried: string, where: string, rights: string): Problem => {
  const answer = said === '' ? {} : { answer: { message: said } };
  const base = { tried, where, ...answer };
  switch (kind) {
    case 'raced':
      return { ...base, category: 'conflict', reason: 'other runs kept writing to the branch of the state', hint: 'Run again.' };
    case 'refused':
      return { ...base, category: 'permission', reason: `the server refused the push to the branch of the state: ${said}`, hint: `A hook or a protection of that branch says no. Let this run push to it, without a pull request and without signed commits. ${rights}` };
    case 'denied':
      return { ...base, category: 'permission', reason: 'these credentials may not use the branch of the state', hint: rights };
    case 'missing':
      return { ...base, category: 'permission', reason: 'there is no repository for the state at this address, or these credentials may not see it', hint: rights };
    case 'unusable':
      return { ...base, category: 'input', reason: `git does not work on this machine: ${said}`, hint: 'Run `git --version` and `git ls-remote` by hand as the user of this job.' };
    case 'unreachable':
      return { ...base, category: 'platform', reason: 'the repository of the state did not answer as git expects', hint: 'Nothing is known of the lease and the last release until it does. Look at the address and the network, then run again.' };
  }
};
