import { isDeepStrictEqual } from 'node:util';
import type { Faults } from '../faults.ts';
import type { Configuration } from './configuration.ts';
import type { Endpoint } from './endpoint.ts';
import type { Lifecycle } from './lifecycle.ts';
import { Misbehaviour } from './misbehaviour.ts';
import { latest } from './routing.ts';

/** PublishedVersion is one frozen version of a runtime. */
export interface PublishedVersion {
  readonly number: string;
  readonly description: string;
  readonly publisher: string;
  readonly configuration: Configuration;
  readonly revision: number;
  readonly publishedAt: string;
}

/** Runtime is one agent: a configuration that can change (LATEST), published versions and endpoints. */
export class Runtime {
  readonly id: string;
  readonly name: string;
  readonly workspaceId: string;
  readonly lifecycle: Lifecycle;
  readonly createdAt: string;
  readonly versions: PublishedVersion[] = [];
  readonly endpoints = new Map<string, Endpoint>();
  lastUpdatedAt: string;
  #configuration: Configuration;
  // Counts changes of content, so that LATEST is known to be the same as a version that was published from it.
  #revision = 1;
  #except: string | undefined;
  #faults: Faults = {};
  #misbehaviour = new Map<string, Misbehaviour>();

  constructor(id: string, name: string, workspaceId: string, configuration: Configuration, lifecycle: Lifecycle, now: string) {
    this.id = id;
    this.name = name;
    this.workspaceId = workspaceId;
    this.lifecycle = lifecycle;
    this.createdAt = now;
    this.lastUpdatedAt = now;
    this.#configuration = configuration;
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  /** update replaces LATEST; the same content again is no change. */
  update(configuration: Configuration, now: string): void {
    if (isDeepStrictEqual(configuration, this.#configuration)) return;
    this.#configuration = configuration;
    this.#revision += 1;
    this.lastUpdatedAt = now;
  }

  publish(description: string, publisher: string, now: string): PublishedVersion {
    const version = {
      number: String(this.versions.length + 1),
      description,
      publisher,
      configuration: this.#configuration,
      revision: this.#revision,
      publishedAt: now,
    };
    this.versions.push(version);
    return version;
  }

  /** published finds a version by its number. */
  published(number: string): PublishedVersion | undefined {
    return this.versions.find((version) => version.number === number);
  }

  has(version: string): boolean {
    return version === latest || this.published(version) !== undefined;
  }

  /** currentEndpoints are the endpoints that exist now, without those whose deletion has ended. */
  currentEndpoints(): readonly Endpoint[] {
    for (const endpoint of [...this.endpoints.values()]) endpoint.lifecycle.settle();
    return [...this.endpoints.values()];
  }

  endpointNamed(name: string): Endpoint | undefined {
    return this.currentEndpoints().find((endpoint) => endpoint.name === name);
  }

  /** setFaults makes every version but `except` misbehave, with counters that start again. */
  setFaults(except: string | undefined, faults: Faults): void {
    this.#except = except;
    this.#faults = faults;
    this.#misbehaviour = new Map();
  }

  /** misbehaviour is how a version behaves; LATEST is excused as long as it still is what `except` was published from. */
  misbehaviour(version: string): Misbehaviour {
    const sameAsExcepted =
      version === latest && this.#except !== undefined && this.published(this.#except)?.revision === this.#revision;
    const excused = version === this.#except || sameAsExcepted;
    const key = excused ? 'excused' : version;
    const known = this.#misbehaviour.get(key);
    if (known !== undefined) return known;
    const made = new Misbehaviour(excused ? {} : this.#faults);
    this.#misbehaviour.set(key, made);
    return made;
  }
}
