import type { ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';

/** Payload is one server-sent event as Dify writes it: one JSON object with its name inside. */
export type Payload = Readonly<Record<string, unknown>> & { readonly event: string };

const content = new Set(['message', 'agent_message', 'text_chunk', 'workflow_finished', 'message_end', 'error']);

const opened = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  response.flushHeaders();
};

/**
 * streamed answers with server-sent events, `data: {…}` and a blank line each, and a bare `event: ping` every so often.
 * A dropped stream is cut before its first content. `greets` begins with a ping; `gone` fires when the caller hangs up.
 */
export const streamed = (
  options: { readonly pingMs: number; readonly greets: boolean; readonly dropped: boolean; readonly answered: () => void },
  talk: (say: (payload: Payload) => void, gone: AbortSignal) => Promise<void>,
): Answer => ({
  write: async (response) => {
    opened(response);
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    if (options.greets) response.write('event: ping\n\n');
    const ping = setInterval(() => response.write('event: ping\n\n'), options.pingMs);
    const say = (payload: Payload): void => {
      if (options.dropped && content.has(payload.event)) response.destroy();
      if (!response.destroyed) response.write(`data: ${JSON.stringify(payload)}\n\n`);
    };
    try {
      await talk(say, gone.signal);
    } finally {
      clearInterval(ping);
    }
    if (response.destroyed) return;
    options.answered();
    response.end();
  },
});

/** cut ends a connection without an answer. */
export const cut: Answer = {
  write: async (response) => {
    response.destroy();
  },
};
