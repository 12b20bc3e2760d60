import type { Finding, Shown } from './finding.ts';
import type { Outcome } from './outcome.ts';
import type { Outputs, StepResult } from './result.ts';

/** PullRequestBase is what a change is to be merged into; a name or a hash that the CI does not tell is empty. */
export interface PullRequestBase {
  /** branch is the short name of the target branch. */
  readonly branch: string;
  /** commit is a hash, which Bitbucket shortens: the newest of the target branch, or, on GitLab, the one that the change began from. */
  readonly commit: string;
}

/** PullRequest is the change request that started this run. */
export interface PullRequest {
  readonly number: number;
  /** fork is true when the change comes from another repository, and so has no secrets. */
  readonly fork: boolean;
  /** base is absent where the CI tells nothing of it. */
  readonly base?: PullRequestBase;
  /** head is the hash of the change's own newest commit, where the CI checks out a merge of it into the base. */
  readonly head?: string;
}

/** HostContext is what a CI system knows about the run, read once from the environment. */
export interface HostContext {
  /** commit is a full hash, empty when unknown. */
  readonly commit: string;
  /** branch is a branch's short name; empty for tags and pull requests. */
  readonly branch: string;
  readonly tag: string;
  readonly repository: string;
  readonly actor: string;
  readonly runUrl: string;
  readonly runId: string;
  /** jobId tells this job from others of the same run; absent where the CI has none. */
  readonly jobId?: string;
  /** subfolder leads from the root of the repository to the working directory, with slashes; absent at the root, or where that is not known. */
  readonly subfolder?: string;
  /** filesUrl is the address of the repository's files at the commit, without a slash at its end; absent where that is not known. */
  readonly filesUrl?: string;
  readonly event: string;
  readonly pullRequest?: PullRequest;
  /** onCi is false only on a person's terminal. */
  readonly onCi: boolean;
}

/** Progress is where a step that takes time stands. */
export interface Progress {
  /** label names what is going on; the same label replaces its line on a terminal. */
  readonly label: string;
  /** share is between 0 and 1, for a bar; absent when the end is not known. */
  readonly share?: number;
  /** text is the rest of the line. */
  readonly text: string;
}

/** DeploymentState is what a CI system's deployments page shows. */
export interface DeploymentState {
  readonly environment: string;
  readonly state: 'in_progress' | 'success' | 'failure' | 'inactive';
  readonly url?: string;
  readonly description: string;
}

/** CommentSection is what one step says in a project's one comment on a pull request. */
export interface CommentSection {
  /** marker names the project; each has a comment of its own. */
  readonly marker: string;
  /** section names the step and its environment; a later one of this name takes its place. */
  readonly section: string;
  readonly markdown: string;
}

/** Host is where the process runs. All text passes its redaction before it leaves the process. */
export interface Host {
  readonly name: 'terminal' | 'github' | 'gitlab' | 'jenkins' | 'bitbucket' | 'circleci' | 'yunxiao';
  readonly context: HostContext;
  /** environment is the process's environment as read at the door; only the door and secret readers look into it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** folder is the working directory, in full; relative paths that people give are read from it. */
  readonly folder: string;
  /** resultsFolder is where the result documents of this job are. */
  readonly resultsFolder: string;

  log(line: string): void;
  /** notice, warning and error also mark the file and line where the CI can; `shown` is written below, for people. */
  annotate(finding: Finding, shown?: Shown): void;
  warn(message: string): void;
  group<T>(title: string, work: () => Promise<T>): Promise<T>;
  /** mask hides a secret and all its derived forms in everything that is written from now on. */
  mask(secret: string): void;
  redact(text: string): string;
  progress(progress: Progress): void;
  /** stepStarted and stepEnded frame one step; release calls them for each step that it composes. */
  stepStarted(step: string): void;
  stepEnded(result: StepResult): void;
  outputs(outputs: Outputs): Promise<void>;
  summary(markdown: string): Promise<void>;
  /** print writes a result to standard output, redacted, with nothing around it. */
  print(text: string): void;
  /** close ends live displays and flushes. */
  close(): Promise<void>;

  readonly identityToken?: (audience: string) => Promise<Outcome<string>>;
  /** comment writes a section of the project's one comment on the pull request. */
  readonly comment?: (section: CommentSection) => Promise<Outcome<void>>;
  readonly deployment?: (state: DeploymentState) => Promise<Outcome<void>>;
}
