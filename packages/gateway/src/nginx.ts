import {
  done,
  failed,
  sameSplit,
  type Connection,
  type EnvironmentConfig,
  type Observed,
  type Outcome,
  type Problem,
  type Split,
  type Traffic,
} from '@sluice/core';
import type { NginxConfig } from './command.ts';
import { renderInclude } from './include.ts';
import { readIncludeFile, type IncludeFile } from './include-file.ts';
import { install } from './install.ts';
import { splitText, type PinnedApplication } from './pinning.ts';
import { includePlace, type IncludePlace } from './place.ts';
import { awaitServing, readServing, servingUrl, type ServingGateway } from './serving.ts';

/** NginxGatewayOptions say which application stands behind which gateway. */
export interface NginxGatewayOptions extends PinnedApplication {
  readonly gateway: NonNullable<EnvironmentConfig['gateway']>;
  /** api is the service API's address, where users call when the gateway names no address of its own. */
  readonly api: string;
  readonly connection: Connection;
}

interface NginxGateway {
  readonly connection: Connection;
  readonly nginx: NginxConfig;
  readonly place: IncludePlace;
  readonly application: PinnedApplication;
  readonly serving: ServingGateway;
  /** told says once that the file is read instead. */
  told: boolean;
}

const readDeadlineMs = 5_000;
const servingDeadlineMs = 10_000;

/** Look is what was read of a gateway: the split, and the include file, whose own split users may not have yet. */
interface Look {
  readonly observed: Observed;
  readonly file: Outcome<IncludeFile>;
}

const look = async (gateway: NginxGateway): Promise<Outcome<Look>> => {
  const { connection, nginx, place, application, serving } = gateway;
  const served = await readServing(serving, readDeadlineMs);
  if (!served.ok && served.problem.category === 'input') return served;
  const file = await readIncludeFile(place, nginx.include, application);
  if (served.ok) {
    const split = served.value;
    // A run that was killed between the writing and the reload leaves a split that lies ready.
    const ready = file.ok && file.value.text !== undefined && !sameSplit(file.value.split, split) ? { ready: file.value.split } : {};
    return done({ observed: { split, reach: 'serving', ...ready }, file });
  }
  if (!file.ok) return failed({ ...file.problem, others: [served.problem] });
  if (!gateway.told) connection.log(`${served.problem.reason}; the split is read from ${nginx.include} instead`);
  gateway.told = true;
  return done({ observed: { split: file.value.split, reach: 'configured' }, file });
};

/** refusal says why a split may not be set; undefined when it may. */
const refusal = ({ nginx, serving }: NginxGateway, current: Observed, expected: Split, wanted: Split, tried: string): Problem | undefined => {
  const { split, reach } = current;
  if (!sameSplit(split, expected)) {
    return {
      category: 'conflict',
      reason: `someone else changed the split: ${splitText(split)}, where ${splitText(expected)} was expected`,
      tried,
      where: reach === 'serving' ? serving.url : nginx.include,
      hint: 'Find out who released or edited the include file, then run the release again.',
    };
  }
  // Closing the gate blindly is right when nothing else can be done; opening it blindly is not.
  if (reach === 'configured' && wanted.weight > split.weight) {
    return {
      category: 'platform',
      reason: `a candidate gets no more users while the gateway does not show its split at ${serving.url}`,
      tried,
      where: serving.url,
      hint: 'Add the location /sluice/… of docs/gateway-nginx.md to the server block, and see that Sluice can reach it.',
    };
  }
  return undefined;
};

const change = async (
  { connection, nginx, place, application, serving }: NginxGateway,
  { observed: current, file }: Look,
  wanted: Split,
  text: string,
  tried: string,
): Promise<Outcome<Observed>> => {
  const nothing = renderInclude({ stable: '', weight: 0 }, application);
  if (!nothing.ok) return nothing;
  if (!file.ok) return file;
  // Where there was no file, the way back is one that pins nothing, since the server block needs its variables.
  const refused = await install(connection, place, nginx, text, file.value.text ?? nothing.value, tried);
  if (refused !== undefined) return failed(refused);
  const { served, last } = await awaitServing(serving, connection.clock, servingDeadlineMs, (split) => sameSplit(split, wanted));
  if (served) return done({ split: wanted, reach: 'serving' });
  const seen = last.ok ? splitText(last.value) : last.problem.reason;
  return failed({
    category: 'platform',
    reason: `nginx was reloaded, but after ${servingDeadlineMs / 1000} s the gateway does not serve the new split steadily; last seen: ${seen}`,
    tried,
    where: serving.url,
    hint: `Open ${serving.url} and look into nginx's error log. In ${nginx.include} now ${splitText(wanted)}; before, ${splitText(current.split)}.`,
    ...(last.ok ? {} : { others: [last.problem] }),
  });
};

const setSplit = async (gateway: NginxGateway, expected: Split, wanted: Split): Promise<Outcome<Observed>> => {
  const { connection, nginx, application } = gateway;
  const tried = `split the traffic of ${application.application} so that ${splitText(wanted)}`;
  if (connection.readOnly) {
    return failed({ category: 'defect', reason: 'a dry run does not change the split', tried, where: nginx.include });
  }
  const text = renderInclude(wanted, application);
  if (!text.ok) return text;
  const current = await look(gateway);
  if (!current.ok) return current;
  const { observed } = current.value;
  const refused = refusal(gateway, observed, expected, wanted, tried);
  if (refused !== undefined) return failed(refused);
  if (observed.reach === 'serving' && sameSplit(observed.split, wanted) && observed.ready === undefined) return done(observed);
  return change(gateway, current.value, wanted, text.value, tried);
};

/**
 * createNginxGateway makes the traffic of a Dify application behind nginx (Dify >= 1.7.2). It writes one include file,
 * has nginx test and load it, and believes only what the gateway then answers. With `stable: ''` nothing is pinned.
 * Users stick by the body's `user` and no session outlives a change, so nothing lingers but answers in flight.
 */
export const createNginxGateway = ({ application, kind, gateway, api, connection }: NginxGatewayOptions): Traffic => {
  const pinned: PinnedApplication = { application, kind };
  const serving = { url: servingUrl(gateway.address ?? api, application), application: pinned, http: connection.http };
  const nginx: NginxGateway = { connection, nginx: gateway.nginx, place: includePlace(connection, gateway.nginx), application: pinned, serving, told: false };
  return {
    read: async () => {
      const seen = await look(nginx);
      return seen.ok ? done(seen.value.observed) : seen;
    },
    set: (expected, wanted) => setSplit(nginx, expected, wanted),
  };
};
