import type { Json } from '../result.ts';

/** redactedJson puts every text of a JSON value, keys too, through `redact`; the shape stays what it was. */
export const redactedJson = (value: unknown, redact: (text: string) => string): Json => {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map((one) => redactedJson(one, redact));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined).map(([key, one]) => [redact(key), redactedJson(one, redact)]));
  }
  return typeof value === 'number' || typeof value === 'boolean' ? value : null;
};
