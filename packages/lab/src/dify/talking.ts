import { randomUUID } from 'node:crypto';
import { json, refuse, type Answer, type Refused } from './answer.ts';
import { sentence } from './interpreter/standIns.ts';
import { countTokens, noUsage, usageFields } from './interpreter/usage.ts';
import { plainText } from './python.ts';
import { tooMany } from './running.ts';
import type { Fields } from './reading.ts';
import type { State } from './state.ts';
import type { App, Conversation } from './store.ts';
import { cut, streamed, type Payload } from './stream.ts';
import { unrelated } from './unrelated.ts';

/** Message is one checked request to a chat, agent or completion app. */
export interface Message {
  readonly app: App;
  readonly configId: string;
  readonly query: string;
  readonly inputs: Fields;
  readonly streaming: boolean;
  /** conversation is absent in completion apps. */
  readonly conversation?: Conversation;
}

const modelError = '[models] Server Unavailable Error, the model did not answer (a fault of the lab).';

const seconds = (): number => Math.floor(Date.now() / 1000);

const pieces = (said: string): readonly string[] => said.match(/[\s\S]{1,12}/gu) ?? [];

/** talk answers for an app without a workflow: one model call, whose answer names the app and echoes the message. */
export const talk = async (state: State, message: Message): Promise<Answer | Refused> => {
  const { app, conversation } = message;
  const conduct = state.misbehaviour.next(app.id, message.configId, () => message.configId);
  if (conduct.throttled) return tooMany(app);
  const asked = [message.query, ...Object.values(message.inputs).map(plainText)].filter((value) => value !== '').join(' ');
  const said = conduct.wrong ? unrelated(message.query, message.inputs) : sentence(app.name, asked);
  const [taskId, messageId, startedAt] = [randomUUID(), randomUUID(), performance.now()];
  const stop = new AbortController();
  const head = { message_id: messageId, created_at: seconds(), ...(conversation === undefined ? {} : { conversation_id: conversation.id }) };
  state.standIns.add(`${app.mode} "${app.name}"`);
  state.tasks.set(taskId, stop);
  const wait = (milliseconds: number): Promise<void> => state.wait(milliseconds, stop.signal);
  const think = (): Promise<void> => wait(conduct.latencyMs + state.usualLatencyMs * conduct.latency * state.jitter());
  const metadata = (): Fields => ({
    ...(state.dialect.metadataIsWhole ? { annotation_reply: null, retriever_resources: [] } : {}),
    usage: usageFields(
      {
        ...noUsage,
        prompt: countTokens(asked, conduct.tokens),
        completion: countTokens(said, conduct.tokens),
        latencySeconds: Number(((performance.now() - startedAt) / 1000).toFixed(3)),
      },
      state.dialect.timesFirstToken,
    ),
  });
  const done = (): void => {
    state.tasks.delete(taskId);
    if (conversation !== undefined) conversation.turns += 1;
  };
  const answered = (): void => state.countServed(app, message.configId);
  if (!message.streaming) {
    await think();
    done();
    if (conduct.dropped) return cut;
    answered();
    if (conduct.failing) return refuse(400, 'completion_request_error', modelError);
    return json({ event: 'message', task_id: taskId, id: messageId, ...head, mode: app.mode, answer: said, metadata: metadata() });
  }
  return streamed({ pingMs: state.pingMs, greets: false, dropped: conduct.dropped, answered }, async (say) => {
    const tell = (event: string, more: Fields): void => say({ event, ...head, task_id: taskId, ...more } satisfies Payload);
    await think();
    if (conduct.failing) {
      say({ event: 'error', ...head, code: 'completion_request_error', status: 400, message: modelError });
      done();
      return;
    }
    await wait(conduct.firstTokenMs);
    if (app.mode === 'agent-chat') {
      tell('agent_thought', { id: randomUUID(), position: 1, thought: said, observation: '', tool: '', tool_labels: {}, tool_input: '', message_files: [] });
    }
    for (const piece of pieces(said)) {
      if (stop.signal.aborted) break;
      tell(app.mode === 'agent-chat' ? 'agent_message' : 'message', { id: messageId, answer: piece, ...(app.mode === 'agent-chat' ? {} : { from_variable_selector: null }) });
    }
    done();
    tell('message_end', { id: messageId, metadata: metadata(), files: null });
  });
};
