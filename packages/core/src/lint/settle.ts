import type { LintConfig } from '../config/schema.ts';
import type { Finding } from '../finding.ts';
import type { Place } from '../problem.ts';
import { nearest } from '../text/nearest.ts';
import { disablingsIn, type Disabling } from './comments.ts';
import { hideSecrets } from './named-secrets.ts';
import type { Rule } from './rule.ts';

/** Linted is what a platform found in a file, before the project's own settings. */
export interface Linted {
  readonly findings: readonly Finding[];
  /** rules are all rules of the platform. */
  readonly rules: readonly Rule[];
  /** path and text are of the file, whose comments count; findings elsewhere have none. */
  readonly path: string;
  readonly text: string;
}

/** LintSettings are what the project says about rules, and whether a pull request says it. */
export interface LintSettings {
  readonly lint: LintConfig;
  readonly pullRequest: boolean;
  /** placeOf finds a key of sluice.yml. */
  placeOf(path: readonly (string | number)[]): Place;
}

/** whyLocked says why a rule keeps its severity; undefined where it may be changed. */
const whyLocked = (rule: Rule, pullRequest: boolean): string | undefined => {
  if (rule.scope === 'shape') return `${rule.id} cannot be changed: what breaks it cannot be used.`;
  return rule.scope === 'secret' && pullRequest ? `${rule.id} cannot be changed by a pull request.` : undefined;
};

/** ruleSettingFindings are about `lint.rules` itself: rules that a platform does not have, and those that cannot be changed. */
export const ruleSettingFindings = (platform: string, rules: readonly Rule[], { lint, pullRequest, placeOf }: LintSettings): readonly Finding[] =>
  Object.keys(lint.rules ?? {})
    .filter((id) => id.startsWith(`${platform}/`))
    .flatMap((id): Finding[] => {
      const place = placeOf(['lint', 'rules', id]);
      const rule = rules.find((one) => one.id === id);
      if (rule === undefined) {
        const near = nearest(id, rules.map((one) => one.id));
        return [{ rule: 'config/unknown-rule', severity: 'error', message: `There is no rule ${id}.`, place, ...(near === undefined ? {} : { hint: `Did you mean ${near}?` }) }];
      }
      const why = whyLocked(rule, pullRequest);
      return why === undefined ? [] : [{ rule: 'config/locked-rule', severity: 'warning', message: why, place }];
    });

const commentFindings = (disablings: readonly Disabling[], path: string): readonly Finding[] =>
  disablings
    .filter(({ rules, reason }) => rules.length === 0 || reason === '')
    .map(({ rules, line }) => ({
      rule: 'config/disable-without-reason',
      severity: 'error',
      message: rules.length === 0 ? 'This comment names no rule, so it disables nothing.' : 'This comment gives no reason, so it disables nothing.',
      place: { file: path, line },
      hint: 'Write "# sluice-disable <rule> -- <reason>".',
    }));

const hidden = (text: string): string => hideSecrets(text, () => '•••');

/** quotable is a finding whose texts hold no secret: they quote titles, names and values of the file. */
const quotable = ({ message, hint, ...rest }: Finding): Finding => ({ ...rest, message: hidden(message), ...(hint === undefined ? {} : { hint: hidden(hint) }) });

/** settleFindings gives findings the severities that sluice.yml and comments ask for, and takes out the secrets that their texts quote. */
export const settleFindings = ({ findings, path, rules, text }: Linted, { lint, pullRequest }: Omit<LintSettings, 'placeOf'>): readonly Finding[] => {
  const disablings = disablingsIn(text);
  const scopes = new Map(rules.map((rule) => [rule.id, rule]));
  const settled = findings.flatMap((finding): readonly Finding[] => {
    const rule = scopes.get(finding.rule);
    if (rule === undefined || whyLocked(rule, pullRequest) !== undefined) return [finding];
    const disabled = disablings.some((one) => one.reason !== '' && finding.place.file === path && one.covers === finding.place.line && one.rules.includes(finding.rule));
    const severity = lint.rules?.[finding.rule] ?? finding.severity;
    return disabled || severity === 'off' ? [] : [{ ...finding, severity }];
  });
  return [...settled.map(quotable), ...commentFindings(disablings, path)];
};
