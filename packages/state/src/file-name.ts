import { createHash } from 'node:crypto';

/** contentHash is the SHA-256 of a text, in hex; it is a record's revision. */
export const contentHash = (text: string): string => createHash('sha256').update(text).digest('hex');

const slug = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);

/** fileName names a record's file: a slug of both names for people, and a hash of them, so that no two share a file. */
export const fileName = (application: string, environment: string): string => {
  const hash = contentHash(JSON.stringify([application, environment])).slice(0, 12);
  return `${[slug(environment), slug(application), hash].filter((part) => part !== '').join('.')}.json`;
};
