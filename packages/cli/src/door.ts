import {
  categories,
  commandShapeOf,
  defectOf,
  endedBy,
  exitCode,
  parseArguments,
  problemLines,
  resultOf,
  type AnyStep,
  type Arguments,
  type CommandShape,
  type Host,
  type Outcome,
  type StepEnding,
  type StepResult,
} from '@sluice/core';
import { detectHost, installCancellation } from '@sluice/hosts';
import { steps } from '@sluice/steps';
import { version } from './connection.ts';
import { overview, rehearseHelp, stepHelp } from './help.ts';
import { runStepCommand, type Signals } from './step-command.ts';

/** graceMs is how long connections outlive a cancelled run: GitHub kills a job 10 s after the first signal. */
const graceMs = 9000;

const shapes: readonly CommandShape[] = [
  ...steps.map((step) => ({ ...commandShapeOf(step), positionals: 1 })),
  { name: 'rehearse', flags: { environment: 'value', candidate: 'value' }, positionals: 1 },
  { name: 'lab', flags: {} },
  { name: 'help', flags: {}, positionals: 1 },
  { name: 'version', flags: {} },
];

const sluiceResult = (ending: StepEnding): StepResult => resultOf('sluice', ending, {}, new Date(), 0);

const signalsOf = (cancelled: AbortSignal): Signals => {
  const connection = new AbortController();
  cancelled.addEventListener('abort', () => setTimeout(() => connection.abort(), graceMs).unref(), { once: true });
  return { signal: cancelled, connection: connection.signal };
};

const stepNamed = (name: string): AnyStep | undefined => steps.find((step) => step.name === name);

const helpText = (given: Arguments): string => {
  const topic = given.command === 'help' ? given.positionals[0] : given.command;
  const step = stepNamed(topic ?? '');
  if (step !== undefined) return stepHelp(step);
  return topic === 'rehearse' ? rehearseHelp() : overview(steps);
};

const rehearseCommand = async (host: Host, given: Arguments, signal: AbortSignal): Promise<StepResult> => {
  const { rehearse } = await import('./rehearse/rehearse.ts');
  const { environment, candidate } = given.flags;
  const [file] = given.positionals;
  const result = await rehearse(host, {
    signal,
    ...(file === undefined ? {} : { file }),
    ...(environment === undefined ? {} : { environment }),
    ...(candidate === undefined ? {} : { candidate }),
  });
  return result.ok ? result.value : resultOf('rehearse', endedBy(result.problem), {}, new Date(), 0);
};

/** dispatch runs the command and gives its result; undefined for commands that only print. */
const dispatch = async (host: Host, given: Arguments, signals: Signals): Promise<StepResult | undefined> => {
  const { command } = given;
  if (given.help || command === undefined || command === 'help') {
    host.print(helpText(given));
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
  const step = stepNamed(command);
  return step === undefined
    ? sluiceResult({ category: 'defect', reason: `the command ${command} has no implementation` })
    : runStepCommand(host, step, given, signals);
};

/** tell gives a result to the host: outputs and summary for CI systems, the document alone with --json, else the reason. */
const tell = async (host: Host, result: StepResult, json: boolean): Promise<void> => {
  await host.outputs({ ...result.outputs, status: result.status, category: result.category, reason: result.reason });
  if (result.step !== 'sluice') await host.summary((await import('@sluice/steps')).summaryOf(result));
  if (json) {
    host.print(`${JSON.stringify(result)}\n`);
    return;
  }
  const lines = result.problem === undefined ? [result.reason, ...(result.hint === '' ? [] : [`  next: ${result.hint}`])] : problemLines({ ...result.problem, reason: result.reason });
  for (const line of lines) host.log(line);
  if (result.category !== 'passed') host.log(`${result.step}: ${result.status}, exit code ${exitCode(result.category)} (${categories[result.category].meaning})`);
};

const parsed = (argv: readonly string[]): Outcome<Arguments> => parseArguments(argv, shapes);

/** enter runs one command line from the environment to the exit code; whatever is thrown on the way is a defect with a result. */
export const enter = async (argv: readonly string[], surroundings: NodeJS.Process): Promise<number> => {
  const json = argv.includes('--json');
  const host = await detectHost(surroundings.env, surroundings, { json });
  const cancellation = installCancellation(surroundings, (_signal, times) => {
    if (times > 2) surroundings.exit(exitCode('cancelled'));
  });
  try {
    const given = parsed(argv);
    const result = given.ok ? await dispatch(host, given.value, signalsOf(cancellation.signal)) : sluiceResult(endedBy(given.problem));
    if (result === undefined) return 0;
    await tell(host, result, json);
    return exitCode(result.category);
  } catch (error) {
    const result = sluiceResult(defectOf(error, (text) => host.redact(text)));
    await tell(host, result, json);
    return exitCode('defect');
  } finally {
    cancellation.uninstall();
    await host.close();
  }
};
