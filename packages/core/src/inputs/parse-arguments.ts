import { done, failed, type Outcome } from '../outcome.ts';
import { looksLikeSecretName } from '../secrets/secret-names.ts';
import { nearest } from '../text/nearest.ts';
import { oneLine } from '../text/one-line.ts';

/** CommandShape is what one command takes on the command line. */
export interface CommandShape {
  readonly name: string;
  /** flags are the names without `--`; a switch stands alone, a value follows the other ones. */
  readonly flags: Readonly<Record<string, 'value' | 'switch'>>;
  /** positionals is how many words may follow without a flag; 0 when absent. */
  readonly positionals?: number;
}

/** Arguments are a parsed command line. */
export interface Arguments {
  /** command is absent when only `--help` or nothing was given. */
  readonly command?: string;
  /** flags are the values given, `true` for a switch; of the common flags only those that the command lists as its own. */
  readonly flags: Readonly<Record<string, string>>;
  readonly positionals: readonly string[];
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly help: boolean;
}

const commonFlags: Readonly<Record<string, 'value' | 'switch'>> = { json: 'switch', 'dry-run': 'switch', help: 'switch' };

const refused = (reason: string, hint: string): Outcome<never> =>
  failed({ category: 'input', reason, tried: 'read the command line', hint });

const unknownCommand = (word: string, commands: readonly CommandShape[]): Outcome<never> => {
  const names = commands.map((command) => command.name);
  const near = nearest(word, names);
  return refused(`there is no command "${oneLine(word, 60)}"${near === undefined ? '' : `; did you mean "${near}"?`}`, `Commands: ${names.join(', ')}.`);
};

const unknownFlag = (name: string, known: readonly string[]): Outcome<never> => {
  if (looksLikeSecretName(name)) {
    return refused(`--${oneLine(name, 60)}: secrets are not taken on the command line`, 'Everybody on the machine can read a command line. Set the environment variable instead.');
  }
  const near = nearest(name, known);
  return refused(`there is no flag --${oneLine(name, 60)}${near === undefined ? '' : `; did you mean --${near}?`}`, `Flags: ${known.map((one) => `--${one}`).join(', ')}.`);
};

/** Word is one flag as it stands in the command line. */
interface Word {
  readonly name: string;
  readonly value?: string;
}

const flagWord = (word: string): Word => {
  const [, name, value] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  return { name: name ?? '', ...(value === undefined ? {} : { value }) };
};

const switchValue = ({ name, value }: Word): Outcome<string> => {
  if (value === undefined || ['', 'true', 'false'].includes(value)) return done(value ?? 'true');
  return refused(`--${name} must be true or false`, `Write --${name} alone to switch it on.`);
};

/**
 * parseArguments reads a command line without the program: `command --flag value --flag=value --switch word`. What
 * follows `--` is no flag. Unknown commands and flags are `input` problems with the nearest name; values are never shown.
 */
export const parseArguments = (argv: readonly string[], commands: readonly CommandShape[]): Outcome<Arguments> => {
  const [first, ...rest] = argv;
  const named = first === undefined || first.startsWith('-') ? undefined : first;
  const command = commands.find((one) => one.name === named);
  if (named !== undefined && command === undefined) return unknownCommand(named, commands);

  const words = named === undefined ? [...argv] : rest;
  const known: Readonly<Record<string, 'value' | 'switch'>> = { ...command?.flags, ...commonFlags };
  const flags = new Map<string, string>();
  const positionals: string[] = [];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--') {
      positionals.push(...words.splice(0));
      continue;
    }
    if (word === '-h') word = '--help';
    if (!word.startsWith('-') || word === '-') {
      positionals.push(word);
      continue;
    }
    const flag = flagWord(word);
    const kind = Object.hasOwn(known, flag.name) ? known[flag.name] : undefined;
    if (kind === undefined) return unknownFlag(word.startsWith('--') ? flag.name : word.slice(1), Object.keys(known));
    if (flags.has(flag.name)) return refused(`--${flag.name} is given twice`, 'Give it once.');
    const following = kind === 'value' && flag.value === undefined && words[0]?.startsWith('--') === false ? words.shift() : undefined;
    const value = kind === 'switch' ? switchValue(flag) : done(flag.value ?? following);
    if (!value.ok) return value;
    if (value.value === undefined) return refused(`--${flag.name} needs a value`, `Write --${flag.name} <value>.`);
    flags.set(flag.name, value.value);
  }
  const allowed = command?.positionals ?? 0;
  if (positionals.length > allowed) {
    return refused(`the command line has a word too many: "${oneLine(positionals[allowed] ?? '', 60)}"`, 'Values follow their flag, as in --environment staging.');
  }
  const isOn = (name: string): boolean => flags.get(name) === 'true';
  const own = [...flags].filter(([name]) => !Object.hasOwn(commonFlags, name) || Object.hasOwn(command?.flags ?? {}, name));
  return done({
    ...(named === undefined ? {} : { command: named }),
    flags: Object.fromEntries(own),
    positionals,
    json: isOn('json'),
    dryRun: isOn('dry-run'),
    help: isOn('help'),
  });
};
