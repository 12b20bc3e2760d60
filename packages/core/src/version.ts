/** draft is the id of the version that is deployed but not published: Dify's draft, AgentRun's LATEST. */
export const draft = 'draft';

/** live asks for the address that users use, whichever version answers there. */
export const live = 'live';

/** Version is one state of an application that a platform can name and serve. */
export interface Version {
  /** id is the platform's own id; `draft` for the unpublished one. */
  readonly id: string;
  /** name is what people call it: Dify's marked name, AgentRun's number. */
  readonly name: string;
  /** digest identifies the content (`sha256:` and 64 hex digits), independent of ids and layout; absent when the platform does not show content. */
  readonly digest?: string;
  /** comment is the platform's free text, where marks are kept. It is untrusted. */
  readonly comment: string;
  /** publishedAt is ISO 8601 in UTC; empty for the draft. */
  readonly publishedAt: string;
}

/** Marks are what Sluice writes beside a version where the platform keeps text. */
export interface Marks {
  readonly commit?: string;
  /** verdict is how a version was judged; beside one that was put back it says how the version after it ended. */
  readonly verdict?: 'passed' | 'failed' | 'aborted' | 'inconclusive' | 'rolled-back';
  readonly runUrl?: string;
}
