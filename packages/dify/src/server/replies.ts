import { oneLine, type Reply } from '@sluice/core';
import { mappingOf, textOf, type Mapping } from '../source/shape.ts';

const longestError = 300;

/** Heard is what a stream of events has said so far. */
export interface Heard {
  readonly text: string;
  readonly outputs: Mapping;
  readonly version?: string;
  readonly tokens?: number;
  readonly firstTokenMs?: number;
  /** failed is the first failure that an event told. */
  readonly failed?: string;
  /** running is true between the events that begin and end a workflow; chats without one never say so. */
  readonly running: boolean;
  /** answered is true after the end of a chat's message. */
  readonly answered: boolean;
  /** ended is true when nothing more is to come: a chatflow's message and its run have both ended, in either order. */
  readonly ended: boolean;
}

/** silence is what has been heard before the first event. */
export const silence: Heard = { text: '', outputs: {}, running: false, answered: false, ended: false };

const failedStatuses = new Set(['failed', 'stopped', 'partial-succeeded', 'paused']);

/** runFailure says how a run ended badly: Dify answers HTTP 200 for these, too. */
export const runFailure = (run: Mapping): string | undefined => {
  const status = textOf(run['status']);
  if (status === 'succeeded') return undefined;
  const error = oneLine(textOf(run['error']), longestError);
  return failedStatuses.has(status) ? `the run ended as ${status}${error === '' ? '' : `: ${error}`}` : `the run ended in an unknown state "${oneLine(status, 40)}"`;
};

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);

const tokensOf = (metadata: unknown): number | undefined => numberOf(mappingOf(mappingOf(metadata)['usage'])['total_tokens']);

const withVersion = (heard: Heard, workflow: unknown): Heard => {
  const version = textOf(workflow);
  return version === '' ? heard : { ...heard, version };
};

/** finished takes in the end of a run; the message of a chatflow comes after it (1.9.1, 1.12.1) or before it (1.13.3). */
const finished = (heard: Heard, run: Mapping, chat: boolean): Heard => {
  const failure = runFailure(run);
  // What the message said of its own usage stays, whichever of the two ends comes last.
  const tokens = heard.answered ? heard.tokens : numberOf(run['total_tokens']);
  return {
    ...withVersion(heard, run['workflow_id']),
    outputs: mappingOf(run['outputs']),
    ...(tokens === undefined ? {} : { tokens }),
    ...(failure === undefined || heard.failed !== undefined ? {} : { failed: failure }),
    running: false,
    // A chatflow that failed sends no message_end.
    ended: !chat || heard.answered || failure !== undefined,
  };
};

const errorText = (event: Mapping): string =>
  oneLine(['code', 'message'].map((key) => textOf(event[key])).filter((part) => part !== '').join(': '), longestError);

/** hear takes one event in (Dify 1.12.1, api/core/app/entities/task_entities.py StreamEvent); unknown events change nothing. */
export const hear = (heard: Heard, event: Mapping, atMs: number, chat: boolean): Heard => {
  const first = { firstTokenMs: heard.firstTokenMs ?? atMs };
  const run = mappingOf(event['data']);
  switch (event['event']) {
    case 'workflow_started':
      return { ...withVersion(heard, run['workflow_id']), running: true };
    case 'text_chunk':
      return { ...heard, ...first };
    case 'message':
    case 'agent_message':
      return { ...heard, ...first, text: heard.text + textOf(event['answer']) };
    case 'message_replace':
      return { ...heard, text: textOf(event['answer']) };
    case 'workflow_finished':
      return finished(heard, run, chat);
    case 'workflow_paused':
      return { ...heard, failed: 'the run waits for a person', ended: true };
    case 'message_end': {
      const tokens = tokensOf(event['metadata']);
      return { ...heard, ...(tokens === undefined ? {} : { tokens }), answered: true, ended: !heard.running };
    }
    case 'error':
      return { ...heard, failed: `the app sent an error: ${errorText(event) || 'no reason given'}`, ended: true };
    default:
      return heard;
  }
};

/** outputText is a workflow's answer as text: its only text output, else all outputs as JSON. */
export const outputText = (outputs: Mapping): string => {
  const values = Object.values(outputs);
  const [only] = values;
  if (values.length === 1 && typeof only === 'string') return only;
  return values.length === 0 ? '' : JSON.stringify(outputs);
};

const nothingSaid = (outputs: Mapping): boolean => Object.values(outputs).every((value) => value === null || value === '');

/** emptiness says that an answer without any content is a failure; no content is no evidence of health. */
export const emptiness = (chat: boolean, text: string, outputs: Mapping): string | undefined => {
  if (chat) return text.trim() === '' ? 'the answer is empty' : undefined;
  return nothingSaid(outputs) ? 'the run gave no output' : undefined;
};

/** replyOf closes what was heard: a stream that ended too early or without content has failed. */
export const replyOf = (heard: Heard, chat: boolean, latencyMs: number, status: number, cut?: string): Reply => {
  const text = chat ? heard.text : outputText(heard.outputs);
  const early = heard.ended ? undefined : (cut ?? 'the stream ended before the run did');
  const failure = heard.failed ?? early ?? emptiness(chat, text, heard.outputs);
  return {
    ...(failure === undefined ? {} : { failed: failure }),
    text,
    outputs: chat ? {} : heard.outputs,
    latencyMs,
    ...(heard.firstTokenMs === undefined ? {} : { firstTokenMs: heard.firstTokenMs }),
    ...(heard.tokens === undefined ? {} : { tokens: heard.tokens }),
    ...(heard.version === undefined ? {} : { version: heard.version }),
    status,
  };
};

/** wholeReply reads a blocking answer: `data` for workflows, `answer` and `metadata` for the others. */
export const wholeReply = (body: Mapping, chat: boolean, latencyMs: number, status: number): Reply => {
  const heard = chat
    ? { ...silence, text: textOf(body['answer']), ended: true }
    : finished(silence, mappingOf(body['data']), false);
  const tokens = chat ? tokensOf(body['metadata']) : heard.tokens;
  return replyOf({ ...heard, ...(tokens === undefined ? {} : { tokens }) }, chat, latencyMs, status);
};
