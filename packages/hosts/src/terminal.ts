import type { Host, HostContext, Status } from '@sluice/core';
import { barText, type LiveLine } from './bar.ts';
import { lineHost, type Environment, type HostParts } from './line-host.ts';
import type { Streams, Writer } from './streams.ts';
import { endingDetails, endingText } from './wording.ts';

/** terminalContext knows nothing but whether a CI system runs this, which sets CI. */
export const terminalContext = (environment: Environment): HostContext => ({
  commit: '',
  branch: '',
  tag: '',
  repository: '',
  actor: '',
  runUrl: '',
  runId: '',
  event: '',
  onCi: !['', 'false', '0'].includes(environment.CI ?? ''),
});

const isPlain = (environment: Environment): boolean => environment.TERM === 'dumb' || terminalContext(environment).onCi;

/** liveWriter is the stream that can redraw a line: where lines go if that is a terminal, else standard error if that is one. */
export const liveWriter = (environment: Environment, streams: Streams, json: boolean): Writer | undefined => {
  if (isPlain(environment)) return undefined;
  return (json ? [streams.stderr] : [streams.stdout, streams.stderr]).find((writer) => writer.isTTY === true);
};

const colours: Readonly<Record<Status, number>> = { passed: 32, skipped: 90, failed: 31, error: 31, inconclusive: 33, cancelled: 33 };

const isColoured = (environment: Environment, log: Writer): boolean =>
  log.isTTY === true && (environment.NO_COLOR ?? '') === '' && !isPlain(environment);

/** terminalHost writes a line a step, and progress as a bar that is redrawn in place; without a terminal, plain lines. */
export const terminalHost = (parts: HostParts, live: LiveLine | undefined): Host => {
  const { voice, environment } = parts;
  const plain = lineHost('terminal', terminalContext(environment), parts);
  return {
    ...plain,
    ...(live === undefined
      ? {}
      : {
          progress: (progress) => live.show(voice.clean(barText(progress))),
          stepStarted: (step) => live.show(voice.clean(`${step} …`)),
        }),
    stepEnded: (result) => {
      const line = voice.clean(endingText(result));
      if (isColoured(environment, voice.log)) voice.command(`\u001B[${colours[result.status]}m${line}\u001B[0m`);
      else voice.line(line);
      for (const detail of endingDetails(result)) voice.line(detail);
    },
    // A person reads the reasons; outputs are for the jobs of a CI, and stand in the result document.
    outputs: () => Promise.resolve(),
    close: async () => {
      live?.hide();
      await voice.flush();
    },
  };
};
