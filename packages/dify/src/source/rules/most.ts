import type { Finding } from '@sluice/core';

/** mostOfARule is how many findings of one rule and severity a person gets of one file. */
export const mostOfARule = 200;

/** atMost takes findings one by one, and of each rule and severity the first 200 alone; `all` says of the last how many more there are. */
export const atMost = (): { add(rule: string, severity: Finding['severity'], made: () => Finding): void; all(): readonly Finding[] } => {
  const found: Finding[] = [];
  const counts = new Map<string, { count: number; last: number }>();
  return {
    add: (rule, severity, made) => {
      const key = `${rule} ${severity}`;
      const { count, last } = counts.get(key) ?? { count: 0, last: 0 };
      const kept = count < mostOfARule;
      if (kept) found.push(made());
      counts.set(key, { count: count + 1, last: kept ? found.length - 1 : last });
    },
    all: () => {
      const more = new Map([...counts.values()].filter(({ count }) => count > mostOfARule).map(({ count, last }) => [last, count - mostOfARule]));
      return found.map((finding, index) => {
        const left = more.get(index);
        return left === undefined ? finding : { ...finding, message: `${finding.message} There are ${left} more of this rule, which are left out.` };
      });
    },
  };
};
