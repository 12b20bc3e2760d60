const longest = 200;

/** briefly is the first clause of a reason, for places where the whole of it has been said already. */
export const briefly = (reason: string): string => {
  const [first = ''] = reason.split('; ', 1);
  const letters = [...first];
  return letters.length <= longest ? first : `${letters.slice(0, longest - 1).join('')}…`;
};
