import { done, failed, type Outcome } from '../outcome.ts';
import { oneLine } from '../text/one-line.ts';
import { isOwnVariable, isVariableName } from './own-variables.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** SecretsDocument is an environment with the variables of SLUICE_SECRETS in it, and their values, which are to be masked. */
export interface SecretsDocument {
  readonly environment: Environment;
  readonly secrets: readonly string[];
}

/** ours are the variables of Sluice that stand beside secrets in a CI's protected environment. */
const ours: readonly string[] = ['SLUICE_HOSTS', 'SLUICE_STATE', 'SLUICE_STATE_KEY', 'SLUICE_STATE_TOKEN'];

const refused = (reason: string): Outcome<never> =>
  failed({
    category: 'input',
    reason,
    tried: 'read SLUICE_SECRETS',
    hint: 'SLUICE_SECRETS is one JSON object of variables and their values, such as {"DIFY_EMAIL": "…", "DIFY_PASSWORD": "…"}. Nothing of it is shown here.',
  });

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

const valueFault = (name: string, value: unknown): string | undefined => {
  if (!isVariableName(name)) return `SLUICE_SECRETS has "${oneLine(name, 60)}", which cannot be the name of an environment variable`;
  if (isOwnVariable(name) && !ours.includes(name)) return `SLUICE_SECRETS may not set ${name}, one of the CI's or Sluice's own variables`;
  return typeof value === 'string' && !value.includes('\0') ? undefined : `SLUICE_SECRETS has ${name}, whose value is no text`;
};

/**
 * readSecretsDocument puts the variables of SLUICE_SECRETS into an environment, for CI systems where a job can be given
 * one declared secret alone, as GitHub's reusable workflows can. A variable that is set otherwise, and not empty, wins.
 * A document that is none is an `input` problem that repeats nothing of it.
 */
export const readSecretsDocument = (environment: Environment): Outcome<SecretsDocument> => {
  const { SLUICE_SECRETS: text = '', ...rest } = environment;
  if (text.trim() === '') return done({ environment, secrets: [] });
  const document = parsed(text);
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return refused('SLUICE_SECRETS is not a JSON object');
  const entries: readonly (readonly [string, unknown])[] = Object.entries(document);
  for (const [name, value] of entries) {
    const fault = valueFault(name, value);
    if (fault !== undefined) return refused(fault);
  }
  const given = entries.map(([name, value]) => [name, String(value)] as const);
  const set = Object.entries(rest).filter(([, value]) => value !== undefined && value !== '');
  return done({
    environment: { ...rest, ...Object.fromEntries(given), ...Object.fromEntries(set) },
    secrets: [text, ...given.filter(([name]) => !['SLUICE_HOSTS', 'SLUICE_STATE'].includes(name)).map(([, value]) => value)],
  });
};
