import type { Outcome } from './outcome.ts';

/** Question is one thing to ask a running application. */
export interface Question {
  /** query is the user's message; absent for workflow apps. */
  readonly query?: string;
  readonly inputs: Readonly<Record<string, string | number | boolean | readonly string[] | object>>;
  /** user is the end user's id; sticky gateways route by it. */
  readonly user: string;
  /** streaming asks for the answer as a stream; false for one blocking answer. */
  readonly streaming: boolean;
}

/** Reply is what came back: an application that answers with an error has replied, too. */
export interface Reply {
  /** failed is absent when the application answered; else the sentence that says how it failed. */
  readonly failed?: string;
  readonly text: string;
  /** outputs are a workflow's named outputs; empty for chats. */
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly latencyMs: number;
  /** firstTokenMs is the time to the first content, for streams. */
  readonly firstTokenMs?: number;
  readonly tokens?: number;
  /** version is the id of the version that answered, when the platform says so. */
  readonly version?: string;
  /** status is the HTTP status, 0 when there was no answer. */
  readonly status: number;
}

/** Opened is an address that serves only one version, for as long as it is open. */
export interface Opened {
  readonly version: string;
  /** how says by what means only that version answers, for people: "draft run through the console". */
  readonly how: string;
  /** ask sends one question. A problem means that it could not be asked at all (permission, unknown version). */
  ask(question: Question, signal: AbortSignal): Promise<Outcome<Reply>>;
  close(): Promise<Outcome<void>>;
}
