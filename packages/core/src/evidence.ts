import type { Opened, Reply } from './asking.ts';
import type { Outcome } from './outcome.ts';
import type { Target } from './target.ts';

/** CountedUnit is what one count stands for. Errors come in clumps, so a test must know it. */
export type CountedUnit = 'request' | 'user' | 'session';

/** Arm is what was seen of one version in one window. */
export interface Arm {
  readonly version: string;
  /** answers is the number of counted units. */
  readonly answers: number;
  /** errors is how many of them failed. */
  readonly errors: number;
  /** latenciesMs holds one latency a unit, in milliseconds, as far as the source knows them. */
  readonly latenciesMs: readonly number[];
  /** tokens holds one token count a unit, as far as the source knows them. */
  readonly tokens: readonly number[];
}

/** Observation is what one source saw of both arms in the same window of time. */
export interface Observation {
  /** source names where the counts come from: `probes`, `dify run logs`. */
  readonly source: string;
  readonly unit: CountedUnit;
  /** from and to are milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly stable: Arm;
  readonly candidate: Arm;
  /** paired is true when values at the same index come from the same question to both versions. */
  readonly paired?: true;
  /** asked is how many pairs of questions this rollout has put by now, also where nothing of them counts; absent where none are. */
  readonly asked?: number;
  /** missing says why there is no evidence; counts are then not to be used. */
  readonly missing?: string;
}

/** EvidenceSource counts both arms in windows of time. */
export interface EvidenceSource {
  readonly name: string;
  readonly unit: CountedUnit;
  /** cost says what asking this source costs, for people: "about 40 answers a window"; empty when nothing. */
  readonly cost: string;
  /** observe gives the counts from `from` (included) to `to` (excluded); what cannot be counted is `missing`, never zero. */
  observe(from: number, to: number, signal: AbortSignal): Promise<Observation>;
  /** close ends what the source opened; what could not be closed, such as a side endpoint, is a problem. */
  close(): Promise<Outcome<void>>;
}

/** PairedAsk asks one opened version the question with this index and judges the reply: `failed` is set when it is not as expected. */
export type PairedAsk = (opened: Opened, index: number, signal: AbortSignal) => Promise<Outcome<Reply>>;

/** EvidenceRequest is what a rollout needs evidence for. */
export interface EvidenceRequest {
  readonly target: Target;
  readonly stable: string;
  readonly candidate: string;
  readonly ask: PairedAsk;
  /** pairs is the most paired probes in the whole rollout; 0 when probing is not allowed. */
  readonly pairs: number;
  /** asked is how many of them earlier looks have used. */
  readonly asked: number;
  /** pairsPerWindow is how many pairs one observation sends at most. */
  readonly pairsPerWindow: number;
  /** pairsAtOnce is how many pairs are under way at the same time at most. */
  readonly pairsAtOnce: number;
  /** pairsMs is how long pairs are asked from the first one on; absent where something else ends them. */
  readonly pairsMs?: number;
}
