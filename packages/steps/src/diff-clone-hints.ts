import type { Host } from '@sluice/core';

/** cloneHints say for each CI how the commits that a diff needs get into the clone. */
export const cloneHints: Readonly<Record<Host['name'], string>> = {
  github: 'Give actions/checkout `with: { fetch-depth: 0 }`.',
  gitlab: 'Give the job `variables: { GIT_DEPTH: 0 }`.',
  jenkins: 'In the branch source add "Advanced clone behaviours" without "Shallow clone", and "Specify ref specs" with `+refs/heads/*:refs/remotes/@{remote}/*`.',
  bitbucket: 'Give the step `clone: { depth: full }`.',
  circleci: 'Write `- checkout: { method: full }`: a blobless clone, the default, lacks the files of older commits.',
  yunxiao: 'Let the code source of the pipeline clone all commits: set no clone depth.',
  terminal: 'Fetch it: `git fetch --unshallow` for the older commits of a shallow clone, `git fetch origin` for branches.',
};

/** mergeBaseHint is how to name a base where the CI tells none. */
export const mergeBaseHint = 'Name it: `from: main...` compares with the commit where this branch left main.';
