/** perCent reads `5%`, `0.5 %` or a bare number as per cent, from 0 to 100; undefined when it is none of these. */
export const perCent = (value: string | number): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)\s*%?$/.exec(String(value).trim());
  if (match === null) return undefined;
  const parsed = Number(match[1]);
  return parsed <= 100 ? parsed : undefined;
};
