import { failed, done, type Outcome } from '@sluice/core';

/** webhookUrl parses the value of a variable that should hold a webhook's address; the problem never shows the value. */
export const webhookUrl = (value: string, variable: string): Outcome<URL> => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return done(url);
  return failed({
    category: 'input',
    reason: `${variable} does not hold a web address`,
    hint: `Set ${variable} to the webhook's whole address, beginning with https://.`,
  });
};

/** withoutMentions breaks every @ with a zero-width space, so that no name behind it is called. */
export const withoutMentions = (codePoint: string): string => (codePoint === '@' ? '@\u200b' : codePoint);
