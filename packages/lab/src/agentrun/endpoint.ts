import type { Lifecycle } from './lifecycle.ts';
import { chooseVersion, evenPoint, usualDialect, type Dialect, type Routing } from './routing.ts';
import { Sessions } from './sessions.ts';

/** EndpointFields are the parts of an endpoint that clients set and that change nothing in the lab but what is shown. */
export interface EndpointFields {
  readonly description: string;
  readonly disablePublicNetworkAccess: boolean;
  readonly minInstances: number;
}

/** Endpoint is one address of a runtime, with its routing. */
export class Endpoint {
  readonly id: string;
  readonly name: string;
  readonly lifecycle: Lifecycle;
  fields: EndpointFields;
  /** routing is what is configured and shown. */
  routing: Routing;
  readonly served: Record<string, number> = {};
  #serving: Routing | undefined;
  #choices = 0;
  readonly #sessions: Sessions;
  readonly #dialect: Dialect;

  constructor(id: string, name: string, fields: EndpointFields, routing: Routing, lifecycle: Lifecycle, elapsed: () => number, dialect: Dialect = usualDialect) {
    this.id = id;
    this.name = name;
    this.fields = fields;
    this.routing = routing;
    this.lifecycle = lifecycle;
    this.#sessions = new Sessions(elapsed);
    this.#dialect = dialect;
  }

  /** route configures a routing; requests follow it when the phase has ended well. */
  route(routing: Routing, phase: 'CREATING' | 'UPDATING', failure: string | undefined): void {
    this.routing = routing;
    this.lifecycle.begin(phase, failure, () => {
      this.#serving = routing;
    });
  }

  /** serve makes a routing effective without any phase. */
  serve(routing: Routing): void {
    this.routing = routing;
    this.#serving = routing;
  }

  /** choose gives the version for a request; undefined while the endpoint has never been ready or is being deleted. */
  choose(session: string | undefined, idleMs: number): string | undefined {
    const deleting = this.lifecycle.status === 'DELETING';
    const serving = this.#serving;
    if (serving === undefined || deleting) return undefined;
    const next = (): string => {
      this.#choices += 1;
      return chooseVersion(serving, evenPoint(this.#choices), this.#dialect);
    };
    return session === undefined ? next() : this.#sessions.version(session, idleMs, next);
  }

  /** count notes an answer by a version. */
  count(version: string): void {
    this.served[version] = (this.served[version] ?? 0) + 1;
  }
}
