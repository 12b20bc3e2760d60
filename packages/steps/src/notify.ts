import * as z from 'zod/mini';
import { defineStep, endedBy, type ChannelConfig, type StepContext, type StepEnding, type StepResult } from '@sluice/core';
import { deliver, type Delivery, type Message } from '@sluice/notify';
import { choice, commonInputs, text } from './inputs.ts';
import { messageOf } from './message.ts';

const inputs = z.strictObject({
  ...commonInputs,
  severity: choice(['P0', 'P1', 'P2'], 'How soon a person should look. Default: P2 when all passed, P1 otherwise.'),
  title: text('First line of the message. Default: made from the newest results.'),
  message: text('Text of the message, lines apart. Default: made from the newest results.'),
});

/** subjects are the steps that a message can be about, the most telling first. */
const subjects = ['release', 'rollback', 'canary', 'health-check', 'publish-version', 'deploy', 'snapshot', 'validate'] as const;

const newestResult = async (context: StepContext): Promise<StepResult | undefined> => {
  const found: StepResult[] = [];
  for (const step of subjects) {
    const result = await context.earlier(step);
    if (result !== undefined) found.push(result);
  }
  return found.find((result) => result.step === 'release') ?? found.find((result) => result.status !== 'passed' && result.status !== 'skipped') ?? found[0];
};

const channelsOf = (context: StepContext): readonly ChannelConfig[] =>
  (context.selected.ok ? context.selected.value.config.notify : undefined) ?? context.project.config.notify ?? [];

/** quiet is a pass outside production, which nobody needs to be told. */
const quiet = (context: StepContext, message: Message): boolean =>
  message.severity === 'P2' && message.status === 'passed' && context.selected.ok && !context.selected.value.name.startsWith('prod');

const ending = (message: Message, deliveries: readonly Delivery[]): StepEnding => {
  const arrived = deliveries.filter((one) => one.delivered);
  const lost = deliveries.filter((one) => !one.delivered);
  const outputs = { delivered: String(arrived.length), failed: String(lost.length), severity: message.severity };
  const evidence = deliveries.map(({ channel, delivered, reason }) => ({ channel, delivered, reason }));
  if (message.severity === 'P0' && arrived.length === 0) {
    const problem = lost[0]?.problem ?? { category: 'gate' as const, reason: 'no channel wants this message' };
    return endedBy({ ...problem, reason: `nobody was told of a P0: ${lost[0]?.reason ?? problem.reason}` }, { outputs, evidence });
  }
  const names = arrived.map((one) => one.channel).join(', ');
  if (lost.length === 0) return { category: 'passed', reason: `accepted by ${names}`, outputs, evidence };
  const said = lost.map((one) => `${one.channel}: ${one.reason}`).join('; ');
  return { category: 'passed', reason: `${arrived.length} of ${deliveries.length} channels accepted the message; not delivered: ${said}`, outputs, evidence };
};

const chosenMessage = async (context: StepContext, values: z.output<typeof inputs>): Promise<Message | undefined> => {
  const newest = await newestResult(context);
  const made = newest === undefined ? undefined : messageOf(context, newest);
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
    delivered: { description: 'Number of channels that accepted the message.', initial: '0' },
    failed: { description: 'Number of channels that did not.', initial: '0' },
    severity: { description: 'The severity of the message.', initial: '' },
  },
  offline: false,
  deadlineMs: 30_000,
  run: async (context, values) => {
    const channels = channelsOf(context);
    if (channels.length === 0) return { category: 'skipped', reason: 'sluice.yml names no channel under notify' };
    const message = await chosenMessage(context, values);
    if (message === undefined) return { category: 'skipped', reason: 'no result of an earlier step was found, and no title was given' };
    if (values.title === undefined && quiet(context, message)) return { category: 'skipped', reason: 'a pass is told in production only' };
    if (context.dryRun) return { category: 'passed', reason: `would send "${message.title}" as ${message.severity}` };
    // A cancelled run still tells people, within this step's own deadline.
    const signal = context.cancelled() ? AbortSignal.timeout(5000) : context.signal;
    const deliveries = await deliver(channels, message, { http: context.http, clock: context.clock, secrets: context.secrets, signal });
    if (deliveries.length === 0) return { category: 'skipped', reason: `no channel wants ${message.severity}`, outputs: { severity: message.severity } };
    const ended = ending(message, deliveries);
    for (const one of deliveries) if (!one.delivered) context.host.warn(`${one.channel}: ${one.reason}`);
    return ended;
  },
});
