const secretWords = new Set([
  'token', 'tokens', 'password', 'passwd', 'passphrase', 'pwd', 'secret', 'secrets', 'key', 'keys', 'apikey', 'accesskey',
  'credential', 'credentials', 'auth', 'authorization', 'cookie', 'webhook', 'pat', 'private',
]);

/** wordsOf are the words of a name such as `api-key`, `dingtalkToken` or `DIFY_PASSWORD`, in lower case. */
export const wordsOf = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);

/** looksLikeSecretName tells whether a name such as `api-key`, `dingtalkToken` or `DIFY_PASSWORD` promises a secret. */
export const looksLikeSecretName = (name: string): boolean => wordsOf(name).some((word) => secretWords.has(word));
