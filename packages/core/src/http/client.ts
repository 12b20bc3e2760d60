import type { Outcome } from '../outcome.ts';

/** HttpRequest is one request. The URL carries no credentials. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** body is text that is sent as it is; give `content-type` with it. */
  readonly body?: string;
  /**
   * credentials are `sent` where the body or a header of any name carries some, and `exchanged` where the answer hands
   * out others, too, as a login's. Those in the usual headers need not be said.
   */
  readonly credentials?: 'sent' | 'exchanged';
  /**
   * metadata requests go to the metadata service of the instance that this process runs on: to `instanceMetadata` and
   * nowhere else, never through a proxy. No other request may go there.
   */
  readonly metadata?: true;
  /** tried names the action in errors, as in "publish app 5f6c". */
  readonly tried: string;
  /** deadlineMs is for the whole call; 30 s when absent. For streams it is the time to the first byte. */
  readonly deadlineMs?: number;
  /** repeatable calls are tried again after 408, 429, 5xx and lost connections; GET is repeatable unless said otherwise. */
  readonly repeatable?: boolean;
  readonly signal?: AbortSignal;
}

/** HttpResponse is any answer that arrived whole; a status of 400 and above is an answer, too. */
export interface HttpResponse {
  readonly status: number;
  /** headers have lower-case names; several `set-cookie` lines are joined by a line feed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly durationMs: number;
}

/** ServerEvent is one server-sent event; `data` is its text, `event` its name or empty. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
  /** atMs is milliseconds since the request was sent. */
  readonly atMs: number;
}

/** EventStream is an answer with status 200 and `text/event-stream`, or a whole answer where the server did not stream. */
export type EventStream =
  | { readonly kind: 'events'; readonly status: number; readonly events: AsyncIterable<Outcome<ServerEvent>> }
  | { readonly kind: 'whole'; readonly response: HttpResponse };

/**
 * HttpClient sends requests over kept connections. Problems are for what never became an answer:
 * refused origin (`input`), unreachable or cut off (`platform`), deadline (`timeout`), cancelled (`cancelled`).
 * It follows no redirect to another origin (`platform`) and forwards no credentials.
 */
export interface HttpClient {
  send(request: HttpRequest): Promise<Outcome<HttpResponse>>;
  stream(request: HttpRequest): Promise<Outcome<EventStream>>;
  close(): Promise<void>;
}
