import { done, failed, type Connection, type Outcome, type Traffic } from '@sluice/core';
import { hasGraph } from '../source/dsl.ts';
import type { DifySource } from '../source/source.ts';
import type { Address } from './address.ts';

/** applicationOf names the app at the gateway by its include file: /etc/nginx/sluice/support-bot.conf is support-bot. */
const applicationOf = (include: string): string => (include.split('/').at(-1) ?? '').replace(/\.[a-z]+$/i, '');

/** openGateway gives the traffic of the environment's gateway; undefined where there is none. */
export const openGateway = async (connection: Connection, source: DifySource, address: Address): Promise<Outcome<Traffic | undefined>> => {
  const { gateway } = connection.environment;
  if (gateway === undefined) return done(undefined);
  if (!hasGraph(source.mode)) {
    return failed({ category: 'input', reason: `A gateway cannot split a ${source.mode} app: Dify runs no chosen version of it.`, hint: 'Remove gateway from the environment, or convert the app to a chatflow or workflow in Studio.' });
  }
  const { createNginxGateway } = await import('@sluice/gateway');
  const kind = source.mode === 'workflow' ? 'workflow' : 'chat';
  return done(createNginxGateway({ application: applicationOf(gateway.nginx.include), kind, gateway, api: address.api, connection }));
};
