import type { PullRequest } from '@sluice/core';

/** hashOf is a text that is a commit's hash, else empty. Bitbucket shortens hashes; zeros stand for no commit. */
const hashOf = (text = ''): string => (/^[0-9a-f]{7,64}$/.test(text) && !/^0+$/.test(text) ? text : '');

/** Told is what a CI tells of the two ends of a change. */
export interface Told {
  readonly branch?: string | undefined;
  readonly commit?: string | undefined;
  readonly head?: string | undefined;
}

/** endsOf are the two ends of a change as a pull request has them. What is blank, or no hash, is not told. */
export const endsOf = ({ branch = '', commit, head }: Told): Pick<PullRequest, 'base' | 'head'> => {
  const base = { branch: branch.replace(/^refs\/heads\//, ''), commit: hashOf(commit) };
  return {
    ...(base.branch === '' && base.commit === '' ? {} : { base }),
    ...(hashOf(head) === '' ? {} : { head: hashOf(head) }),
  };
};
