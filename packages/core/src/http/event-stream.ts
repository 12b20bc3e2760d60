import { done, failed, type Outcome } from '../outcome.ts';
import type { Abort } from '../abort.ts';
import { bodyLimit, tooLarge } from './body.ts';
import type { ServerEvent } from './client.ts';
import { endedProblem, failureOf, type Attempted } from './failures.ts';
import { durationText } from '../config/duration.ts';

/** idleMs is how long a stream may bring nothing but pings. */
export const idleMs = 60_000;

interface EventStreamOptions {
  readonly abort: Abort;
  readonly attempted: Attempted;
  /** elapsed is milliseconds since the request was sent. */
  elapsed(): number;
}

/**
 * eventsOf reads server-sent events from a body. `ping` events are left out and do not keep the stream alive. The last
 * value is a problem when the stream was cut, silent for too long, too large or cancelled. It lets go of the connection at its end.
 */
export async function* eventsOf(body: AsyncIterable<unknown>, { abort, attempted, elapsed }: EventStreamOptions): AsyncGenerator<Outcome<ServerEvent>> {
  const { createParser } = await import('eventsource-parser');
  const arrived: ServerEvent[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event !== 'ping') arrived.push({ event: event ?? '', data, atMs: elapsed() });
    },
  });
  const decoder = new TextDecoder();
  let size = 0;
  abort.arm(idleMs);
  try {
    for await (const chunk of body) {
      if (!(chunk instanceof Uint8Array)) continue;
      size += chunk.byteLength;
      if (size > bodyLimit) {
        yield tooLarge(attempted);
        return;
      }
      parser.feed(decoder.decode(chunk, { stream: true }));
      if (arrived.length === 0) continue;
      // The reader of the events may take its time; only the server's silence counts.
      abort.disarm();
      for (const event of arrived.splice(0)) yield done(event);
      abort.arm(idleMs);
    }
  } catch (error) {
    const ending = abort.ended();
    const problem =
      ending === undefined
        ? failureOf(error, attempted)?.problem
        : endedProblem(ending, attempted, `the stream was silent for ${durationText(idleMs)}`);
    if (problem === undefined) throw error;
    yield failed(problem);
  } finally {
    abort.release();
  }
}
