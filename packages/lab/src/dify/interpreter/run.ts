import { noUsage, plus, type Usage } from './usage.ts';

/** Within says in which pass of which container a node runs. */
export interface Within {
  readonly kind: 'iteration' | 'loop';
  readonly id: string;
  readonly index: number;
}

/** FlowEvent is one event of a run in Dify's own shape, still without the ids of task and run. */
export type FlowEvent =
  | { readonly chunk: string; readonly selector: readonly string[] }
  | { readonly event: string; readonly fields: Readonly<Record<string, unknown>> };

/** Plan is what the lab decided about one run before it began: how it misbehaves and how slow it is. */
export interface Plan {
  /** failing makes the run fail at its first node that calls a model, else at its answer. */
  readonly failing: boolean;
  /** instead replaces every text that the run answers with. */
  readonly instead?: string;
  /** latencyMs is the usual time of one model call, faults included, not yet compressed. */
  readonly latencyMs: number;
  readonly firstTokenMs: number;
  /** tokens is the factor on the token count. */
  readonly tokens: number;
  /** speaksEarly: texts flow before the end of the node that they waited for (Dify >= 1.9.0). */
  readonly speaksEarly: boolean;
  /** timesFirstToken puts the time to the first token into usages (Dify >= 1.10.0). */
  readonly timesFirstToken: boolean;
}

/** Ports are what a run needs from the lab. */
export interface Ports {
  /** emit takes the events in their order. */
  readonly emit: (event: FlowEvent) => void;
  /** wait lets time pass, compressed by the lab; it ends early when the run is stopped. */
  readonly wait: (milliseconds: number) => Promise<void>;
  /** jitter is the next number between 0.8 and 1.2. */
  readonly jitter: () => number;
  /** standIn records that a node answered with a stand-in, as `llm "Answer"`. */
  readonly standIn: (name: string) => void;
  readonly stopped: () => boolean;
}

/** Run is the state that all graphs of one run share. */
export class Run {
  readonly plan: Plan;
  readonly ports: Ports;
  /** query is the user's message, '' in workflow apps. */
  readonly query: string;
  readonly startedAt = performance.now();
  usage: Usage = noUsage;
  steps = 0;
  exceptions = 0;
  firstTokenSeconds: number | undefined;

  constructor(plan: Plan, ports: Ports, query: string) {
    this.plan = plan;
    this.ports = ports;
    this.query = query;
  }

  spend(usage: Usage): void {
    this.usage = plus(this.usage, usage);
  }

  /** say streams a piece of the answer, an empty one too; the first with content comes late when the plan says so. */
  async say(text: string, selector: readonly string[]): Promise<void> {
    if (this.firstTokenSeconds === undefined && text.trim() !== '') {
      await this.ports.wait(this.plan.firstTokenMs);
      this.firstTokenSeconds = Number(((performance.now() - this.startedAt) / 1000).toFixed(3));
    }
    this.ports.emit({ chunk: text, selector });
  }
}

/** NodeResult is how one node ended. `injected` failures pass by the node's own error strategy. */
export type NodeResult =
  | {
      readonly outputs: Readonly<Record<string, unknown>>;
      readonly inputs?: Readonly<Record<string, unknown>>;
      readonly handle?: string;
      readonly usage?: Usage;
      /** ends says that a loop ends with this pass. */
      readonly ends?: true;
    }
  | { readonly error: string; readonly injected?: true };

/** stepLimit is how many nodes one run may run, containers' passes included (the lab's own guard; Dify's default is 500, too). */
export const stepLimit = 500;
