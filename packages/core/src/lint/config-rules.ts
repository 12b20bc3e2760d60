import { nearest } from '../text/nearest.ts';
import type { Finding } from '../finding.ts';
import type { Rule } from './rule.ts';
import type { LintSettings } from './settle.ts';

/** configRules are about sluice.yml itself, and about comments that disable rules. */
export const configRules: readonly Rule[] = [
  { id: 'config/unknown-rule', summary: 'sluice.yml sets a rule that there is not.', scope: 'shape' },
  { id: 'config/locked-rule', summary: 'sluice.yml sets a rule that cannot be changed.', scope: 'shape' },
  { id: 'config/disable-without-reason', summary: 'A comment that disables rules names none, or gives no reason.', scope: 'shape' },
  { id: 'config/shared-environment', summary: 'Two environments release to the same place.', scope: 'free' },
];

/** ruleFamilies are what ids of rules begin with. */
const ruleFamilies = ['agentrun', 'config', 'dify', 'environment', 'pipeline'];

/** ruleFamilyFindings are about rules in `lint.rules` that belong to nothing, as in `agentrn/value`. */
export const ruleFamilyFindings = ({ lint, placeOf }: LintSettings): readonly Finding[] =>
  Object.keys(lint.rules ?? {}).flatMap((id): readonly Finding[] => {
    const [family = '', name = ''] = id.split('/');
    if (ruleFamilies.includes(family)) return [];
    const meant = nearest(family, ruleFamilies);
    return [{ rule: 'config/unknown-rule', severity: 'error', message: `There is no rule ${id}.`, place: placeOf(['lint', 'rules', id]), hint: meant === undefined || name === '' ? `Rules begin with ${ruleFamilies.join(', ')}.` : `Did you mean ${meant}/${name}?` }];
  });
