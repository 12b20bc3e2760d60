import { done, failed, type Outcome } from '../outcome.ts';
import { shortestForm } from './forms.ts';
import type { SecretReader } from './reader.ts';

interface SecretReaderOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** environmentName is the selected environment's name, for `NAME_PRODUCTION`. */
  readonly environmentName?: string;
  /** mask hides a value in everything that is written from now on. */
  mask(value: string): void;
  /** note tells a person, once for each variable, what is odd about it; never its value. */
  note(line: string): void;
  /** offline readers read nothing: pull requests get no credentials. */
  readonly offline: boolean;
}

interface Found {
  readonly variable: string;
  readonly value: string;
}

/** createSecretReader makes the reader of secrets from environment variables. */
export const createSecretReader = (options: SecretReaderOptions): SecretReader => {
  const suffix = options.environmentName?.toUpperCase().replaceAll('-', '_');
  const namesOf = (name: string): readonly string[] => (suffix === undefined ? [name] : [`${name}_${suffix}`, name]);
  const noted = new Set<string>();

  const noteOnce = (variable: string, line: string): void => {
    const note = `${variable} ${line}`;
    if (noted.has(note)) return;
    noted.add(note);
    options.note(note);
  };

  const look = (name: string): Found | undefined => {
    for (const variable of namesOf(name)) {
      const raw = options.environment[variable];
      const value = raw?.trim() ?? '';
      if (raw === undefined || value === '') continue;
      options.mask(raw);
      if (raw !== value) noteOnce(variable, 'has blanks or line ends around its value; they are left out');
      if (value.length < shortestForm) noteOnce(variable, `has fewer than ${shortestForm} characters and cannot be hidden in logs`);
      return { variable, value };
    }
    return undefined;
  };

  const read = (name: string, purpose: string): Outcome<string> => {
    if (options.offline) {
      return failed({
        category: 'input',
        reason: 'no credentials are read for pull requests',
        tried: purpose,
        where: name,
        hint: 'Run this step on a branch of the repository itself.',
      });
    }
    const found = look(name);
    if (found !== undefined) return done(found.value);
    return failed({
      category: 'input',
      reason: `the secret ${name} is not set`,
      tried: purpose,
      where: name,
      hint: `Set ${namesOf(name).join(' or ')} as a secret of the CI and hand it to this step as an environment variable.`,
    });
  };

  return { read, find: (name) => (options.offline ? undefined : look(name)?.value) };
};
