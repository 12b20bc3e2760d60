import {
  configSchema,
  createFilePort,
  createHttpClient,
  done,
  failed,
  systemClock,
  type Connection,
  type EnvironmentConfig,
  type HttpClient,
  type Outcome,
  type SecretReader,
  type Target,
} from '@sluice/core';
import { startLabDify, startLabGateway, type DifyVersion, type LabDify, type LabGateway } from '@sluice/lab';
import { connect } from '../src/server/target.ts';
import type { DifySource } from '../src/source/source.ts';

/** value takes an outcome apart in a test. */
export const value = <T>(outcome: Outcome<T>): T => {
  if (outcome.ok) return outcome.value;
  throw new Error(JSON.stringify(outcome.problem));
};

/** problem takes a failed outcome apart in a test. */
export const problem = <T>(outcome: Outcome<T>) => {
  if (outcome.ok) throw new Error(`it went well: ${JSON.stringify(outcome.value)}`);
  return outcome.problem;
};

export const secretsOf = (values: Readonly<Record<string, string>>): SecretReader => ({
  find: (name) => values[name],
  read: (name, purpose) =>
    values[name] === undefined ? failed({ category: 'input', reason: `${name} is not set`, tried: purpose }) : done(values[name]),
});

export const environmentOf = (values: Readonly<Record<string, unknown>>): EnvironmentConfig => {
  const { here } = configSchema.parse({ name: 'x', source: 'x.yml', environments: { here: values } }).environments;
  if (here === undefined) throw new Error('no environment');
  return here;
};

/** House is a lab with what tests close at their end. */
export interface House {
  readonly lab: LabDify;
  readonly http: HttpClient;
  gateway(): Promise<LabGateway>;
  close(): Promise<void>;
}

export const openHouse = async (version: DifyVersion = '1.12.1'): Promise<House> => {
  const lab = await startLabDify({ timeScale: 40, version });
  const http = createHttpClient({ clock: systemClock(), signal: new AbortController().signal, userAgent: 'test', loopbackOnly: true });
  const gateways: LabGateway[] = [];
  return {
    lab,
    http,
    gateway: async () => {
      const made = await startLabGateway({ upstream: lab.origin });
      gateways.push(made);
      return made;
    },
    close: async () => {
      await http.close();
      await Promise.all(gateways.map((gateway) => gateway.close()));
      await lab.close();
    },
  };
};

export interface Asked {
  readonly environment?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly gateway?: LabGateway;
  readonly readOnly?: boolean;
  readonly name?: string;
  readonly http?: HttpClient;
  readonly log?: (line: string) => void;
}

/** Reached is a Dify, of the lab or real, and how to get there. */
export interface Reached {
  readonly lab: Pick<LabDify, 'origin'> & { readonly credentials: Pick<LabDify['credentials'], 'email' | 'password'> };
  readonly http: HttpClient;
}

export const connectionTo = (house: Reached, app: string, source: DifySource, asked: Asked = {}): Connection => {
  const { lab } = house;
  const { gateway } = asked;
  return {
    name: asked.name ?? 'support-bot-here',
    step: 'deploy', deadlineMs: 300_000, setting: () => undefined, mask: () => undefined, credentialFile: (path) => Promise.resolve(failed({ category: 'input', reason: `${path} is not read` })),
    environment: environmentOf({
      dify: app === '' ? { console: lab.origin } : `${lab.origin}/app/${app}/workflow`,
      ...(gateway === undefined ? {} : { gateway: { address: gateway.origin, nginx: { include: gateway.includeFile } } }),
      ...asked.environment,
    }),
    http: asked.http ?? house.http,
    clock: systemClock(20),
    secrets: secretsOf(asked.secrets ?? { DIFY_EMAIL: lab.credentials.email, DIFY_PASSWORD: lab.credentials.password }),
    commands: { run: async ({ argv }) => (gateway === undefined ? failed({ category: 'input', reason: 'no program' }) : done(await gateway.run(argv))) },
    files: createFilePort(),
    signal: new AbortController().signal,
    log: asked.log ?? (() => undefined),
    readOnly: asked.readOnly ?? false,
    source,
  };
};

export const targetOf = async (house: House, app: string, source: DifySource, asked: Asked = {}): Promise<Target> =>
  value(await connect(connectionTo(house, app, source, asked)));
