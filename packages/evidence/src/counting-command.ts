import * as z from 'zod/mini';
import { clause, done, oneLine, type Arm, type CommandRunner, type CountingCommandConfig, type EvidenceSource, type Observation } from '@sluice/core';

/** CommandAccess is what running a counting command needs; `values` are the variables that its configuration names. */
export interface CommandAccess {
  readonly commands: CommandRunner;
  readonly folder: string;
  readonly values: Readonly<Record<string, string>>;
}

const count = z.int().check(z.gte(0));
const values = z._default(z.array(z.number().check(z.gte(0))), []);
const arm = z.strictObject({ answers: count, errors: count, latenciesMs: values, tokens: values });
const counts = z.union([z.strictObject({ missing: z.string().check(z.minLength(1)) }), z.strictObject({ stable: arm, candidate: arm })]);

type Counts = { readonly missing: string } | z.output<typeof counts>;

const expected = '{"stable": {"answers": 900, "errors": 3}, "candidate": {"answers": 100, "errors": 1}}';

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

const readCounts = (text: string): Counts => {
  const read = counts.safeParse(parsed(text)).data;
  if (read !== undefined) return read;
  return { missing: `the command printed ${text.trim() === '' ? 'nothing' : `"${oneLine(text, 80)}"`} and not JSON such as ${expected}` };
};

const noArm = (version: string): Arm => ({ version, answers: 0, errors: 0, latenciesMs: [], tokens: [] });

/**
 * countingCommand counts both versions by a command of the user's, which prints JSON: `stable` and `candidate`, each
 * with `answers`, `errors` and, if it has them, one of `latenciesMs` and `tokens` for each answer, or `missing` with the
 * reason why there are no counts. It is told by its environment what to count: SLUICE_STABLE and SLUICE_CANDIDATE are
 * the versions' ids, SLUICE_FROM (included) and SLUICE_TO (excluded) the window in milliseconds since 1970. An exit code
 * other than 0, anything else on its output, and no end within its time are `missing`.
 */
export const countingCommand = (name: string, config: CountingCommandConfig, { commands, folder, values: given }: CommandAccess, stable: string, candidate: string): EvidenceSource => {
  const run = async (from: number, to: number, signal: AbortSignal): Promise<Counts> => {
    const window = { SLUICE_STABLE: stable, SLUICE_CANDIDATE: candidate, SLUICE_FROM: String(from), SLUICE_TO: String(to) };
    const ran = await commands.run({ argv: config.run, folder, deadlineMs: config.within, environment: { ...given, ...window } }, signal);
    if (!ran.ok) return { missing: clause(ran.problem.reason) };
    const { code, stdout, stderr } = ran.value;
    if (code === 0) return readCounts(stdout);
    const said = oneLine(stderr, 200);
    return { missing: `the command ended with code ${code}${said === '' ? '' : `: ${clause(said)}`}` };
  };
  return {
    name,
    unit: config.unit,
    cost: '',
    observe: async (from, to, signal): Promise<Observation> => {
      const seen = await run(from, to, signal);
      const base = { source: name, unit: config.unit, from, to };
      if ('missing' in seen) return { ...base, stable: noArm(stable), candidate: noArm(candidate), missing: seen.missing };
      return { ...base, stable: { version: stable, ...seen.stable }, candidate: { version: candidate, ...seen.candidate } };
    },
    close: () => Promise.resolve(done(undefined)),
  };
};
