/** percentText writes a share from 0 to 1 for people, with at most one decimal: `12.5 %`. */
export const percentText = (share: number): string => `${Number((share * 100).toFixed(1))} %`;
