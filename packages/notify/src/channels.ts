import { done, failed, type ChannelConfig, type HttpRequest, type HttpResponse, type Outcome, type Problem, type SecretReader } from '@sluice/core';
import { webhookUrl } from './address.ts';
import { dingtalkRequest, readDingtalk } from './dingtalk.ts';
import { reaches, type Message, type MessageSeverity } from './message.ts';
import { readSlack, slackRequest } from './slack.ts';
import { readWebhook, webhookRequest } from './webhook.ts';

/** Channel is one place that messages go to, with its address and secret read. */
export interface Channel {
  readonly host: string;
  /** build makes the call; `now` is milliseconds since 1970. */
  build(message: Message, now: number): HttpRequest;
  /** read says whether the answer means that the message arrived. */
  read(response: HttpResponse): Outcome<void>;
}

/** Destination is one channel as configured: its name for people, and the channel or why it cannot be used. */
export interface Destination {
  readonly name: string;
  readonly channel: Outcome<Channel>;
}

const kinds = ['slack', 'dingtalk', 'webhook'] as const;
type Kind = (typeof kinds)[number];

const channelOf = (kind: Kind, url: URL, secret: string | undefined): Channel => {
  switch (kind) {
    case 'slack':
      return { host: url.host, build: (message) => slackRequest(url, message), read: readSlack };
    case 'dingtalk':
      return { host: url.host, build: (message, now) => dingtalkRequest(url, message, secret, now), read: readDingtalk };
    case 'webhook':
      return { host: url.host, build: (message, now) => webhookRequest(url, message, secret, now), read: readWebhook };
  }
};

const openChannel = (kind: Kind, config: ChannelConfig, variable: string, secrets: SecretReader): Outcome<Channel> => {
  const value = secrets.read(variable, `the ${kind} webhook of notify`);
  if (!value.ok) return value;
  const url = webhookUrl(value.value, variable);
  if (!url.ok) return url;
  if (config.secret === undefined) return done(channelOf(kind, url.value, undefined));
  const secret = secrets.read(config.secret.env, `the signature of the ${kind} webhook of notify`);
  return secret.ok ? done(channelOf(kind, url.value, secret.value)) : secret;
};

/** nameless is the problem of an entry that names no channel. */
const nameless = (index: number): Outcome<never> =>
  failed({ category: 'input', reason: `notify[${index}] names neither slack nor dingtalk nor webhook` });

/** opened gives the channels of an entry, each with its name for people. */
const opened = (config: ChannelConfig, index: number, secrets: SecretReader): readonly Destination[] => {
  const named = kinds.flatMap((kind) => {
    const reference = config[kind];
    return reference === undefined ? [] : [{ name: `${kind} (${reference.env})`, channel: openChannel(kind, config, reference.env, secrets) }];
  });
  return named.length > 0 ? named : [{ name: `notify[${index}]`, channel: nameless(index) }];
};

/** variablesOf are the variables that an entry reads. */
const variablesOf = (config: ChannelConfig): readonly string[] =>
  [...kinds.map((kind) => config[kind]), config.secret].flatMap((reference) => (reference === undefined ? [] : [reference.env]));

/**
 * channelsProblem says why a channel could not be used, whatever it should be told: one problem of category `input` that
 * names every variable that is not set, or else the first that is not an address. Nothing is sent.
 */
export const channelsProblem = (configs: readonly ChannelConfig[], secrets: SecretReader): Problem | undefined => {
  const missing = [...new Set(configs.flatMap(variablesOf))].filter((name) => secrets.find(name) === undefined);
  if (missing.length > 0) {
    return {
      category: 'input',
      reason: `people cannot be told: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not set`,
      tried: 'reach the channels of notify',
      hint: `Set ${missing.length === 1 ? 'it as a secret' : 'them as secrets'} of the CI and hand ${missing.length === 1 ? 'it' : 'them'} to this step as environment variables, or take the channel out of notify in sluice.yml.`,
    };
  }
  const [first, ...others] = configs
    .flatMap((config, index) => opened(config, index, secrets))
    .flatMap(({ channel }) => (channel.ok ? [] : [channel.problem]));
  return first === undefined || others.length === 0 ? first : { ...first, others };
};

/** destinations gives the channels that want a message of this severity; an entry that names no channel is a problem. */
export const destinations = (
  configs: readonly ChannelConfig[],
  severity: MessageSeverity,
  secrets: SecretReader,
): readonly Destination[] =>
  configs
    .map((config, index) => ({ config, index }))
    .filter(({ config }) => reaches(severity, config['at-least']))
    .flatMap(({ config, index }) => opened(config, index, secrets));
