import type { Finding } from '@sluice/core';
import type { StrategyNeed, TriggerNeed, Use } from '../../source/needs.ts';
import { isUuid } from '../address.ts';
import { strategyProviders, subscriptionsOf, triggerProviders, type ProviderParts } from '../catalogue.ts';
import { grouped, instead, joinedAnswers, lacking, listed, usersOf, type Answer, type Asking } from './asking.ts';
import { pluginOf } from './provider-id.ts';

/** judgePart judges a strategy or an event, which is a part of what a plugin provides. */
const judgePart = <T>(asking: Asking, rule: 'strategy-missing' | 'trigger-missing', [provider, part]: readonly [string, string], uses: readonly Use<T>[], all: readonly ProviderParts[]): readonly Finding[] => {
  const [kind, parts] = rule === 'strategy-missing' ? ['agent strategies', 'strategy'] : ['triggers', 'event'];
  const found = all.find(({ id }) => id === provider);
  const who = usersOf(uses);
  if (found === undefined) {
    return [lacking(asking, rule, uses, `This workspace has no ${kind} of ${provider}, which ${who} needs.`, `${instead(provider, all.map(({ id }) => id))} Install the plugin ${pluginOf(provider) || provider}.`)];
  }
  if (found.parts.includes(part)) return [];
  return [lacking(asking, rule, uses, `${provider} has no ${parts} "${part}" in this workspace, and ${who} needs it.`, `${instead(part, found.parts)} Bring the plugin to the version that the app was made with.`)];
};

const strategyKey = ({ provider, name }: StrategyNeed): string => `${provider} ${name}`;

/** askStrategies looks for the strategies of agent nodes: one request. */
export const askStrategies = (asking: Asking): Promise<Answer> =>
  listed(asking, 'agent strategies', strategyProviders(asking.application), (all) => {
    const groups = grouped(asking.needs.strategies, strategyKey);
    return { seen: `${groups.length} looked for`, findings: groups.flatMap(([{ provider, name }, uses]) => judgePart(asking, 'strategy-missing', [provider, name], uses, all)) };
  });

/** askSubscription looks for one that the environment names; where it names none, the app on the server keeps its own. */
const askSubscription = (asking: Asking, [{ provider, subscription }, uses]: readonly [TriggerNeed, readonly Use<TriggerNeed>[]]): Promise<Answer> =>
  listed(asking, `subscriptions of ${provider}`, subscriptionsOf(asking.application, provider), (all) => {
    const matches = all.filter(({ id, name }) => id === subscription || (!isUuid(subscription) && name === subscription));
    if (matches.length === 1) return { findings: [] };
    const rule = matches.length === 0 ? 'trigger-missing' : 'name-ambiguous';
    const hint = matches.length === 0 ? `${instead(subscription, all.map(({ name }) => name))} Make it in the workspace, or correct triggers in sluice.yml.` : `Name it by its id under triggers in sluice.yml: ${matches.map(({ id }) => id).join(', ')}.`;
    return { findings: [lacking(asking, rule, uses, `This workspace has ${matches.length === 0 ? 'no subscription' : `${matches.length} subscriptions`} "${subscription}" of ${provider}, and ${usersOf(uses)} needs one.`, hint)] };
  });

/** askTriggers looks for what starts runs from outside: one request, and one for each provider of a subscription that is named. */
export const askTriggers = async (asking: Asking): Promise<Answer> => {
  const groups = grouped(asking.needs.triggers, ({ provider, event }) => `${provider} ${event}`);
  const events = listed(asking, 'triggers', triggerProviders(asking.application), (all) => ({
    seen: `${groups.length} looked for`,
    findings: groups.flatMap(([{ provider, event }, uses]) => judgePart(asking, 'trigger-missing', [provider, event], uses, all)),
  }));
  const named = grouped(asking.needs.triggers.filter(({ what }) => what.subscription !== ''), ({ provider, subscription }) => `${provider} ${subscription}`);
  return joinedAnswers(await Promise.all([events, ...named.map((group) => askSubscription(asking, group))]));
};
