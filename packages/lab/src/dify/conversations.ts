import { randomUUID } from 'node:crypto';
import { misfits, refuse, type Refused } from './answer.ts';
import { isUuid } from './reading.ts';
import type { App, Conversation } from './store.ts';

/** openConversation finds a user's conversation or begins a new one; another user's is unknown to him. */
export const openConversation = (app: App, given: unknown, user: string | undefined, model: string): Conversation | Refused => {
  const id = typeof given === 'string' ? given.trim() : given;
  if (id === undefined || id === null || id === '') {
    const conversation: Conversation = { id: randomUUID(), user, turns: 0, variables: undefined };
    app.conversations.set(conversation.id, conversation);
    return conversation;
  }
  if (typeof id !== 'string' || !isUuid(id)) {
    return misfits(model, [
      { field: 'conversation_id', message: 'Value error, conversation_id must be a valid UUID', type: 'value_error', input: id, before: `${String(id)} is not a valid uuid.`, help: 'Existing conversation ID' },
    ]);
  }
  const conversation = app.conversations.get(id.toLowerCase());
  return conversation === undefined || conversation.user !== user ? refuse(404, 'not_found', 'Conversation Not Exists.') : conversation;
};
