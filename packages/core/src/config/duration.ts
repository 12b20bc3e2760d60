const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** durationMs reads `250ms`, `30s`, `10m`, `1h`, `14d` or a bare number of seconds; undefined when it is none of these. */
export const durationMs = (value: string | number): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(String(value).trim());
  if (match === null) return undefined;
  const milliseconds = Number(match[1]) * (units[match[2] ?? 's'] ?? Number.NaN);
  return Number.isFinite(milliseconds) ? milliseconds : undefined;
};

/** durationText writes milliseconds for people: `850 ms`, `12.3 s`, `4 m 10 s`, `14 d`. */
export const durationText = (milliseconds: number): string => {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${Number((milliseconds / 1000).toFixed(1))} s`;
  const seconds = Math.round(milliseconds / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor((seconds % 86_400) / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's'],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
};
