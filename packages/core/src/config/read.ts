import { done, failed, type Outcome } from '../outcome.ts';
import { placeText, type Place, type Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import { complaintsOf, issueWords, typeWord, type Complaint } from '../schema/issues.ts';
import { knownKeys } from '../schema/known-keys.ts';
import { nearest } from '../text/nearest.ts';
import { oneLine } from '../text/one-line.ts';
import type { KeyPath } from '../yaml/places.ts';
import { readYaml } from '../yaml/read.ts';
import { configJsonSchema } from './json-schema.ts';
import { configSchema, type Config } from './schema.ts';

/** keyPathText writes a key path in words: `health > ask > entry 1 > query`. */
export const keyPathText = (path: KeyPath): string =>
  path.map((part) => (typeof part === 'number' ? `entry ${part + 1}` : oneLine(part, 60))).join(' > ');

const unknownKeyProblem = (path: KeyPath, key: string): Pick<Problem, 'reason' | 'hint'> => {
  const parent = path.slice(0, -1);
  const known = knownKeys(configJsonSchema(), parent);
  const near = nearest(key, known);
  const inside = parent.length === 0 ? '' : `${keyPathText(parent)}: `;
  return {
    reason: `${inside}the key "${oneLine(key, 60)}" is unknown${near === undefined ? '' : `; did you mean "${near}"?`}`,
    hint: `Known here are ${known.join(', ')}.`,
  };
};

const complaintProblem = ({ path, message, unknownKey }: Complaint): Pick<Problem, 'reason' | 'hint'> =>
  unknownKey === undefined
    ? {
        reason: oneLine(`${path.length === 0 ? 'the configuration' : keyPathText(path)} ${message}`, 300),
        hint: 'Correct the line; the documentation of sluice.yml lists what each key takes.',
      }
    : unknownKeyProblem(path, unknownKey);

const problemOf = (complaint: Complaint, place: Place): Problem => {
  const { reason, hint } = complaintProblem(complaint);
  return {
    category: 'input',
    reason: `${place.file}: ${reason}`,
    tried: 'read the configuration',
    where: placeText(place),
    place,
    ...(hint === undefined ? {} : { hint }),
  };
};

/** stepsComplaints checks that each canary's weights rise from above 0. */
const stepsComplaints = (config: Config): readonly Complaint[] =>
  Object.entries(config.environments).flatMap(([name, { canary }]) => {
    const steps = typeof canary === 'object' ? (canary.steps ?? []) : [];
    const wrong = steps.findIndex((weight, index) => weight <= (steps[index - 1] ?? 0));
    if (wrong === -1) return [];
    const message = wrong === 0 ? 'must be more than 0%' : 'must be more than the step before it';
    return [{ path: ['environments', name, 'canary', 'steps', wrong], message }];
  });

/**
 * readConfig reads the text of sluice.yml into a project; `folder` is absolute. Everything that is wrong is reported at
 * once, as one `input` problem with `others`, each with its line and column. Values are never shown: one may be a secret.
 */
export const readConfig = (file: string, text: string | Uint8Array, folder: string): Outcome<Project> => {
  const document = readYaml(file, text);
  if (!document.ok) return document;
  const { value, placeOf } = document.value;
  const parsed = configSchema.safeParse(value, { error: issueWords(typeWord) });
  const complaints = parsed.success ? stepsComplaints(parsed.data) : complaintsOf(parsed.error.issues);
  const problems = complaints
    .map((complaint) => ({ complaint, place: placeOf(complaint.path) }))
    .toSorted((one, other) => (one.place.line ?? 0) - (other.place.line ?? 0) || (one.place.column ?? 0) - (other.place.column ?? 0))
    .map(({ complaint, place }) => problemOf(complaint, place));
  const [first, ...others] = problems;
  if (first !== undefined) return failed(others.length === 0 ? first : { ...first, others });
  if (!parsed.success) throw new Error('the schema refused the configuration without saying why');
  return done({ config: parsed.data, folder, file, ...(typeof text === 'string' ? { text } : {}), placeOf });
};
