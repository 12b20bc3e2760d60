import * as z from 'zod/mini';
import { defineStep, durationText, endedBy, type ChannelConfig, type Problem, type StepContext, type StepEnding, type StepResult } from '@sluice/core';
import { channelsProblem, deliver, type Delivery, type Message } from '@sluice/notify';
import { choice, commonInputs, text } from './inputs.ts';
import { messageOf } from './message.ts';
import { subjectOf, tellable } from './subject.ts';

const inputs = z.strictObject({
  ...commonInputs,
  severity: choice(['P0', 'P1', 'P2'], 'How soon a person should look. Default: P2 when all passed, P1 otherwise.'),
  title: text('First line of the message. Default: made from the newest results.'),
  message: text('Text of the message, lines apart. Default: made from the newest results.'),
});

const results = async (context: StepContext): Promise<readonly StepResult[]> =>
  (await Promise.all(tellable.map((step) => context.earlier(step)))).filter((result) => result !== undefined);

const channelsOf = (context: StepContext): readonly ChannelConfig[] =>
  (context.selected.ok ? context.selected.value.config.notify : undefined) ?? context.project.config.notify ?? [];

/** untellable is why a configured channel could not be used, found out before anything is changed or sent. */
export const untellable = (context: StepContext): Problem | undefined => channelsProblem(channelsOf(context), context.secrets);

/** quiet is a pass outside production, which nobody needs to be told. */
const quiet = (context: StepContext, message: Message): boolean =>
  message.severity === 'P2' && message.status === 'passed' && context.selected.ok && !context.selected.value.name.startsWith('prod');

/** ending counts what arrived. A message that no channel took is no pass: `skipped`, and a P0 fails the step. */
const ending = (message: Message, deliveries: readonly Delivery[]): StepEnding => {
  const arrived = deliveries.filter((one) => one.delivered);
  const lost = deliveries.filter((one) => !one.delivered);
  const outputs = { delivered: String(arrived.length), failed: String(lost.length), severity: message.severity };
  const evidence = deliveries.map(({ channel, delivered, reason }) => ({ channel, delivered, reason }));
  const said = lost.map((one) => `${one.channel}: ${one.reason}`).join('; ');
  if (arrived.length > 0) {
    const names = arrived.map((one) => one.channel).join(', ');
    const reason = lost.length === 0 ? `accepted by ${names}` : `${arrived.length} of ${deliveries.length} channels accepted the message; not delivered: ${said}`;
    return { category: 'passed', reason, outputs, evidence };
  }
  if (message.severity === 'P0') {
    const problem = lost[0]?.problem ?? { category: 'gate' as const, reason: 'no channel wants this message' };
    return endedBy({ ...problem, reason: `nobody was told of a P0: ${said === '' ? problem.reason : said}` }, { outputs, evidence });
  }
  return { category: 'skipped', reason: `nobody was told: ${said === '' ? `no channel wants ${message.severity}` : said}`, outputs, evidence };
};

const longestUnsaidMs = 600_000;

/** aged says how old the news is, where nothing but its time ties it to this run. */
const aged = (message: Message, ageMs: number): Message => {
  if (ageMs < longestUnsaidMs) return message;
  const age = durationText(Math.round(ageMs / 60_000) * 60_000);
  return { ...message, title: `${message.title}, ${age} ago`, lines: [...message.lines, `this result is ${age} old; no newer one was found`] };
};

const chosenMessage = async (context: StepContext, values: z.output<typeof inputs>): Promise<Message | undefined> => {
  const subject = subjectOf(await results(context), context.host.context.runId, context.clock.now());
  const made = subject === undefined ? undefined : aged(messageOf(context, subject.result, subject.beside), subject.ageMs);
  const title = values.title ?? made?.title;
  if (title === undefined) return undefined;
  return {
    severity: values.severity ?? made?.severity ?? 'P2',
    title: context.host.redact(title),
    lines: (values.message === undefined ? (made?.lines ?? []) : values.message.split('\n')).map((line) => context.host.redact(line)),
    runUrl: context.host.context.runUrl,
    status: made?.status ?? 'passed',
  };
};

/** notify tells people how a release ended; a channel counts as told only when its own answer says so. */
export const notify = defineStep({
  name: 'notify',
  summary: "Tell people how it ended, on Slack, DingTalk or a webhook; delivered only when the channel's own answer says so.",
  inputs,
  outputs: {
    delivered: { description: 'Number of channels that accepted the message. When there is none, the step is `skipped` with a warning, and fails for a P0. A variable of a channel that is not set is found out before anything is sent, and is bad input.', initial: '0' },
    failed: { description: 'Number of channels that did not.', initial: '0' },
    severity: { description: 'The severity of the message.', initial: '' },
  },
  offline: false,
  previews: 'too',
  readOnly: true,
  deadlineMs: 30_000,
  run: async (context, values) => {
    const channels = channelsOf(context);
    if (channels.length === 0) return { category: 'skipped', reason: 'sluice.yml names no channel under notify' };
    if (context.offline) return { category: 'skipped', reason: 'a pull request gets no credentials, so nobody is told' };
    const problem = untellable(context);
    if (problem !== undefined) return endedBy(problem);
    const message = await chosenMessage(context, values);
    if (message === undefined) return { category: 'skipped', reason: 'no step of this run has left a result, and no title was given' };
    if (values.title === undefined && quiet(context, message)) return { category: 'skipped', reason: 'a pass is told in production only' };
    if (context.dryRun) return { category: 'passed', reason: `would send "${message.title}" as ${message.severity}` };
    // A cancelled run still tells people, within this step's own deadline.
    const signal = context.cancelled() ? AbortSignal.timeout(5000) : context.signal;
    const { http, clock, secrets, host } = context;
    const deliveries = await deliver(channels, message, { http, clock, secrets, signal, redact: (said) => host.redact(said) });
    for (const one of deliveries) if (!one.delivered) host.warn(`${one.channel}: ${one.reason}`);
    const ended = ending(message, deliveries);
    if (ended.category === 'skipped' && deliveries.length > 0) host.warn(ended.reason);
    return ended;
  },
});
