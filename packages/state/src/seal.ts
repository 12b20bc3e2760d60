import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { EnvironmentRecord } from '@sluice/core';

/** Chain ties a stored record to the one before it. */
export interface Chain {
  /** sequence counts the writes of this record, from 1. */
  readonly sequence: number;
  /** previous is the seal of the record that this one took the place of; empty for the first. */
  readonly previous: string;
  /** write is random, so that no two writes are the same, whatever they say. */
  readonly write: string;
}

/** Link is what the next record must name of this one. */
export interface Link {
  readonly sequence: number;
  readonly seal: string;
}

/** Unsealed is the content of a stored text whose seal is whole; its shape is not checked yet. */
export interface Unsealed {
  readonly content: Readonly<Record<string, unknown>>;
  readonly link: Link;
  readonly previous: string;
}

const textOf = (content: unknown): string => `${JSON.stringify(content, null, 2)}\n`;

const keyed = 'hmac-sha256:';

const sealOf = (text: string, key: string | undefined): string =>
  key === undefined ? `sha256:${createHash('sha256').update(text).digest('hex')}` : `${keyed}${createHmac('sha256', key).update(text).digest('hex')}`;

/**
 * seal writes a record as text: the record, its place in the chain, and over both a SHA-256 or, with a key, an
 * HMAC-SHA256. Without a key it shows every change that did not compute the seal anew; with one, every change by
 * somebody who does not have the key, but for a whole earlier text that is put back.
 */
export const seal = (record: EnvironmentRecord, before: Link | undefined, key: string | undefined): string => {
  const chain: Chain = { sequence: (before?.sequence ?? 0) + 1, previous: before?.seal ?? '', write: randomBytes(8).toString('hex') };
  const content = { ...record, chain };
  return textOf({ ...content, seal: sealOf(textOf(content), key) });
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const chainOf = (chain: unknown): Chain | undefined => {
  if (!isObject(chain)) return undefined;
  const { sequence, previous, write } = chain;
  const whole = typeof sequence === 'number' && Number.isSafeInteger(sequence) && sequence > 0;
  return whole && typeof previous === 'string' && typeof write === 'string' ? { sequence, previous, write } : undefined;
};

/**
 * unseal takes a stored text apart, or says in a phrase what is wrong with it. The text must be, byte for byte, what
 * `seal` would have written: a blank more is a change, too.
 */
export const unseal = (text: string, key: string | undefined): Unsealed | string => {
  const whole = parsed(text);
  if (!isObject(whole)) return 'is not one that this version of Sluice wrote';
  const { seal: found, ...sealed } = whole;
  const chain = chainOf(sealed['chain']);
  if (typeof found !== 'string' || chain === undefined) return 'has no seal, so it was not written by this version of Sluice';
  if (found.startsWith(keyed) !== (key !== undefined)) {
    return key === undefined ? 'is sealed with a key, and SLUICE_STATE_KEY is not set' : 'is not sealed with the key of SLUICE_STATE_KEY';
  }
  if (textOf(whole) !== text || sealOf(textOf(sealed), key) !== found) return 'was changed by something else than Sluice: its seal does not fit';
  const { chain: _chain, ...content } = sealed;
  return { content, link: { sequence: chain.sequence, seal: found }, previous: chain.previous };
};
