/**
 * RuleScope says who may change a rule's severity: everybody (`free`), everybody but a pull request (`secret`), or nobody
 * (`shape`), because what breaks it cannot be read or used at all.
 */
export type RuleScope = 'free' | 'secret' | 'shape';

/** Rule is one thing that a platform looks for in a source. */
export interface Rule {
  /** id is stable, such as `dify/cycle`; its page is docs/rules/<id>.md. */
  readonly id: string;
  /** summary is one sentence that says what is wrong. */
  readonly summary: string;
  readonly scope: RuleScope;
}
