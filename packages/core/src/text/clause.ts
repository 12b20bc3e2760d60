/** clause is a reason without a full stop at its end, so that it can stand inside another one; an ellipsis stays. */
export const clause = (reason: string): string => reason.replace(/(?<!\.)\.$/, '');
