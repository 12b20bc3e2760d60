import * as z from 'zod/mini';
import { oneLine, type EventStream, type HttpResponse, type Question, type Reply } from '@sluice/core';

const usage = z.nullish(z.looseObject({ total_tokens: z.optional(z.number()) }));
const failure = z.nullish(z.union([z.string(), z.looseObject({ message: z.optional(z.string()) })]));
const text = z.nullish(z.string());

/**
 * longestQuote bounds what is quoted of an answer. It is far beyond what anybody is shown: a quote is cut to its length
 * where it is shown, after it was redacted, because a cut can leave half a secret.
 */
const longestQuote = 4000;

const whole = z.looseObject({
  choices: z.nullish(z.array(z.looseObject({ message: z.nullish(z.looseObject({ content: text })), finish_reason: text }))),
  usage,
  error: failure,
});

const chunk = z.looseObject({
  choices: z.nullish(z.array(z.looseObject({ delta: z.nullish(z.looseObject({ content: text })), finish_reason: text }))),
  usage,
  error: failure,
});

const errorText = (error: z.output<typeof failure>): string | undefined => {
  if (error === null || error === undefined) return undefined;
  const message = typeof error === 'string' ? error : (error.message ?? 'an error without a message');
  return `the agent answered with an error: ${oneLine(message, longestQuote)}`;
};

/** chatBody is a question in the form of OpenAI's chat completions, which agents on AgentRun serve. */
export const chatBody = (model: string, query: string, question: Question): string =>
  JSON.stringify({
    model,
    messages: [{ role: 'user', content: query }],
    user: question.user,
    stream: question.streaming,
    ...(question.streaming ? { stream_options: { include_usage: true } } : {}),
  });

interface Seen {
  readonly text: string;
  readonly finish?: string | null | undefined;
  readonly error?: string | undefined;
  readonly tokens?: number | undefined;
}

/** faultOf says how an answer with status 200 failed all the same: agents report their own errors inside of it. */
const faultOf = ({ text: content, finish, error }: Seen): string | undefined => {
  if (error !== undefined) return error;
  if (finish === 'error') return `the agent ended with finish_reason "error"${content === '' ? '' : `: ${oneLine(content, longestQuote)}`}`;
  return content.trim() === '' ? 'the answer is empty' : undefined;
};

const replyOf = (seen: Seen, status: number, latencyMs: number, firstTokenMs?: number): Reply => {
  const fault = faultOf(seen);
  return {
    text: seen.text,
    outputs: {},
    latencyMs,
    status,
    ...(fault === undefined ? {} : { failed: fault }),
    ...(firstTokenMs === undefined ? {} : { firstTokenMs }),
    ...(seen.tokens === undefined ? {} : { tokens: seen.tokens }),
  };
};

/** failedReply is an answer that failed as a whole. */
export const failedReply = (reason: string, status: number, latencyMs: number): Reply => ({ failed: reason, text: '', outputs: {}, latencyMs, status });

const parseJson = (content: string): unknown => {
  try {
    return JSON.parse(content);
  } catch {
    // What is not JSON has no shape that fits, which the caller reports.
    return undefined;
  }
};

/** readWhole reads an answer that was not streamed. */
export const readWhole = (response: HttpResponse): Reply => {
  const { status, durationMs } = response;
  const parsed = whole.safeParse(parseJson(response.text));
  const excerpt = oneLine(response.text, longestQuote);
  if (status !== 200) {
    const said = parsed.success ? errorText(parsed.data.error) : undefined;
    return failedReply(`HTTP ${status}${said === undefined ? (excerpt === '' ? '' : `: ${excerpt}`) : `, ${said}`}`, status, durationMs);
  }
  if (!parsed.success) return failedReply(`the answer is not a chat completion: "${excerpt}"`, status, durationMs);
  const choice = parsed.data.choices?.[0];
  return replyOf(
    { text: choice?.message?.content ?? '', finish: choice?.finish_reason, error: errorText(parsed.data.error), tokens: parsed.data.usage?.total_tokens },
    status,
    durationMs,
  );
};

/** readStream reads a streamed answer to its end; a stream without `[DONE]` is cut off. */
export const readStream = async (stream: Extract<EventStream, { kind: 'events' }>): Promise<Reply> => {
  const { status } = stream;
  let content = '';
  let finish: string | null | undefined;
  let tokens: number | undefined;
  let firstTokenMs: number | undefined;
  let latencyMs = 0;
  for await (const event of stream.events) {
    if (!event.ok) return { ...failedReply(event.problem.reason, status, latencyMs), text: content };
    const { data, atMs } = event.value;
    latencyMs = atMs;
    if (data === '[DONE]') return replyOf({ text: content, finish, tokens }, status, latencyMs, firstTokenMs);
    const parsed = chunk.safeParse(parseJson(data));
    if (!parsed.success) return { ...failedReply(`the stream holds something that is not a chat completion: "${oneLine(data, longestQuote)}"`, status, latencyMs), text: content };
    const error = errorText(parsed.data.error);
    if (error !== undefined) return { ...failedReply(error, status, latencyMs), text: content };
    const choice = parsed.data.choices?.[0];
    const piece = choice?.delta?.content ?? '';
    if (piece !== '') firstTokenMs ??= atMs;
    content += piece;
    finish = choice?.finish_reason ?? finish;
    tokens = parsed.data.usage?.total_tokens ?? tokens;
  }
  return { ...failedReply('the stream ended before [DONE]', status, latencyMs), text: content };
};
