import type { Faults } from './faults.ts';

const shares = ['errors', 'wrong', 'throttled', 'dropped'] as const satisfies readonly (keyof Faults)[];
const amounts = ['latency', 'latencyMs', 'firstTokenMs', 'tokens'] as const satisfies readonly (keyof Faults)[];
const names: readonly string[] = [...shares, ...amounts];

/** readFaults reads faults from JSON, or gives the sentence that says what is wrong with them. */
export const readFaults = (value: unknown): Faults | string => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'faults must be an object';
  const entries: [string, unknown][] = Object.entries(value);
  const unknown = entries.find(([name]) => !names.includes(name));
  if (unknown !== undefined) return `unknown fault "${unknown[0]}"; there are ${names.join(', ')}`;
  const faults: Record<string, number> = {};
  for (const [name, amount] of entries) {
    const most = shares.some((share) => share === name) ? 1 : Number.MAX_SAFE_INTEGER;
    if (typeof amount !== 'number' || !(amount >= 0 && amount <= most)) {
      return `${name} must be a number ${most === 1 ? 'from 0 to 1' : 'of 0 or more'}`;
    }
    faults[name] = amount;
  }
  return faults;
};
