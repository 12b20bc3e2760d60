import { done, failed, type Connection, type Outcome, type Problem, type Traffic } from '@sluice/core';
import type { GatewayKind } from '@sluice/gateway';
import type { Mode } from '../source/dsl.ts';
import type { DifySource } from '../source/source.ts';
import type { Address } from './address.ts';
import { atLeast } from './release.ts';
import type { Session } from './session.ts';

const unsplittable = (mode: Mode): Problem => ({
  category: 'input',
  reason: `a gateway cannot split a ${mode} app: Dify runs no chosen version of it${mode === 'completion' ? '' : ', and a conversation cannot move to a second app'}`,
  hint:
    mode === 'completion'
      ? 'Name a second app in gateway.twin, which stands in for the candidate, or remove gateway from the environment.'
      : 'Remove gateway from the environment, or convert the app to a chatflow or workflow in Studio.',
});

/** kindOf says how a gateway splits an app: by pinned versions, or by a twin where no conversation would be torn apart. */
const kindOf = (mode: Mode, twin: boolean): Outcome<GatewayKind> => {
  if (mode === 'workflow' || mode === 'completion') return twin ? done('twin') : mode === 'workflow' ? done('workflow') : failed(unsplittable(mode));
  if (mode !== 'advanced-chat') return failed(unsplittable(mode));
  if (!twin) return done('chat');
  return failed({
    category: 'input',
    reason: 'a chatflow cannot have a twin: a conversation cannot move to a second app',
    hint: 'Remove gateway.twin from the environment: the gateway pins versions of a chatflow, on Dify 1.7.2 and later.',
  });
};

/** whereVersionsRun holds a traffic back on servers that run no chosen version: that came with Dify 1.7.2 (api/controllers/service_api/app/workflow.py). */
const whereVersionsRun = (traffic: Traffic, session: Session, where: string): Traffic => {
  const able = async (): Promise<Outcome<void>> => {
    const release = await session.release();
    if (!release.ok || atLeast(release.value, '1.7.2')) return release.ok ? done(undefined) : release;
    return failed({
      category: 'input',
      reason: `a gateway cannot split an app on Dify ${release.value}: it runs no chosen version; that came with 1.7.2`,
      where,
      hint: 'Update Dify, name a second app in gateway.twin (workflow apps), or remove gateway from the environment: canary: true judges paired answers without one.',
    });
  };
  const first = async <T>(act: () => Promise<Outcome<T>>): Promise<Outcome<T>> => {
    const checked = await able();
    return checked.ok ? act() : checked;
  };
  return { read: () => first(() => traffic.read()), set: (expected, wanted) => first(() => traffic.set(expected, wanted)) };
};

/** openGateway gives the traffic of the environment's gateway: between versions, or with a twin between apps; undefined where there is none. */
export const openGateway = async (connection: Connection, source: DifySource, address: Address, session: Session): Promise<Outcome<Traffic | undefined>> => {
  const { gateway } = connection.environment;
  if (gateway === undefined) return done(undefined);
  const kind = kindOf(source.mode, gateway.twin !== undefined);
  if (!kind.ok) return kind;
  const { createNginxGateway, renderInclude } = await import('@sluice/gateway');
  const application = { application: connection.name, kind: kind.value };
  // A name that nginx cannot take is found out before anything is deployed.
  const first = renderInclude({ stable: '', weight: 0 }, application);
  if (!first.ok) return first;
  const traffic = createNginxGateway({ ...application, gateway, api: address.api, connection });
  return done(kind.value === 'twin' ? traffic : whereVersionsRun(traffic, session, address.studio));
};
