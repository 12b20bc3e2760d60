import type { Host, HostContext, Status, StepResult } from '@sluice/core';
import { barText, fitColumns, type LiveLine } from './bar.ts';
import { changeRequestOf } from './change-request.ts';
import type { Part } from './excerpt-lines.ts';
import { plainDrawing, writeFinding, type Drawing } from './finding-lines.ts';
import { lineHost, type Environment, type HostParts } from './line-host.ts';
import type { Streams, Writer } from './streams.ts';
import { endingDetails, endingText } from './wording.ts';

const isOnCi = (environment: Environment): boolean => !['', 'false', '0'].includes(environment.CI ?? '');

/**
 * terminalContext knows whether a CI system runs this, which sets CI, and whether it does so for somebody's change, which
 * must be known on every CI: a change request is not trusted.
 */
export const terminalContext = (environment: Environment): HostContext => {
  const pullRequest = changeRequestOf(environment);
  return {
    commit: '',
    branch: '',
    tag: '',
    repository: '',
    actor: '',
    runUrl: '',
    runId: '',
    event: '',
    ...(pullRequest === undefined ? {} : { pullRequest }),
    onCi: isOnCi(environment) || pullRequest !== undefined,
  };
};

const isPlain = (environment: Environment): boolean => environment.TERM === 'dumb' || isOnCi(environment);

/** liveWriter is the stream that can redraw a line: where lines go if that is a terminal, else standard error if that is one. */
export const liveWriter = (environment: Environment, streams: Streams, json: boolean): Writer | undefined => {
  if (isPlain(environment)) return undefined;
  return (json ? [streams.stderr] : [streams.stdout, streams.stderr]).find((writer) => writer.isTTY === true);
};

/** partColours are those of severities and of what stands around an excerpt. */
const partColours: Readonly<Record<Part, number>> = { error: 31, warning: 33, notice: 36, gutter: 90 };

const colours: Readonly<Record<Status, number>> = { passed: 32, skipped: 90, failed: 31, error: 31, inconclusive: 33, cancelled: 33 };

const isColoured = (environment: Environment, log: Writer): boolean =>
  log.isTTY === true && (environment.NO_COLOR ?? '') === '' && !isPlain(environment);

/** endingLine is a step's last line; its status, which stands behind the step's name, may have a colour. */
const endingLine = (result: StepResult, clean: (text: string) => string, coloured: boolean): string => {
  const line = clean(endingText(result));
  const name = clean(result.step);
  if (!coloured || !line.startsWith(`${name} ${result.status}`)) return line;
  return `${name} \u001B[${colours[result.status]}m${result.status}\u001B[39m${line.slice(name.length + 1 + result.status.length)}`;
};

/** drawingOn is how findings are drawn on a stream: as wide as the terminal, with colours where it has some. */
const drawingOn = (environment: Environment, log: Writer): Drawing => ({
  columns: log.isTTY === true && !isPlain(environment) ? (log.columns ?? plainDrawing.columns) : plainDrawing.columns,
  paint: isColoured(environment, log) ? (text, part) => `\u001B[${partColours[part]}m${text}\u001B[39m` : plainDrawing.paint,
});

/** terminalHost writes a line a step, and progress as a bar that is redrawn in place; without a terminal, plain lines. */
export const terminalHost = (parts: HostParts, live: LiveLine | undefined): Host => {
  const { voice, environment } = parts;
  const plain = lineHost('terminal', terminalContext(environment), parts);
  return {
    ...plain,
    ...(live === undefined
      ? {}
      : {
          progress: ({ label, share, text }) => {
            const shown = { label: voice.clean(label), text: voice.clean(text), ...(share === undefined ? {} : { share }) };
            live.show((columns) => barText(shown, columns));
          },
          stepStarted: (step) => {
            const line = voice.clean(`${step} …`);
            live.show((columns) => fitColumns(line, columns));
          },
        }),
    annotate: (finding, shown) => (shown === undefined ? plain.annotate(finding) : writeFinding(voice, finding, shown, drawingOn(environment, voice.log))),
    stepEnded: (result) => {
      live?.end();
      voice.command(endingLine(result, voice.clean, isColoured(environment, voice.log)));
      for (const detail of endingDetails(result)) voice.line(detail);
    },
    // A person reads the reasons; outputs are for the jobs of a CI, and stand in the result document.
    outputs: () => Promise.resolve(),
    close: async () => {
      live?.end();
      await voice.flush();
    },
  };
};
