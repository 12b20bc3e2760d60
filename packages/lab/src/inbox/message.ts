/** Channel names a receiver of the inbox. */
export type Channel = 'slack' | 'dingtalk' | 'webhook';

/** InboxMessage is one message that was accepted. */
export interface InboxMessage {
  readonly channel: Channel;
  readonly title?: string;
  readonly text: string;
  /** at is milliseconds since 1970. */
  readonly at: number;
}

/** InboxRefusal is one message that was refused, and why. */
export interface InboxRefusal {
  readonly channel: Channel;
  readonly reason: string;
  readonly at: number;
}

/** Verdict is what a receiver makes of a request: the HTTP answer, and the message when it was accepted. */
export interface Verdict {
  readonly status: number;
  readonly body: string | object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly refused?: string;
  readonly message?: { readonly title?: string; readonly text: string };
}

export type JsonRecord = Readonly<Record<string, unknown>>;

/** isRecord tells objects from every other JSON value. */
export const isRecord = (value: unknown): value is JsonRecord => typeof value === 'object' && value !== null && !Array.isArray(value);

/** readRecord parses a JSON object; undefined for anything else. */
export const readRecord = (text: string): JsonRecord | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** textAt is a text that is not empty, undefined otherwise. */
export const textAt = (record: JsonRecord, key: string): string | undefined => {
  const value = record[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
};
