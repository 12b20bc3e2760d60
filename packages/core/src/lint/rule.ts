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

/** RuleText is a rule without its id. */
export type RuleText = Omit<Rule, 'id'>;

/** ruleOf says what is wrong, by who may change its severity. */
export const ruleOf = {
  free: (summary: string): RuleText => ({ summary, scope: 'free' }),
  shape: (summary: string): RuleText => ({ summary, scope: 'shape' }),
  secret: (summary: string): RuleText => ({ summary, scope: 'secret' }),
} as const satisfies Readonly<Record<RuleScope, (summary: string) => RuleText>>;

/** ruleFamily is the rules of a family, such as `dify`, whose texts are by the name behind the slash. */
export const ruleFamily = (family: string, texts: Readonly<Record<string, RuleText>>): readonly Rule[] =>
  Object.entries(texts).map(([name, text]) => ({ id: `${family}/${name}`, ...text }));
