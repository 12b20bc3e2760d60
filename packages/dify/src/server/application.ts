import { failed, type Connection, type Failed, type Outcome, type Problem, type Traffic } from '@sluice/core';
import type { Mode } from '../source/dsl.ts';
import type { DifySource } from '../source/source.ts';
import type { Address } from './address.ts';
import type { Console } from './console.ts';
import type { Session } from './session.ts';

/** Application is one app behind a connection: what the parts of the target share. */
export interface Application {
  readonly connection: Connection;
  readonly address: Address;
  readonly session: Session;
  readonly console: Console;
  /** source is the overlaid source that the connection was opened with. */
  readonly source: DifySource;
  readonly mode: Mode;
  /** traffic is there when the environment has a gateway that pins versions of this app. */
  readonly traffic?: Traffic;
  /** twin is there when the environment's gateway splits users between this app and a second one. */
  readonly twin?: Twin;
  /** id is the app's id, empty until it is created. */
  id(): string;
  /** created remembers the id of an app that this connection has made. */
  created(id: string): void;
  /** key is the key of the service API: DIFY_APP_KEY, else one that the console shows or makes. */
  key(): Promise<Outcome<string>>;
}

/** Twin is a second app that stands in for the candidate, and the gateway's split between the ids of the two apps. */
export interface Twin {
  readonly app: Application;
  readonly gateway: Traffic;
}

/** noApplication is the problem of everything that needs an app where there is none yet. */
export const noApplication = (address: Address): Failed =>
  failed({
    category: 'input',
    reason: 'the environment names no app',
    where: address.studio,
    hint: 'Deploy with create to make the app, or put the address of the app in Studio into sluice.yml.',
  });

/** unknownApplication is the problem of an id that the server does not know. */
export const unknownApplication = (application: Application): Problem => ({
  category: 'input',
  reason: `the server has no app ${application.id()} in this workspace`,
  where: application.address.studio,
  hint: 'Check the app id in sluice.yml and the workspace of the account. Sluice does not make a second app in place of a missing one.',
});
