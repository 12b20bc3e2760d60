import {
  categories,
  commandShapeOf,
  defectOf,
  endedBy,
  exitCode,
  outputsOf,
  parseArguments,
  readSecretsDocument,
  resultOf,
  resultsFolder,
  systemClock,
  type Arguments,
  type CommandShape,
  type Host,
  type StepEnding,
  type StepResult,
} from '@sluice/core';
import { detectHost, installCancellation, type Cancellation } from '@sluice/hosts';
import { isStepName, loadStep, loadSteps, stepNames, summaryOf } from '@sluice/steps';
import { quotable, showable } from './quotable.ts';
import { warnUnwritten } from './recorded.ts';
import type { Signals } from './signals.ts';
import { runStepCommand } from './step-command.ts';
import { catchStrays } from './strays.ts';
import { version } from './version.ts';

/** graceMs is how long connections outlive a cancelled run: GitHub kills a job 10 s after the first signal. */
const graceMs = 9000;

const otherShapes: readonly CommandShape[] = [
  { name: 'rehearse', flags: { environment: 'value', candidate: 'value' }, positionals: 1 },
  { name: 'lab', flags: {} },
  { name: 'help', flags: {}, positionals: 1 },
  { name: 'version', flags: {} },
];

/** shapesFor are the shapes of all commands; of the steps only the one that was asked for is loaded. */
const shapesFor = async (word: string): Promise<readonly CommandShape[]> => {
  const wanted = isStepName(word) ? commandShapeOf(await loadStep(word)).flags : {};
  return [...stepNames.map((name) => ({ name, flags: name === word ? wanted : {}, positionals: 1 })), ...otherShapes];
};

const sluiceResult = (ending: StepEnding): StepResult => resultOf('sluice', ending, {}, new Date(), 0);

/** framed shows a result that no step's own frame has shown. */
const framed = (host: Host, result: StepResult): StepResult => {
  host.stepEnded(result);
  return result;
};

const signalsOf = (cancelled: AbortSignal): Signals => {
  const connection = new AbortController();
  cancelled.addEventListener('abort', () => setTimeout(() => connection.abort(), graceMs).unref(), { once: true });
  return { signal: cancelled, connection: connection.signal };
};

const helpText = async (given: Arguments): Promise<string> => {
  const { labHelp, overview, rehearseHelp, stepHelp } = await import('./help.ts');
  const topic = (given.command === 'help' ? given.positionals[0] : given.command) ?? '';
  if (isStepName(topic)) return stepHelp(await loadStep(topic));
  if (topic === 'rehearse') return rehearseHelp();
  return topic === 'lab' ? labHelp() : overview(await loadSteps());
};

const rehearseCommand = async (host: Host, given: Arguments, signal: AbortSignal): Promise<StepResult> => {
  const { rehearse } = await import('./rehearse/rehearse.ts');
  const { environment, candidate } = given.flags;
  const [file] = given.positionals;
  return rehearse(host, {
    signal,
    ...(file === undefined ? {} : { file }),
    ...(environment === undefined ? {} : { environment }),
    ...(candidate === undefined ? {} : { candidate }),
  });
};

/** dispatch runs the command and gives its result; undefined for commands that only print. */
const dispatch = async (host: Host, given: Arguments, signals: Signals): Promise<StepResult | undefined> => {
  const { command } = given;
  if (given.help || command === undefined || command === 'help') {
    host.print(await helpText(given));
    return undefined;
  }
  if (command === 'version') {
    host.print(`${version}\n`);
    return undefined;
  }
  if (command === 'lab') {
    await (await import('./lab-command.ts')).keepLab(host, given.json, signals.signal);
    return undefined;
  }
  if (command === 'rehearse') return rehearseCommand(host, given, signals.signal);
  if (isStepName(command)) return runStepCommand(host, await loadStep(command), given, signals);
  return sluiceResult({ category: 'defect', reason: `the command ${command} has no implementation` });
};

/** documentText is the document in one line. GitHub's runner obeys `##[` anywhere in a line, and a document quotes servers. */
const documentText = (result: StepResult): string => `${JSON.stringify(result).replaceAll('##', '#\\u0023')}\n`;

/** tell gives a result to the host: outputs and summary for CI systems, and the document alone with --json. */
const tell = async (host: Host, ended: StepResult, json: boolean): Promise<void> => {
  const result = quotable(host, ended);
  const { filesUrl } = host.context;
  await host.outputs(outputsOf(result));
  if (host.context.onCi) await host.summary(await summaryOf(showable(host, ended), filesUrl === undefined ? {} : { filesUrl }));
  if (json) host.print(documentText(result));
  if (result.category !== 'passed') host.log(`exit code ${exitCode(result.category)}: ${categories[result.category].meaning}`);
};

/** spelled is a command line in which the command stands that its first word is short for. */
const spelled = (line: readonly string[]): readonly string[] => (line[0] === '--version' || line[0] === '-v' ? ['version', ...line.slice(1)] : line);

const runCommand = async (host: Host, line: readonly string[], signal: AbortSignal): Promise<StepResult | undefined> => {
  const argv = spelled(line);
  const given = parseArguments(argv, await shapesFor(argv[0] ?? ''));
  return given.ok ? dispatch(host, given.value, signalsOf(signal)) : framed(host, sluiceResult(endedBy(given.problem)));
};

/** tellDefect makes a result of what was thrown and leaves it in the results folder too, since its hint sends people there. */
const tellDefect = async (host: Host, error: unknown, json: boolean): Promise<void> => {
  const result = framed(host, sluiceResult(defectOf(error, (text) => host.redact(text))));
  const note = (line: string): void => host.log(line);
  const written = await resultsFolder(host.resultsFolder, (text) => host.redact(text), note).write(result);
  if (!written.ok) warnUnwritten(host, written.problem);
  await tell(host, result, json);
};

/** windDown tells a command that an error went past to end, so that its servers are closed and its folders removed, and waits for that. */
const windDown = async (running: Promise<unknown>, cancellation: Cancellation): Promise<void> => {
  cancellation.cancel();
  const ended = new AbortController();
  const end = (): void => ended.abort();
  running.then(end, end);
  await systemClock().sleep(graceMs, ended.signal);
};

/** enter runs one command line from the environment to the exit code; whatever is thrown on the way is a defect with a result. */
export const enter = async (argv: readonly string[], surroundings: NodeJS.Process): Promise<number> => {
  const json = argv.includes('--json');
  const secrets = readSecretsDocument(surroundings.env);
  const host = await detectHost(secrets.ok ? secrets.value.environment : surroundings.env, surroundings, { json, folder: surroundings.cwd() });
  for (const secret of secrets.ok ? secrets.value.secrets : [surroundings.env['SLUICE_SECRETS'] ?? '']) host.mask(secret);
  const strays = catchStrays(surroundings);
  const cancellation = installCancellation(surroundings, (_signal, times) => {
    if (times > 2) surroundings.exit(exitCode('cancelled'));
  });
  const running = secrets.ok ? runCommand(host, argv, cancellation.signal) : Promise.resolve(framed(host, sluiceResult(endedBy(secrets.problem))));
  try {
    const result = await Promise.race([running, strays.thrown]);
    if (result === undefined) return 0;
    await tell(host, result, json);
    return exitCode(result.category);
  } catch (error) {
    await windDown(running, cancellation);
    await tellDefect(host, error, json);
    return exitCode('defect');
  } finally {
    cancellation.uninstall();
    await host.close();
    strays.uninstall();
  }
};
