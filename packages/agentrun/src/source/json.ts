import { createHash } from 'node:crypto';
import type { Json } from '@sluice/core';

/** JsonRecord is a JSON object. */
export interface JsonRecord {
  readonly [key: string]: Json;
}

/** isRecord says whether a value is an object with keys. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** isJsonRecord is isRecord for values that are known to be JSON. */
export const isJsonRecord = (value: Json | undefined): value is JsonRecord => isRecord(value);

/** toJson gives the JSON that a value has; what JSON cannot hold is null. */
export const toJson = (value: unknown): Json => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(toJson);
  if (!isRecord(value)) return null;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, toJson(item)]])),
  );
};

const byCode = ([one]: readonly [string, Json], [other]: readonly [string, Json]): number => (one < other ? -1 : one > other ? 1 : 0);

/** sorted is the same JSON with the keys of every object in code point order. */
export const sorted = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(byCode)
      .map(([key, item]) => [key, sorted(item)]),
  );
};

/** canonicalJson writes JSON without layout, keys sorted, so that equal content gives equal text. */
export const canonicalJson = (value: Json): string => JSON.stringify(sorted(value));

/** sha256 is the digest of a text as `sha256:` and 64 hex digits. */
export const sha256 = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
