import { failed, plainLine, type ChannelConfig, type Clock, type HttpClient, type HttpResponse, type Outcome, type Problem, type SecretReader } from '@sluice/core';
import { destinations, type Channel, type Destination } from './channels.ts';
import type { Message } from './message.ts';

/** Delivery is what became of a message on one channel. */
export interface Delivery {
  /** channel names the kind and the variable, never the address. */
  readonly channel: string;
  readonly delivered: boolean;
  /** reason is one sentence, also when the message arrived. */
  readonly reason: string;
  readonly problem?: Problem;
}

/** DeliveryPorts are all that `deliver` touches. */
export interface DeliveryPorts {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly secrets: SecretReader;
  /** redact hides secrets in what a server said, while it is whole. */
  redact(text: string): string;
  /** signal ends waiting and sending. */
  readonly signal: AbortSignal;
}

const callDeadlineMs = 10_000;
const tries = 3;
const longestWaitMs = 20_000;

/** retryAfterMs reads `retry-after` in seconds or as a date; undefined when it is absent or says nothing. */
export const retryAfterMs = (value: string | undefined, now: number): number | undefined => {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value.trim()) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
};

/** refusedUnread is true for answers that say the message was not taken, so that sending it again makes no second one. */
const refusedUnread = (response: HttpResponse): boolean =>
  response.status === 429 || (response.status === 503 && response.headers['retry-after'] !== undefined);

const sentences: Readonly<Partial<Record<Problem['category'], string>>> = {
  input: 'is not an address that this run may call',
  timeout: 'did not answer in time; the message may have arrived',
  cancelled: 'was not waited for, because the run ended; the message may have arrived',
};

/** withoutUrl keeps of a problem only what cannot hold the webhook's address, which is a secret. */
const withoutUrl = (problem: Problem, host: string): Problem => ({
  category: problem.category,
  reason: `${host} ${sentences[problem.category] ?? 'could not be reached'}`,
  where: host,
  ...(/^[A-Z][A-Z0-9_]{2,60}$/.test(problem.answer?.code ?? '') ? { answer: { code: problem.answer?.code ?? '' } } : {}),
  ...(problem.category === 'input' ? { hint: `Check that the address begins with https:// and that SLUICE_HOSTS lists ${host}.` } : {}),
});

/** echoFree takes the address and its secret parts out of what a server said, in case it repeats the request. */
const echoFree = (text: string, address: string): string => {
  const url = new URL(address);
  return [url.href, url.pathname + url.search, url.pathname, ...url.pathname.split('/'), ...url.searchParams.values()]
    .filter((part) => part.length >= 6)
    .sort((one, other) => other.length - one.length)
    .reduce((clean, part) => clean.replaceAll(part, '***'), text);
};

const send = async (channel: Channel, message: Message, ports: DeliveryPorts): Promise<Outcome<void>> => {
  for (let attempt = 1; ; attempt += 1) {
    const request = channel.build(message, ports.clock.now());
    const sent = await ports.http.send({ ...request, deadlineMs: callDeadlineMs, signal: ports.signal });
    if (!sent.ok) return failed(withoutUrl(sent.problem, channel.host));
    const read = channel.read({ ...sent.value, text: ports.redact(echoFree(sent.value.text, request.url)) });
    if (read.ok || !refusedUnread(sent.value) || attempt === tries) return read;
    const wait = retryAfterMs(sent.value.headers['retry-after'], ports.clock.now()) ?? attempt * 1000;
    if (wait > longestWaitMs) return read;
    await ports.clock.sleep(wait, ports.signal);
    if (ports.signal.aborted) return read;
  }
};

const saidBy = (problem: Problem): string => {
  const answer = [problem.answer?.status === undefined ? '' : `HTTP ${problem.answer.status}`, problem.answer?.code ?? '', problem.answer?.message ?? '']
    .filter((part) => part !== '')
    .join(' ');
  return plainLine(answer === '' ? problem.reason : `${problem.reason} It answered: ${answer}`);
};

const deliverTo = async (destination: Destination, message: Message, ports: DeliveryPorts): Promise<Delivery> => {
  const { name, channel } = destination;
  if (!channel.ok) return { channel: name, delivered: false, reason: channel.problem.reason, problem: channel.problem };
  const sent = await send(channel.value, message, ports);
  if (sent.ok) return { channel: name, delivered: true, reason: `${channel.value.host} accepted the message` };
  const problem = { ...sent.problem, where: channel.value.host };
  return { channel: name, delivered: false, reason: saidBy(problem), problem };
};

/**
 * deliver sends a message to every channel that wants its severity, at the same time, and gives one delivery for each.
 * A message is sent again only after 429, or 503 with `retry-after`; other failures may have delivered it.
 * An empty list means that no channel wants it.
 */
export const deliver = (
  configs: readonly ChannelConfig[],
  message: Message,
  ports: DeliveryPorts,
): Promise<readonly Delivery[]> =>
  Promise.all(destinations(configs, message.severity, ports.secrets).map((destination) => deliverTo(destination, message, ports)));
