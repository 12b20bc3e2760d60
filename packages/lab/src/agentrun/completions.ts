/** Completion is one answer of an agent, before it takes the shape of OpenAI's chat completions. */
export interface Completion {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly content: string;
  readonly finishReason: 'stop' | 'error';
  readonly usage: Usage;
}

/** Usage counts tokens. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** ChatRequest is the part of a chat completion request that the lab's agents look at. */
export interface ChatRequest {
  readonly query: string;
  readonly promptLength: number;
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

const textOf = (content: unknown): string => {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: unknown) => (isRecord(part) && typeof part['text'] === 'string' ? part['text'] : '')).join('');
};

/** readChat reads a request's body, or gives the sentence that refuses it. */
export const readChat = (body: Buffer): ChatRequest | string => {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return 'the body is not JSON';
  }
  const messages: unknown = isRecord(value) ? value['messages'] : undefined;
  if (!isRecord(value) || !Array.isArray(messages)) return 'messages is required';
  const texts = messages.map((message: unknown) => (isRecord(message) ? { role: message['role'], text: textOf(message['content']) } : undefined));
  const last = texts.findLast((message) => message?.role === 'user');
  if (last === undefined) return 'messages needs at least one message of role user';
  const options = value['stream_options'];
  return {
    query: last.text,
    promptLength: texts.reduce((sum, message) => sum + (message?.text.length ?? 0), 0),
    model: typeof value['model'] === 'string' ? value['model'] : 'agent',
    stream: value['stream'] === true,
    includeUsage: isRecord(options) && options['include_usage'] === true,
  };
};

const rightAnswer = (runtime: string, query: string): string => `${runtime}: You asked: ${query} This is the answer.`;

const wrongAnswer = 'The sea is calm tonight.';

const tokensOf = (length: number, factor: number): number => Math.max(1, Math.round(Math.ceil(length / 3) * factor));

/** complete answers a request. The text names the runtime and echoes the query; it says nothing about the version. */
export const complete = (
  runtime: string,
  request: ChatRequest,
  fate: { readonly wrong: boolean; readonly tokens: number; readonly failed: boolean },
  identity: { readonly id: string; readonly created: number },
): Completion => {
  const content = fate.wrong ? wrongAnswer : rightAnswer(runtime, request.query);
  const prompt = tokensOf(request.promptLength, fate.tokens);
  const completion = tokensOf(content.length, fate.tokens);
  return {
    ...identity,
    model: request.model,
    content: fate.failed ? 'Error: the agent failed while it worked on the answer' : content,
    finishReason: fate.failed ? 'error' : 'stop',
    usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
  };
};

/** wholeAnswer is the body of an answer that is not streamed. */
export const wholeAnswer = ({ id, created, model, content, finishReason, usage }: Completion): object => ({
  id,
  object: 'chat.completion',
  created,
  model,
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: finishReason }],
  usage,
});

/** Chunks are the events of a streamed answer in their order; the first content stands at the head of `rest`. */
export interface Chunks {
  readonly opening: string;
  readonly rest: readonly string[];
  readonly closing: readonly string[];
}

const event = (value: object | string): string => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;

/** streamedAnswer cuts an answer into server-sent events, closed by `[DONE]`; usage is sent only when it was asked for, as OpenAI does. */
export const streamedAnswer = (completion: Completion, includeUsage: boolean): Chunks => {
  const { id, created, model, content, finishReason, usage } = completion;
  const chunk = (choices: readonly object[], more: object = {}): string =>
    event({ id, object: 'chat.completion.chunk', created, model, choices, ...more });
  const delta = (value: object, reason: string | null = null): string => chunk([{ index: 0, delta: value, finish_reason: reason }]);
  // Cut by code points, so that no character is torn apart.
  const characters = Array.from(content);
  const pieces = Array.from({ length: Math.ceil(characters.length / 16) }, (_, index) =>
    characters.slice(index * 16, (index + 1) * 16).join(''),
  );
  return {
    opening: delta({ role: 'assistant', content: '' }),
    rest: pieces.map((piece) => delta({ content: piece })),
    closing: [delta({}, finishReason), ...(includeUsage ? [chunk([], { usage })] : []), event('[DONE]')],
  };
};
