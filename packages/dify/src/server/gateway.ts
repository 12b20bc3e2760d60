import { done, failed, type Connection, type Outcome, type Traffic } from '@sluice/core';
import { hasGraph } from '../source/dsl.ts';
import type { DifySource } from '../source/source.ts';
import type { Address } from './address.ts';

/** openGateway gives the traffic of the environment's gateway; undefined where there is none. */
export const openGateway = async (connection: Connection, source: DifySource, address: Address): Promise<Outcome<Traffic | undefined>> => {
  const { gateway } = connection.environment;
  if (gateway === undefined) return done(undefined);
  if (!hasGraph(source.mode)) {
    return failed({ category: 'input', reason: `a gateway cannot split a ${source.mode} app: Dify runs no chosen version of it`, hint: 'Remove gateway from the environment, or convert the app to a chatflow or workflow in Studio.' });
  }
  const { createNginxGateway, renderInclude } = await import('@sluice/gateway');
  const application = { application: connection.name, kind: source.mode === 'workflow' ? 'workflow' : 'chat' } as const;
  // A name that nginx cannot take is found out before anything is deployed.
  const first = renderInclude({ stable: '', weight: 0 }, application);
  return first.ok ? done(createNginxGateway({ ...application, gateway, api: address.api, connection })) : first;
};
