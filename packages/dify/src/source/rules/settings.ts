import { done, type EnvironmentConfig, type SecretReader, type SettingFinding, type Source } from '@sluice/core';
import { overlay, type Overlaid } from '../overlay.ts';
import { isDifySource } from '../source.ts';

/** Secrets are not read to know whether a name fits; a figure fits every type of variable. */
const anyValue: SecretReader = { read: () => done('0'), find: () => '0' };

const overlaid = ['datasets', 'models', 'tools', 'triggers', 'variables'] as const satisfies readonly (keyof Overlaid)[];

/** settingFindings are the settings of an environment that `overlay` will refuse, each by itself. */
export const settingFindings = (environment: EnvironmentConfig, source?: Source): readonly SettingFinding[] => {
  if (environment.dify === undefined || source === undefined || !isDifySource(source)) return [];
  return overlaid.flatMap((group) =>
    Object.entries(environment[group] ?? {}).flatMap(([name, value]): readonly SettingFinding[] => {
      const fits = overlay(source, { [group]: { [name]: value } }, anyValue);
      if (fits.ok) return [];
      const { reason, hint } = fits.problem;
      return [{ rule: 'dify/setting-unfitting', severity: 'error', message: `${reason}.`, path: [group, name], ...(hint === undefined ? {} : { hint }) }];
    }),
  );
};
