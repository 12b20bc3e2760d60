import { logLine, plainLine, type Redactor } from '@sluice/core';
import { flushed, type Streams, type Writer } from './streams.ts';

/** Voice is the one way out of a host: every text passes redaction, and every line is made harmless for CI logs. */
export interface Voice {
  /** log is the stream of lines: standard output, or standard error where standard output is for the document alone. */
  readonly log: Writer;
  line(text: string): void;
  /** command writes what a CI system reads; the caller has escaped every text in it. */
  command(text: string): void;
  /** print writes a text to standard output with its line breaks and one at its end. */
  print(text: string): void;
  /** clean is a text as `line` writes it. */
  clean(text: string): string;
  /** value is a text in one line, redacted, for files that a CI system reads. */
  value(text: string): string;
  flush(): Promise<void>;
}

/** createVoice makes a voice. Everything is written through `around`, which keeps a live display out of its way. */
export const createVoice = (streams: Streams, json: boolean, redactor: Redactor, around: (write: () => void) => void = (write) => write()): Voice => {
  const log = json ? streams.stderr : streams.stdout;
  // Twice: a secret of several lines is found before the line is made, one hidden by control characters after.
  const through = (make: (text: string) => string) => (text: string): string => redactor.redact(make(redactor.redact(text)));
  const clean = through(logLine);
  const put = (writer: Writer, text: string): void => around(() => void writer.write(text.endsWith('\n') ? text : `${text}\n`));
  return {
    log,
    clean,
    value: through(plainLine),
    line: (text) => put(log, clean(text)),
    command: (text) => put(log, text),
    print: (text) => put(streams.stdout, redactor.redact(text)),
    flush: () => flushed(streams),
  };
};
